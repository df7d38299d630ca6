# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking over the tables of upstream's cht-sync, in place, batch by batch; the work itself is done in SQL."""

from __future__ import annotations

import time

from ansible_collections.cht.sync.plugins.module_utils._postgres import psycopg2

# What a table's columns say of its kind. Ours has seq.
V2_COLUMNS = {"saved_timestamp", "_id", "_deleted", "source", "doc"}
LOGSTASH_COLUMNS = {"@timestamp", "_id", "doc"}
OUR_COLUMN = "seq"

# Where upstream's tables go whose names are ours.
UPSTREAM_SCHEMA = "upstream"
IN_OUR_WAY = ("couchdb", "couchdb_progress")

# A batch should take a second or so, for the engines of other sources wait meanwhile.
BATCH = {"v2": 5000, "logstash": 512}  # rows; blocks of 8 KiB


def old_tables(cursor) -> dict[str, dict]:
    """Upstream's tables in this database: "schema.table" -> {"kind": "v2" or "logstash", "place": the quoted name}."""
    cursor.execute(
        "SELECT n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname), array_agg(a.attname::text) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
        "WHERE c.relkind = 'r' GROUP BY c.oid, 1, 2 "
        "HAVING bool_or(a.attname = 'doc' AND a.atttypid = 'jsonb'::regtype) ORDER BY 1"
    )
    found = {}
    for name, place, columns in cursor.fetchall():
        if OUR_COLUMN in columns:
            continue
        if V2_COLUMNS <= set(columns):
            found[name] = {"kind": "v2", "place": place}
        elif LOGSTASH_COLUMNS <= set(columns):
            found[name] = {"kind": "logstash", "place": place}
    return found


def make_way(cursor, home: str, adopt: list[dict], queries: list[str], error: type[Exception]) -> None:
    """Moves cht-sync v2's tables out of schema `home`, before the first migration makes ours of the same names.

    Raises `error` where they are not among those to adopt.
    """
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relname = ANY (%s) ORDER BY 1",
        (home, [*IN_OUR_WAY, "schema_migration"]),
    )
    in_our_way = [f"{home}.{name}" for (name,) in cursor.fetchall()]
    if not in_our_way or f"{home}.schema_migration" in in_our_way:
        return
    tables = {
        name: table["place"]
        for name, table in old_tables(cursor).items()
        if table["kind"] == "v2" and name.startswith(f"{home}.")
    }
    if not tables or not tables.keys() <= {entry["table"] for entry in adopt}:
        sources = sorted(set().union(*(_sources_in(cursor, place) for place in tables.values())))
        raise error(
            f"This database holds {' and '.join(in_our_way)}, but not from cht.sync: it seems to belong to another cht-sync, "
            f"with sources {', '.join(sources) or 'unknown'}. To take it over, stop that one for good, back the database up "
            f"and set init_db_adopt: [{', '.join(f'{{table: {name}}}' for name in tables) or '...'}], see docs/from-upstream.md. "
            "Otherwise name another cht_sync_database."
        )
    places = {*tables.values(), *(name for name in in_our_way if name not in tables)}
    statements = [f"CREATE SCHEMA IF NOT EXISTS {UPSTREAM_SCHEMA}"]
    statements += [f"ALTER TABLE {place} SET SCHEMA {UPSTREAM_SCHEMA}" for place in sorted(places)]
    for statement in statements:
        queries.append(statement)
        cursor.execute(statement)


def register(
    cursor, adopt: list[dict], sources: list[dict], renames: list[dict], queries: list[str], error: type[Exception]
) -> None:
    """Remembers tables that are new among those to adopt, and keeps engines from their sources until they are done.

    Raises `error` for a table that is not upstream's, and for a source that is not the inventory's.
    """
    known = {row["table"] for row in read(cursor)}
    new = [entry for entry in adopt if entry["table"] not in known]
    if not new:
        return
    found = old_tables(cursor)
    for name in list(found):
        schema, relation = name.split(".", 1)
        if schema == UPSTREAM_SCHEMA:  # the operator names it as it was
            found.setdefault(f"v1.{relation}", found[name])
    inventory = {row["source"] for row in sources}
    for entry in new:
        table = found.get(entry["table"])
        if not table:
            raise error(
                f"There is no table {entry['table']} with the columns of the Logstash era (\"@timestamp\", _id, doc jsonb) or of "
                f"cht-sync v2 ({', '.join(sorted(V2_COLUMNS))}). This database has {_listed(found)}. Correct init_db_adopt."
            )
        mapping = _mapping(cursor, entry, table, renames, error)
        _check_sources(entry["table"], mapping, inventory, error)
        queries.append(f"-- {entry['table']} is adopted")
        cursor.execute(
            "INSERT INTO v1.adoption (old_table, place, kind, sources, estimate) VALUES (%s, %s, %s, %s, %s)",
            (entry["table"], table["place"], table["kind"], psycopg2.extras.Json(mapping), _estimate(cursor, table["place"])),
        )
        adopted = (list(mapping.values()),)
        # Under the lock of claim and ingest: a call that runs would otherwise end after its lease did.
        cursor.execute("SELECT v1.lock_stamp()")
        cursor.execute("UPDATE v1.source SET lease = NULL WHERE source = ANY (%s)", adopted)
        if table["kind"] == "logstash":  # Deletions never arrived, so the source is read again from the start.
            cursor.execute("UPDATE v1.couchdb_progress SET seq = NULL, pending = NULL WHERE source = ANY (%s)", adopted)


def copy(connection, seconds: float, error: type[Exception]) -> bool:
    """Takes over rows for about so long, at least one batch, each its own transaction. Tells whether any were left."""
    deadline = time.monotonic() + seconds
    with connection.cursor() as cursor:
        unfinished = [row for row in read(cursor) if not row["finished"]]
        for row in unfinished:
            _refuse_vanished(cursor, row["table"], error)
            finished = False
            while not finished:
                cursor.execute(
                    "SELECT finished_at IS NOT NULL FROM v1.adopt_batch(%s, %s)", (row["table"], BATCH[row["kind"]])
                )
                finished = cursor.fetchone()[0]
                connection.commit()
                if time.monotonic() > deadline:
                    return True
        connection.rollback()
    return bool(unfinished)


def drop(connection, dry_run: bool, queries: list[str], error: type[Exception]) -> bool:
    """Drops old tables that are taken over to the end, and tells whether there were any. Never what depends on them."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '60s'")
        cursor.execute(
            "SELECT old_table, place, kind FROM v1.adoption "
            "WHERE finished_at IS NOT NULL AND dropped_at IS NULL ORDER BY started_at"
        )
        rows = cursor.fetchall()
        for table, place, kind in rows:
            places = [place]
            if kind == "v2":
                places.append(_progress_beside(cursor, place))
            statement = f"DROP TABLE IF EXISTS {', '.join(filter(None, places))} RESTRICT"
            queries.append(statement)
            try:
                cursor.execute(statement)
            except psycopg2.errors.DependentObjectsStillExist as problem:
                dependents = "; ".join((problem.diag.message_detail or "").splitlines())
                raise error(
                    f"{place}, taken over from {table}, is not dropped, for something depends on it: {dependents}. "
                    "Drop or change that first, or set init_db_drop_adopted: false."
                ) from problem
            cursor.execute("UPDATE v1.adoption SET dropped_at = now() WHERE old_table = %s", (table,))
        if dry_run:
            connection.rollback()
        else:
            connection.commit()
    return bool(rows)


def read(cursor) -> list[dict]:
    """All adoptions: table, kind, sources (here), done (percent), rows (read so far), finished, dropped."""
    cursor.execute(
        "SELECT old_table, kind, ARRAY(SELECT DISTINCT s.value FROM jsonb_each_text(sources) s ORDER BY 1), "
        "CASE WHEN finished_at IS NOT NULL THEN 100 ELSE least(99, 100 * rows / greatest(estimate, 1)) END, "
        "estimate, rows, finished_at IS NOT NULL, dropped_at IS NOT NULL FROM v1.adoption ORDER BY started_at, old_table"
    )
    names = ("table", "kind", "sources", "done", "estimate", "rows", "finished", "dropped")
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def as_text(adoptions: list[dict]) -> str:
    """For the diff: one line a table."""
    return "".join(
        f"adoption of {row['table']} ({row['kind']}, about {row['estimate']} rows) "
        f"for {', '.join(row['sources']) or 'no source'}\n"
        for row in adoptions
    )


def _mapping(cursor, entry, table, renames, error):
    """Source in the old table -> source here; "" for rows that name none."""
    if table["kind"] == "logstash":
        if not entry.get("source"):
            raise error(
                f"{entry['table']} is of the Logstash era, whose tables do not say where their rows come from. "
                f"Give its init_db_adopt entry the source: {{table: {entry['table']}, source: <couchdb host>/<database>}}."
            )
        return {"": entry["source"]}
    found = _sources_in(cursor, table["place"])
    progress = _progress_beside(cursor, table["place"])
    if progress:
        cursor.execute(f"SELECT source FROM {progress}")
        found |= {source for (source,) in cursor.fetchall()}
    # Credentials are left behind.
    found = {source for source in found if not source.endswith("/_users")}
    names = {rename["from"]: rename["to"] for rename in renames}
    mapping = {source: names.get(source, source) for source in found}
    if "" in mapping or entry.get("source"):
        mapping[""] = entry.get("source") or ""
    return mapping


def _check_sources(table, mapping, inventory, error):
    if mapping.get("", True) == "":
        raise error(
            f"{table} has rows without a source. Give its init_db_adopt entry the one they came from: "
            f"{{table: {table}, source: <couchdb host>/<database>}}."
        )
    strangers = sorted(set(mapping.values()) - inventory)
    if strangers:
        example = sorted(inventory)[0] if inventory else "<host>/<database>"
        raise error(
            f"{table} holds source {', '.join(strangers)}, "
            f"while the inventory names {', '.join(sorted(inventory)) or 'none'}. If they are the same database, "
            f"set source_prefix: {strangers[0].rsplit('/', 1)[0].rstrip('/')} in its cht_sync_sources entry, "
            f"or init_db_source_renames: [{{from: {strangers[0]}, to: {example}}}]; "
            "if not, add the missing one to cht_sync_sources."
        )


def _sources_in(cursor, place):
    # From one source to the next over the index: the table may be huge, the sources are few.
    cursor.execute(
        f"WITH RECURSIVE s (source) AS (SELECT min(source) FROM {place} UNION ALL "
        f"SELECT (SELECT min(o.source) FROM {place} o WHERE o.source > s.source) FROM s WHERE s.source IS NOT NULL) "
        f"SELECT source FROM s WHERE source IS NOT NULL "
        f"UNION ALL SELECT '' WHERE EXISTS (SELECT FROM {place} WHERE source IS NULL)"
    )
    return {source for (source,) in cursor.fetchall()}


def _estimate(cursor, place):
    cursor.execute("SELECT reltuples < 0 FROM pg_class WHERE oid = %s::regclass", (place,))
    if cursor.fetchone()[0]:  # restored from a dump, say
        cursor.execute(f"ANALYZE {place}")
    # The planner scales what was analysed to the table's size of today.
    cursor.execute(f"EXPLAIN (FORMAT JSON) SELECT FROM {place}")
    return cursor.fetchone()[0][0]["Plan"]["Plan Rows"]


def _progress_beside(cursor, place):
    """The quoted name of the couchdb_progress in a v2 table's schema, or None."""
    cursor.execute("SELECT v1.old_progress(%s)", (place,))
    return cursor.fetchone()[0]


def _refuse_vanished(cursor, table, error):
    cursor.execute("SELECT place FROM v1.adoption WHERE old_table = %s AND to_regclass(place) IS NULL", (table,))
    gone = cursor.fetchone()
    if gone:
        raise error(
            f"{gone[0]}, whose adoption is unfinished, is gone. Restore it and run site.yml again; "
            f"or give it up: take it out of init_db_adopt and DELETE FROM v1.adoption WHERE old_table = '{table}'."
        )


def _listed(found):
    return ", ".join(f"{name} ({table['kind']})" for name, table in sorted(found.items())) or "no such table"
