# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table v1.source, kept equal to the inventory."""

from __future__ import annotations


def read(cursor) -> list[dict]:
    """All sources the database knows, as [{"source", "engine"}]; engine None: no longer in the inventory."""
    cursor.execute("SELECT source, engine FROM v1.source ORDER BY source")
    return [{"source": source, "engine": engine} for source, engine in cursor.fetchall()]


def converge(cursor, wanted: list[dict], queries: list[str], error: type[Exception]) -> None:
    """Adds and changes sources. A changed engine ends the old one's lease.

    Raises `error` for a source that can only be a renamed one.
    """
    known = {row["source"]: row["engine"] for row in read(cursor)}
    engines = {row["source"]: row["engine"] for row in wanted}
    _refuse_renames(known, engines, error)
    for source in {**known, **engines}:
        engine = engines.get(source)
        if source in known and known[source] == engine:
            continue
        queries.append(f"-- source {source}: engine {known.get(source)} -> {engine}")
        # Under the lock of claim and ingest: a call that runs would otherwise end after its lease did.
        cursor.execute("SELECT v1.lock_stamp()")
        cursor.execute(
            "INSERT INTO v1.source AS s (source, engine) VALUES (%s, %s) "
            "ON CONFLICT (source) DO UPDATE SET engine = excluded.engine, lease = NULL",
            (source, engine),
        )


def rename(cursor, renames: list[dict], wanted: list[dict], dry_run: bool, queries: list[str], error: type[Exception]) -> None:
    """Gives sources the names the operator asks for; [{"from", "to"}]. One that is unknown was renamed before.

    In a dry run the documents, which may be many, keep their source. Raises `error` where the inventory says otherwise.
    """
    known = {row["source"] for row in read(cursor)}
    inventory = {row["source"] for row in wanted}
    for old, new in ((entry["from"], entry["to"]) for entry in renames):
        if old not in known or old == new:
            continue
        if old in inventory or new not in inventory:
            raise error(
                f'Source "{old}" cannot be renamed to "{new}": the inventory must name the new one and no longer the old one, '
                f"and it names {', '.join(sorted(inventory)) or 'none'}. Change cht_sync_sources or init_db_source_renames."
            )
        queries.append(f"-- source {old} is renamed to {new}")
        cursor.execute("SELECT v1.rename_source(%s, %s, %s)", (old, new, not dry_run))
        known = known - {old} | {new}


def as_text(sources: list[dict]) -> str:
    """For the diff: one line a source."""
    return "".join(f"source {row['source']}: {row['engine'] or 'not in the inventory'}\n" for row in sources)


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
                "so that the documents keep their source (or, to rewrite them all, init_db_source_renames: "
                f"[{{from: {twins[0]}, to: {source}}}]). "
                "If it is another instance, keep the old entry in the inventory too."
            )
