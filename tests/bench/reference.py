# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benches compare with, COPY + upsert, and how they take and tell their figures."""

from __future__ import annotations

import io
import statistics
import time

from servers import PostgreSQL

SOURCES = [{"source": f"bench{number}/medic", "engine": "relay"} for number in range(4)]
# As the role postgresql sets a server with 4 GB.
SETTINGS = {
    "shared_buffers": "1GB", "effective_cache_size": "2GB", "maintenance_work_mem": "256MB", "work_mem": "16MB",
    "wal_buffers": "16MB", "wal_compression": "lz4", "min_wal_size": "256MB", "max_wal_size": "2GB",
    "checkpoint_timeout": "15min", "default_toast_compression": "lz4", "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02", "random_page_cost": "1.1",
}  # fmt: skip
UPSERT = """
    INSERT INTO reference (saved_timestamp, _id, _deleted, source, doc, _rev, seq)
    SELECT clock_timestamp(), doc ->> '_id', false, 'bench0/medic', doc, doc ->> '_rev', NULL FROM staging
    ON CONFLICT (_id) DO UPDATE SET
        saved_timestamp = excluded.saved_timestamp, _deleted = excluded._deleted, source = excluded.source,
        doc = excluded.doc, _rev = excluded._rev, seq = excluded.seq
"""


class Reference:
    """COPY without escaping into a temporary lz4 jsonb table, then an upsert, one transaction a batch, one client."""

    def __init__(self, postgresql: PostgreSQL) -> None:
        self.connection = postgresql.connect()
        self.cursor = self.connection.cursor()
        self.cursor.execute("CREATE TABLE reference (LIKE v1.couchdb INCLUDING ALL)")
        self.cursor.execute("CREATE TEMPORARY TABLE staging (doc jsonb COMPRESSION lz4) ON COMMIT DELETE ROWS")
        self.cursor.execute("SET work_mem = '64MB'")
        self.connection.autocommit = False

    def run(self, batches: list[str]) -> None:
        for batch in batches:
            # Delimiter and quote are bytes that JSON cannot hold, so nothing is escaped.
            self.cursor.copy_expert("COPY staging FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')", io.StringIO(batch))
            self.cursor.execute(UPSERT)
            self.connection.commit()

    def clear(self) -> None:
        self.cursor.execute("TRUNCATE reference")
        self.connection.commit()


def timed(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def report(times: dict[str, list[float]], count: int) -> None:
    print(f"{'candidate':24}{'median s':>10}{'fastest':>10}{'slowest':>10}{'docs/s':>10}")
    for name, seconds in sorted(times.items()):
        median = statistics.median(seconds)
        print(f"{name:24}{median:10.3f}{min(seconds):10.3f}{max(seconds):10.3f}{count / median:10.0f}")


def ratio(figures: dict[str, list[float]], over: str, under: str) -> float:
    """Median over the rounds of one candidate's figure divided by another's of the same round."""
    return statistics.median(one / other for one, other in zip(figures[over], figures[under]))
