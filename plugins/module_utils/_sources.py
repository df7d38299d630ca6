# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table v1.source, kept equal to the inventory."""

from __future__ import annotations


def converge(cursor, wanted: list[dict], queries: list[str], error: type[Exception]) -> tuple[list[dict], list[dict]]:
    """Adds and changes sources; returns the list before and after, each [{"source", "engine"}].

    A changed engine ends the old one's lease. Raises `error` for a source that can only be a renamed one.
    """
    before = _read(cursor)
    known = {row["source"]: row["engine"] for row in before}
    engines = {row["source"]: row["engine"] for row in wanted}
    _refuse_renames(known, engines, error)
    for source in {**known, **engines}:
        engine = engines.get(source)
        if source in known and known[source] == engine:
            continue
        queries.append(f"-- source {source}: engine {known.get(source)} -> {engine}")
        cursor.execute(
            "INSERT INTO v1.source AS s (source, engine) VALUES (%s, %s) "
            "ON CONFLICT (source) DO UPDATE SET engine = excluded.engine, lease = NULL",
            (source, engine),
        )
    return before, _read(cursor)


def as_text(sources: list[dict]) -> str:
    """For the diff: one line a source."""
    return "".join(f"source {row['source']}: {row['engine'] or 'not in the inventory'}\n" for row in sources)


def _read(cursor):
    cursor.execute("SELECT source, engine FROM v1.source ORDER BY source")
    return [{"source": source, "engine": engine} for source, engine in cursor.fetchall()]


def _refuse_renames(known, engines, error):
    # A host that got another name looks like a new source; copied again under it, every document would collide.
    vanished = {source for source in known if source not in engines}
    for source in engines:
        if source in known:
            continue
        database = source.split("/", 1)[1]
        twins = sorted(other for other in vanished if other.split("/", 1)[1] == database)
        if twins:
            raise error(
                f'Source "{source}" is new, while "{twins[0]}" with the same database name is no longer in the inventory. '
                f"If the host was renamed, set source_prefix: {twins[0].split('/', 1)[0]} in its cht_sync_sources entry, "
                "so that the documents keep their source. If it is another instance, keep the old entry in the inventory too."
            )
