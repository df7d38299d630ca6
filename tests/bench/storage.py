# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why v1.couchdb is stored as it is: other indexes, collations, compressions and fill factors, at 2 million documents.

Each variant is filled with the same rows, then takes the same upserts (half new, half edits), and answers what models
ask: the newest twentieth of the rows by saved_timestamp. `churn` is the growth of the table, in percent, when a fifth of
the rows is edited and a vacuum runs each time the given share of it is dead.
"""

from __future__ import annotations

import argparse
import statistics

from ingest import Bench
from reference import timed

UPSERT = """
    INSERT INTO variant (saved_timestamp, _id, _deleted, source, doc, _rev, seq)
    SELECT clock_timestamp(), _id, false, source, doc || '{}', _rev, NULL FROM change
    ON CONFLICT (_id) DO UPDATE SET
        saved_timestamp = excluded.saved_timestamp, _deleted = excluded._deleted, source = excluded.source,
        doc = excluded.doc, _rev = excluded._rev, seq = excluded.seq
"""
STAMPS = "CREATE INDEX ON variant (saved_timestamp)"
VARIANTS = {
    "as shipped": [STAMPS],
    "as shipped, again": [STAMPS],  # what the same table differs by from one turn to the next
    "upstream's indexes": [STAMPS, "CREATE INDEX ON variant (_deleted)", "CREATE INDEX ON variant (source)"],
    "BRIN on the stamp": ["CREATE INDEX ON variant USING brin (saved_timestamp)"],
    'COLLATE "C"': ['ALTER TABLE variant ALTER _id TYPE varchar COLLATE "C"', STAMPS],
    "fillfactor 80": ["ALTER TABLE variant SET (fillfactor = 80)", STAMPS],
    "pglz": ["ALTER TABLE variant ALTER doc SET COMPRESSION pglz", STAMPS],
    "toast_tuple_target 8160": ["ALTER TABLE variant SET (toast_tuple_target = 8160)", STAMPS],
}
ROUNDS = 5


class Storage:
    """The filled warehouse, and one variant of its table at a time."""

    def __init__(self, bench: Bench, rows: int) -> None:
        self.bench, self.rows, self.cursor = bench, rows, bench.cursor
        bench.clear()
        bench.fill(rows)
        for turn in range(ROUNDS + 1):
            self.cursor.execute(
                f"CREATE TABLE change_{turn} AS "
                "(SELECT * FROM v1.couchdb TABLESAMPLE system (1) ORDER BY random() LIMIT 10000) UNION ALL "
                "(SELECT saved_timestamp, gen_random_uuid()::text, _deleted, source, doc, _rev, seq "
                "FROM v1.couchdb TABLESAMPLE system (1) ORDER BY random() LIMIT 10000)"
            )

    def number(self, sql: str) -> float:
        self.cursor.execute(sql)
        return float(self.cursor.fetchone()[0])

    def make(self, statements: list[str]) -> None:
        self.cursor.execute("DROP TABLE IF EXISTS variant")
        self.cursor.execute("CREATE TABLE variant (LIKE v1.couchdb INCLUDING ALL EXCLUDING INDEXES)")
        for statement in statements:
            if statement.startswith("ALTER"):
                self.cursor.execute(statement)
        # A new value, since a stored one keeps the compression it has.
        self.cursor.execute("INSERT INTO variant SELECT saved_timestamp, _id, _deleted, source, doc || '{}', _rev, seq FROM v1.couchdb")
        self.cursor.execute("ALTER TABLE variant ADD PRIMARY KEY (_id)")
        for statement in statements:
            if statement.startswith("CREATE"):
                self.cursor.execute(statement)
        self.cursor.execute("VACUUM (ANALYZE) variant")
        self.cursor.execute("CHECKPOINT")

    def upserts(self) -> tuple[float, float]:
        """Median seconds and MB of write-ahead log for 20,000 upserts; the first round warms up."""
        seconds, megabytes = [], []
        for turn in range(ROUNDS + 1):
            before = self.number("SELECT pg_current_wal_lsn() - '0/0'")
            seconds.append(timed(self.cursor.execute, UPSERT.replace("change", f"change_{turn}")))
            megabytes.append((self.number("SELECT pg_current_wal_lsn() - '0/0'") - before) / 1e6)
        return statistics.median(seconds[1:]), statistics.median(megabytes[1:])

    def read(self) -> float:
        """Seconds to read the newest twentieth, the best of three."""
        since = "(SELECT min(saved_timestamp) + (max(saved_timestamp) - min(saved_timestamp)) * 0.95 FROM v1.couchdb)"
        query = f"SELECT count(doc ->> 'type') FROM variant WHERE saved_timestamp > {since}"
        return min(timed(self.cursor.execute, query) for turn in range(3))

    def churn(self, share: float) -> float:
        """Growth in percent."""
        before = self.number("SELECT pg_total_relation_size('variant')")
        done = 0.0
        while done < 0.199:
            self.cursor.execute(
                "UPDATE variant SET saved_timestamp = clock_timestamp(), doc = doc || '{}' "
                "WHERE hashtext(_id) %% 10000 BETWEEN %s AND %s",
                (int(done * 10000) + 1, int((done + share) * 10000)),
            )
            done += share
            self.cursor.execute("VACUUM variant")
        return 100 * (self.number("SELECT pg_total_relation_size('variant')") / before - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    options = parser.parse_args()
    bench = Bench(20_000)
    try:
        storage = Storage(bench, options.rows)
        print(f"{options.rows} rows; 20,000 upserts a round, {ROUNDS} rounds")
        print(f"{'variant':26}{'upserts s':>11}{'WAL MB':>9}{'read s':>9}{'table MB':>10}{'index MB':>10}", flush=True)
        for name, statements in VARIANTS.items():
            storage.make(statements)
            table = storage.number("SELECT pg_table_size('variant')") / 1e6
            indexes = storage.number("SELECT pg_indexes_size('variant')") / 1e6
            seconds, log = storage.upserts()
            print(f"{name:26}{seconds:11.3f}{log:9.1f}{storage.read():9.3f}{table:10.0f}{indexes:10.0f}", flush=True)
        for share in (0.05, 0.2):
            storage.make(VARIANTS["as shipped"])
            print(f"churn, vacuum at {share:4.0%} dead: {storage.churn(share):+.0f} %", flush=True)
    finally:
        bench.close()


if __name__ == "__main__":
    main()
