# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an operator reads the state of sources and models: tables that fit a screen, what is wrong, and what to do."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils import _table

MODELS_SHOWN = 12
# Seconds after which a source or a model is not well, where the operator sets no limit. The relay calls at least every minute;
# Logstash only when something changes, and when it restarts, once a day.
SILENT = {"relay": 120, "logstash": 25 * 3600}
STALE = 3600
# How many seconds the report names a database that was replaced.
NEWS = 7 * 86400

UNITS = {"relay": "'cht-sync-relay@*'", "logstash": "cht-sync-logstash"}


def table(sources: list[dict], models: list[dict]) -> list[str]:
    """Lines of text: a table of the sources, and one of the models if there are any."""
    lines = _table.lines(_source_rows(sources))
    if models:
        lines += ["", *_table.lines(_model_rows(models)), _model_summary(models)]
    return lines


def exceeded(sources: list[dict], models: list[dict], limits: dict) -> list[str]:
    """A sentence for each limit that is passed. limits: max_age and max_model_lag in seconds, max_pending in changes; None: none."""
    found = []
    age, pending, lag = limits["max_age"], limits["max_pending"], limits["max_model_lag"]
    for row in sources:
        if age is not None and (row["age"] is None or row["age"] > age):
            found.append(f"{row['source']}: last call {_ago(row['age'])}, max_age is {age} s")
        if pending is not None and (row["pending"] or 0) > pending:
            found.append(f"{row['source']}: {row['pending']:,} changes pending, max_pending is {pending:,}")
    if lag is not None:
        if not models:
            found.append(f"dbt has not run yet, max_model_lag is {lag} s")
        for row in models:
            if _lags(row, lag):
                found.append(f"{_name(row)}: {_lag(row)} behind, max_model_lag is {lag} s")
    return found


def problems(sources: list[dict], models: list[dict], failed_tests: int | None, models_expected: bool) -> list[str]:
    """A sentence for each thing that is wrong, with its remedy. None: the data is whole and fresh."""
    found = [sentence for row in sources for sentence in _source_problems(row)]
    if models_expected and not models:
        found.append("dbt has not run yet: wait for its first run, or read journalctl -u cht-sync-dbt on the dbt machine")
    failed = [row for row in models if row["status"] == "error"]
    skipped = sum(row["status"] == "skipped" for row in models)
    stale = [row for row in models if row["status"] not in ("error", "skipped") and _lags(row, STALE)]
    if failed:
        found.append(
            f"failed in the last run: {_names(failed)}{f' ({skipped} more had to wait for them)' if skipped else ''}: "
            "read journalctl -u cht-sync-dbt on the dbt machine, then run playbooks/dbt.yml"
        )
    if stale:
        found.append(
            f"more than {duration(STALE)} behind: {_names(stale)}: look at systemctl status cht-sync-dbt.timer cht-sync-dbt on the dbt machine"
        )
    if failed_tests:
        found.append(f"{failed_tests} of the models' tests failed: read journalctl -u cht-sync-dbt-test on the dbt machine")
    return found


def notes(sources: list[dict]) -> list[str]:
    """What is no problem by itself, and may explain one."""
    return [
        f"NOTE: {row['source']} was found to be another database {_ago(row['replaced_age'])}, and is read again from the start: "
        f"what only the old one had stays until playbooks/parity.yml -e parity_source={row['source']} flags it"
        for row in sources
        if row["replaced_age"] is not None and row["replaced_age"] < NEWS
    ]


def verdict(sources: list[dict], models: list[dict], wrong: list[str]) -> list[str]:
    """The last lines: that all is well, or what is not."""
    if wrong:
        return ["NOT WELL:", *(f"- {sentence}" for sentence in wrong)]
    copied = f"{sum(row['couchdb'] for row in sources):,} documents of {len(sources)} sources are all copied"
    if not models:
        return [f"ALL IS WELL: {copied} (no models: dbt has not run here)."]
    waits = max((row["lag"] or 0 for row in models), default=0)
    fresh = "hold every change" if waits == 0 else f"lack no change older than {duration(waits)}"
    return [f"ALL IS WELL: {copied}, {len(models)} models {fresh}."]


def duration(seconds: float) -> str:
    """As short as it can be said: 90 s, 5 min, 3 h, 4 d."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _source_rows(sources):
    rows = [["source", "in CouchDB", "in PostgreSQL", "deleted", "pending", "position", "age"]]
    for row in sources:
        rows.append(
            [
                row["source"],
                "no answer" if row["couchdb"] is None else f"{row['couchdb']:,}",
                "not counted" if row["postgresql"] is None else f"{row['postgresql']:,}",
                "" if row["deleted"] is None else f"{row['deleted']:,}",
                "not reported" if row["pending"] is None else f"{row['pending']:,}",
                _short(row["seq"]),
                "never" if row["age"] is None else duration(row["age"]),
            ]
        )
        for key, text in (("quarantined", "in quarantine"), ("collisions", "with the id of another document, kept apart")):
            if row[key]:
                rows.append([f"  {row[key]:,} {text}"] + [""] * 6)
    return rows


def _model_rows(models):
    # What is wrong comes first, then what waits longest, then what takes longest.
    shown = sorted(models, key=lambda row: (_is_good(row), -(row["lag"] or 0), -(row["seconds"] or 0)))
    rows = [["model", "last run", "result", "took", "behind"]]
    for row in shown[:MODELS_SHOWN]:
        took = "" if row["seconds"] is None else f"{row['seconds']:.1f} s"
        rows.append([_name(row), _ago(row["age"]), row["status"] or "not known", took, _lag(row)])
    return rows


def _model_summary(models):
    hidden = len(models) - MODELS_SHOWN
    good = sum(_is_good(row) for row in models)
    return f"{good} of {len(models)} models succeeded in their last run" + (f"; {hidden} are not shown." if hidden > 0 else ".")


def _source_problems(row):
    name, unit = row["source"], UNITS.get(row["engine"], "'cht-sync-*'")
    if row["error"]:
        yield f"{name}: {row['error']}"
    if row["engine"] is None:
        yield f"{name}: the warehouse does not know it: run site.yml"
        return
    if row["seq"] is None and row["couchdb"]:
        yield f"{name}: nothing was copied yet: read journalctl -u {unit} on the machine that syncs"
    elif row["age"] is not None and row["age"] > SILENT.get(row["engine"], STALE):
        yield f"{name}: its engine last called {_ago(row['age'])}: look at systemctl status {unit} on the machine that syncs"
    elif row["couchdb"] is not None and not row["in_step"]:
        yield f"{name}: {_what_is_missing(row)}"
    if row["quarantined"]:
        yield f"{name}: {row['quarantined']:,} in quarantine: playbooks/quarantine.yml lists which and why"


def _what_is_missing(row):
    if row["missing"] is None:
        return "its documents were not counted in time: give more with -e cht_sync_count_timeout=<seconds>"
    if row["missing"] < 0:
        return f"the warehouse has {-row['missing']:,} documents more than CouchDB: playbooks/parity.yml lists and removes them"
    some = f"{row['missing']:,} documents" if row["missing"] else f"{row['pending']:,} changes"
    return f"{some} are still to come: run this again; if the number stays, playbooks/parity.yml lists them"


def _is_good(row):
    # A view is made when the project changes, which may be longer ago than results are kept.
    return row["status"] == "success" or (row["status"] is None and row["materialized"] == "view")


def _lags(row, limit):
    # A view is as fresh as what it reads.
    return row["materialized"] != "view" and (row["lag"] is None or row["lag"] > limit)


def _lag(row):
    if row["materialized"] == "view":
        return ""
    return "unknown" if row["lag"] is None else duration(row["lag"])


def _name(row):
    return f"{row['schema']}.{row['model']}"


def _names(rows):
    names = [_name(row) for row in rows]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _ago(age):
    return "never" if age is None else f"{duration(age)} ago"


def _short(seq):
    if seq is None:
        return "none"
    return seq if len(seq) <= 16 else seq[:15] + "…"
