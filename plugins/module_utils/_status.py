# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the warehouse says of its sources, beside what CouchDB says."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils import _postgres

UNKNOWN = {
    "engine": None, "seq": None, "pending": None, "age": None,
    "quarantined": 0, "collisions": 0, "replaced_age": None, "postgresql": 0, "deleted": 0,
}  # fmt: skip

# So many documents or changes may be on their way in a moment of a busy day.
NEARLY = 100

_QUERY = """
SELECT source, engine, seq, pending, extract(epoch FROM clock_timestamp() - updated_at)::float AS age, quarantined, collisions,
       extract(epoch FROM clock_timestamp() - replaced_at)::float AS replaced_age
FROM v1.sync_status
"""

_COUNT = """
SELECT source, count(*) FILTER (WHERE NOT _deleted), count(*) FILTER (WHERE _deleted)
FROM v1.document_revision GROUP BY source
"""


def warehouse(connection, count_timeout: int) -> dict[str, dict]:
    """The state of each source the database knows, by its name; `postgresql` and `deleted` are its documents.

    Counting reads the whole table. Where it takes longer than count_timeout seconds, both are None. Raises psycopg2.Error.
    """
    rows = _postgres.rows(connection, _QUERY)
    counts = _counts(connection, count_timeout)
    for row in rows:
        row["postgresql"], row["deleted"] = (None, None) if counts is None else counts.get(row["source"], (0, 0))
    return {row.pop("source"): row for row in rows}


def _counts(connection, timeout):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", (f"{timeout}s",))
        try:
            cursor.execute(_COUNT)
            return {source: (present, deleted) for source, present, deleted in cursor.fetchall()}
        except _postgres.psycopg2.errors.QueryCanceled:
            return None
        finally:
            connection.rollback()


def entry(source: str, counts: list[int], known: dict[str, dict], error: str | None = None) -> dict:
    """One source: documents in CouchDB beside what `warehouse` knows, and whether everything has arrived.

    counts: documents in CouchDB before and after those in PostgreSQL were counted; on a busy day the right number lies between
    them. Empty where CouchDB does not answer; then `error` says why.
    """
    state = known.get(source, UNKNOWN)
    couchdb = counts[-1] if counts else None
    missing = _missing(state, counts)
    arrived = missing == 0 and not state["pending"] and _was_delivered(state, couchdb)
    return {
        "source": source, "couchdb": couchdb, **state, "error": error, "missing": missing, "in_step": arrived,
        "nearly": missing is not None and abs(missing) <= NEARLY and (state["pending"] or 0) <= NEARLY,
    }  # fmt: skip


def _was_delivered(state, couchdb):
    # Of an empty database there is nothing to deliver, and Logstash makes no call.
    return state["seq"] is not None or (couchdb == 0 and state["engine"] is not None)


def _missing(state, counts):
    """Documents that PostgreSQL lacks; negative: that it has too many; None: not known."""
    if not counts or state["postgresql"] is None:
        return None
    # A document kept apart may or may not have an older revision in the table.
    least, most = state["postgresql"], state["postgresql"] + state["quarantined"] + state["collisions"]
    if most < min(counts):
        return min(counts) - most
    return min(max(counts) - least, 0)
