# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the warehouse says of its sources, and how an operator reads it."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils import _table

UNKNOWN = {
    "engine": None, "seq": None, "pending": None, "age": None,
    "quarantined": 0, "collisions": 0, "postgresql": 0, "deleted": 0,
}  # fmt: skip

_QUERY = """
SELECT s.source, s.engine, s.seq, s.pending,
       extract(epoch FROM clock_timestamp() - s.updated_at)::float AS age,
       s.quarantined, s.collisions,
       coalesce(d.present, 0) AS postgresql, coalesce(d.deleted, 0) AS deleted
FROM v1.sync_status s
LEFT JOIN (
    SELECT source, count(*) FILTER (WHERE NOT _deleted) AS present, count(*) FILTER (WHERE _deleted) AS deleted
    FROM v1.document_revision GROUP BY source
) d USING (source)
"""


def warehouse(connection) -> dict[str, dict]:
    """The state of each source the database knows, by its name. Raises psycopg2.Error."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY)
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row)) for row in cursor.fetchall()]
    return {row.pop("source"): row for row in rows}


def entry(source: str, couchdb: int, known: dict[str, dict]) -> dict:
    """One source: documents in CouchDB beside what `warehouse` knows, and whether everything has arrived.

    A document kept apart may or may not have an older revision in the table, hence the range. Of an empty database there
    is nothing to deliver, and Logstash makes no call.
    """
    state = known.get(source, UNKNOWN)
    apart = state["quarantined"] + state["collisions"]
    in_step = (
        (state["seq"] is not None or (couchdb == 0 and state["engine"] is not None))
        and not state["pending"]
        and state["postgresql"] <= couchdb <= state["postgresql"] + apart
    )
    return {"source": source, "couchdb": couchdb, **state, "in_step": in_step}


def table(sources: list[dict]) -> list[str]:
    """Lines of text: source, documents here and there, position, age."""
    rows = [["source", "in CouchDB", "in PostgreSQL", "deleted", "pending", "position", "age"]]
    for row in sources:
        rows.append(
            [
                row["source"],
                str(row["couchdb"]),
                str(row["postgresql"]),
                str(row["deleted"]),
                "not reported" if row["pending"] is None else str(row["pending"]),
                _short(row["seq"]),
                "never" if row["age"] is None else _duration(row["age"]),
            ]
        )
        for key, text in (("quarantined", "in quarantine"), ("collisions", "with an id of another source, kept apart")):
            if row[key]:
                rows.append([f"  {row[key]} {text}"] + [""] * 6)
    return _table.lines(rows)


def _short(seq):
    if seq is None:
        return "none"
    return seq if len(seq) <= 16 else seq[:15] + "…"


def _duration(seconds):
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
