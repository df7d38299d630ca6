# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The relay end to end, from CouchDB's feed to rows in PostgreSQL, against the limits of the machine and a peer.

Rounds are interleaved: in each, every candidate takes the same documents once. `copy` is COPY + upsert of the documents
from memory, without any source; `pull` reads the feed and writes nothing; `couch2pg` is npm's. CPU is that of all
processes that write: relay, PostgREST and PostgreSQL, its checkpoint included, or PostgreSQL and the client of COPY.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

# pylint: disable=wrong-import-position
import processes  # noqa: E402
import workload  # noqa: E402
from calls import empty  # noqa: E402
from peer import Peer  # noqa: E402
from processes import Cost  # noqa: E402
from reference import SETTINGS, SOURCES, Reference, ratio, report  # noqa: E402
from relay_program import relay  # noqa: E402
from servers import PostgREST, PostgreSQL, wait_until  # noqa: E402
from source import Source, source  # noqa: E402

BATCH = 500  # documents of a COPY; as many as a page of the relay has
LATE = 40  # documents written one at a time once all others are there
LIMIT = 600.0  # seconds a candidate may take


class Bench:
    """The servers, and a method a candidate."""

    def __init__(self, origin: Source, texts: list[str], directory: Path) -> None:
        self.origin, self.count, self.directory = origin, len(texts), directory
        self.postgresql = PostgreSQL(SETTINGS)
        self.postgresql.create("cht_sync", SOURCES)
        self.postgrest = PostgREST(self.postgresql)
        self.cursor = self.postgresql.connect().cursor()
        self.reference = Reference(self.postgresql)
        self.batches = ["\n".join([*texts[start : start + BATCH], ""]) for start in range(0, len(texts), BATCH)]
        self.peer = Peer(self.postgresql, origin.url_with_credentials, directory / "couch2pg.log")
        self.turns = 0

    def close(self) -> None:
        self.reference.connection.close()
        self.postgrest.stop()
        self.postgresql.remove()

    def clear(self) -> None:
        empty(self.cursor)
        self.reference.clear()
        self.peer.clear()
        self.cursor.execute("CHECKPOINT")

    def used(self) -> dict[str, float]:
        """Seconds of CPU so far, with all that was written on its way to the disk."""
        self.cursor.execute("CHECKPOINT")
        found = {"PostgreSQL": processes.cpu(self.postmaster()), "PostgREST": processes.cpu(self.postgrest.process.pid)}
        return found | ({"source": processes.cpu(self.origin.pid)} if self.origin.pid else {})

    def postmaster(self) -> int:
        return int((self.postgresql.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def stored(self, table: str) -> int:
        self.cursor.execute(f"SELECT count(*) FROM {table}")
        return self.cursor.fetchone()[0]

    def cost(self, before: dict[str, float], name: str, wall: float, cpu: float, peak: float) -> Cost:
        memory = {
            name: peak,
            "PostgREST": processes.peak(self.postgrest.process.pid),
            "PostgreSQL": processes.shared(self.postmaster()),
        } | ({"source": processes.peak(self.origin.pid)} if self.origin.pid else {})
        return Cost(wall, {name: cpu, **{program: now - before[program] for program, now in self.used().items()}}, memory)

    def copy(self) -> Cost:
        before, start, own = self.used(), time.perf_counter(), time.process_time()
        self.reference.run(self.batches)
        wall, own = time.perf_counter() - start, time.process_time() - own
        cost = self.cost(before, "client", wall, own, 0)
        assert self.stored("reference") == self.count
        return cost

    def pull(self) -> Cost:
        before = self.used()
        environment = {"PULL_URL": self.origin.database_url, "PULL_USER": self.origin.user, "PULL_PASSWORD": self.origin.password}
        script = Path(__file__).with_name("pull.py")
        return self.cost(before, "client", *processes.finished([sys.executable, str(script)], environment, self.directory / "pull.log", LIMIT))

    def relay(self) -> Cost:
        before, start = self.used(), time.perf_counter()
        with self.started() as program:
            wait_until(lambda: "STATUS=caught up" in "\n".join(program.messages), LIMIT, "the end of the feed")
            wall, pid = time.perf_counter() - start, program.process.pid
            cost = self.cost(before, "relay", wall, processes.cpu(pid), processes.peak(pid))
            assert self.stored("v1.couchdb") == self.count, f"{self.stored('v1.couchdb')} of {self.count} documents"
            assert self.stored("v1.quarantine") == 0
        return cost

    def couch2pg(self) -> Cost:
        before = self.used()
        cost = self.cost(before, "client", *self.peer.run())
        assert self.peer.stored() == self.count
        return cost

    def late(self, documents: list[dict]) -> list[float]:
        """Seconds from the start of a document's write in CouchDB until it can be read in PostgreSQL, relay caught up."""
        took = []
        self.clear()
        with self.started() as program:
            wait_until(lambda: "STATUS=caught up" in "\n".join(program.messages), LIMIT, "the end of the feed")
            for document in documents:
                content = {name: value for name, value in document.items() if name not in ("_id", "_rev")}
                start = time.perf_counter()
                self.origin.put(document["_id"], workload.dump(content).encode())
                wait_until(lambda: self.visible(document["_id"]), 30, "a new document")  # noqa: B023
                took.append(time.perf_counter() - start)
                time.sleep(random.random() / 10)  # else each would meet the relay at the same point of its round
        return took

    def visible(self, id_: str) -> bool:
        self.cursor.execute("SELECT true FROM v1.couchdb WHERE _id = %s", (id_,))
        return self.cursor.fetchone() is not None

    def started(self):
        self.turns += 1
        settings = {"database": self.origin.database, "couchdb_username": self.origin.user}
        directory = self.directory / f"relay-{self.turns}"
        return relay(directory, self.origin.url, self.postgrest, SOURCES[0]["source"], self.origin.password, **settings)


def compare(bench: Bench, rounds: int) -> dict[str, list[Cost]]:
    """What each candidate cost in each round. A peer that does not run is left out, and why is printed."""
    costs: dict[str, list[Cost]] = {"copy": [], "pull": [], "relay": []}
    if bench.peer.installed():
        costs["couch2pg"] = []
    else:
        print("couch2pg could not be installed")
    for turn in range(rounds):
        names = list(costs)
        random.Random(turn).shuffle(names)
        for name in names:
            bench.clear()
            try:
                costs[name].append(getattr(bench, name)())
            except AssertionError as error:
                if name != "couch2pg":
                    raise
                print(f"couch2pg does not run here: {error}")
                del costs[name]
                continue
            print(f"round {turn + 1} {name}: {costs[name][-1].wall:.2f} s", flush=True)
    return costs


def writing(cost: Cost) -> float:
    """Seconds of CPU of all that write."""
    return sum(seconds for program, seconds in cost.cpu.items() if program != "source")


def tell(costs: dict[str, list[Cost]], count: int) -> None:
    report({name: [cost.wall for cost in found] for name, found in costs.items()}, count)
    print(f"\n{'seconds of CPU':24}{'program':>12}{'median':>10}  each round")
    for name, found in costs.items():
        for program in found[0].cpu:
            seconds = [cost.cpu[program] for cost in found]
            print(f"{name:24}{program:>12}{statistics.median(seconds):10.2f}  {' '.join(f'{value:.2f}' for value in seconds)}")
    print(f"\n{'most memory, MB':24}" + "".join(f"{program:>12}" for program in costs["relay"][0].peak))
    for name, found in costs.items():
        print(f"{name:24}" + "".join(f"{max(cost.peak.get(program, 0) for cost in found):12.0f}" for program in found[0].peak))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    documents = workload.documents(options.documents + LATE)
    late = [workload.copied(document) for document in documents[options.documents :]]
    texts = [workload.dump(document) for document in documents[: options.documents]]
    del documents
    print(f"{len(texts)} documents of {statistics.mean(map(len, texts)):.0f} characters on average, {options.rounds} rounds", flush=True)
    with source() as origin, tempfile.TemporaryDirectory(prefix="cht-bench-") as directory:
        origin.fill(texts)
        bench = Bench(origin, texts, Path(directory))
        try:
            costs = compare(bench, options.rounds)
            took = bench.late(late)
        finally:
            bench.close()
    tell(costs, options.documents)
    print(f"\na new document in PostgreSQL after {statistics.median(took):.3f} s at the median, {max(took):.3f} s at most, of {len(took)}")
    walls = {name: [cost.wall for cost in found] for name, found in costs.items()}
    cpus = {name: [writing(cost) for cost in found] for name, found in costs.items()}
    print(f"relay_vs_pull={ratio(walls, 'relay', 'pull'):.2f}  relay_rss_mb={max(cost.peak['relay'] for cost in costs['relay']):.0f}")
    peer = f"{ratio(walls, 'couch2pg', 'relay'):.2f}" if "couch2pg" in costs else "na"
    print(f"ratio cpu_vs_copy={ratio(cpus, 'relay', 'copy'):.2f} wall_vs_copy={ratio(walls, 'relay', 'copy'):.2f} vs_couch2pg={peer}")


if __name__ == "__main__":
    main()
