# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long runs take: the first, one after 5,000 documents changed, one without a change as it is made once an hour, and as
the timer makes all others ("spared"); at several sizes.

`nochange_vs_dbt_start` is a run without a change over `dbt parse`, dbt's start, at the middle size. `size_growth_max` is the
largest of the later runs' growths from the smallest size to the largest: 1 where only what changed counts.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
from datetime import date
from pathlib import Path

BENCH = Path(__file__).resolve().parent
for directory in ("integration", "integration/dbt"):
    sys.path.append(str(BENCH.parent / directory))
sys.path.append(str(BENCH.parents[1] / "roles/couchdb_demo/files"))

# pylint: disable=wrong-import-position
from cht_demo import DATABASES, generate  # noqa: E402
from installed import environment, installed  # noqa: E402
from processes import finished  # noqa: E402
from reference import SETTINGS  # noqa: E402
from servers import PostgreSQL  # noqa: E402

TODAY = date(2026, 11, 24)
LOT = 50_000
LIMIT = 3600.0
INSERT = """
    INSERT INTO v1.couchdb (saved_timestamp, _id, _deleted, source, doc)
    SELECT s.last + row_number() OVER () * interval '1 us', doc ->> '_id', false, %s, doc FROM staging, v1.stamp s
    ON CONFLICT (_id) DO NOTHING
"""
STAMP = "UPDATE v1.stamp SET last = (SELECT max(saved_timestamp) FROM v1.couchdb)"

class Bench:
    """One warehouse that grows, and dbt as a process a run."""

    def __init__(self, directory: Path) -> None:
        self.server = PostgreSQL(SETTINGS)
        self.directory = directory
        self.programs = installed() / "bin"
        self.environment = {**environment(self.server.port, directory / "target"), "DBT_LOG_LEVEL_FILE": "none"}

    def close(self) -> None:
        self.server.remove()

    def fill(self, size: int) -> None:
        """A warehouse of at least `size` documents of the demo, in lots of an instance each, that nothing has modelled."""
        self.server.execute("DROP DATABASE IF EXISTS warehouse WITH (FORCE)")
        self.server.create("warehouse", [{"source": f"cht.example.org/{database}", "engine": "relay"} for database in DATABASES])
        self.cursor = self.server.connect("warehouse").cursor()
        self.cursor.execute("CREATE TEMPORARY TABLE staging (doc jsonb)")
        lot = 0
        while self.stored() < 0.98 * size:
            instance = generate(min(LOT, size), f"bench-{lot}", TODAY)
            lot += 1
            for database in DATABASES:
                documents = (document for document in instance.final(database) if not document["_id"].startswith("_design/"))
                lines = "\n".join(json.dumps(document).replace("\\u0000", "") for document in documents)
                self.cursor.copy_expert("COPY staging FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')", io.StringIO(lines))
                self.cursor.execute(INSERT, (f"cht.example.org/{database}",))
                self.cursor.execute(f"{STAMP}; TRUNCATE staging")
        self.cursor.execute("VACUUM (ANALYZE) v1.couchdb")
        self.config = self.directory / f"{size}.json"
        self.config.write_text(json.dumps({"state": str(self.directory / f"state-{size}")}), encoding="utf-8")

    def stored(self) -> int:
        self.cursor.execute("SELECT count(*) FROM v1.couchdb")
        return self.cursor.fetchone()[0]

    def change(self, count: int) -> None:
        """Edits so many documents of all kinds, evenly spread, and deletes one in ten of them."""
        self.cursor.execute(
            """
            UPDATE v1.couchdb c SET
                saved_timestamp = s.last + picked.number * interval '1 us', _deleted = picked.number %% 10 = 0,
                doc = CASE WHEN picked.number %% 10 = 0 THEN jsonb_build_object('_id', c._id, '_deleted', true)
                      ELSE jsonb_set(c.doc, '{edited}', to_jsonb(s.last)) END
            FROM v1.stamp s, (
                SELECT _id, row_number() OVER () AS number
                FROM (SELECT _id FROM v1.couchdb WHERE NOT _deleted ORDER BY random() LIMIT %s) any_of_them
            ) picked
            WHERE c._id = picked._id
            """, (count,))
        self.cursor.execute(STAMP)

    def start(self) -> tuple[float, float]:
        """dbt's start alone: seconds, and the most memory it held, in MB."""
        return self._finished("dbt", "parse")

    def update(self, *options: str) -> tuple[float, float]:
        """A run of the role's program: seconds, and the most memory it held, in MB."""
        return self._finished("python", "-m", "cht_dbt", "update", "--config", str(self.config), *options)

    def _finished(self, program: str, *arguments: str) -> tuple[float, float]:
        command = [str(self.programs / program), *arguments]
        seconds, _cpu, peak = finished(command, self.environment, self.directory / "log", LIMIT)
        return seconds, peak

    def measure(self, size: int, changes: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
        """What is run at one size, each as its rounds; those of the first run's kind are one."""
        self.fill(size)
        times = {"start": [], "first run": [self.update()], "changes": [], "no change": [], "spared": []}
        self.cursor.execute("VACUUM ANALYZE")
        for turn in range(rounds + 1):
            self.change(changes)
            made = {
                "changes": self.update(), "no change": self.update(), "spared": self.update("--if-changed"), "start": self.start()
            }  # fmt: skip
            if turn:  # the first round warms up
                for name, cost in made.items():
                    times[name].append(cost)
        return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 500_000, 1_000_000], help="documents")
    parser.add_argument("--changes", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    medians: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="cht-bench-") as directory:
        bench = Bench(Path(directory))
        try:
            print(f"{'documents':>10}  {'':<10}{'seconds':>8}{'MB':>6}   rounds")
            for size in options.sizes:
                times = bench.measure(size, options.changes, options.rounds)
                medians[size] = {name: statistics.median(seconds for seconds, _peak in costs) for name, costs in times.items()}
                for name, costs in times.items():
                    rounds = " ".join(f"{seconds:.1f}" for seconds, _peak in costs)
                    print(f"{bench.stored():>10}  {name:<10}{medians[size][name]:>8.1f}{max(peak for _s, peak in costs):>6.0f}   {rounds}", flush=True)
        finally:
            bench.close()
    least, most = medians[min(medians)], medians[max(medians)]
    middle = medians[sorted(medians)[len(medians) // 2]]
    growth = max(most[name] / least[name] for name in ("changes", "no change", "spared"))
    print(f"ratio nochange_vs_dbt_start={middle['no change'] / middle['start']:.2f} size_growth_max={growth:.2f}")


if __name__ == "__main__":
    main()
