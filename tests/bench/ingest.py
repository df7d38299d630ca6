# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast api.ingest is, as ratios to COPY + upsert of the same documents at the same batch size, in one run.

Rounds are interleaved: in each, every candidate writes the same documents once into an empty table. A ratio above 1 is
faster than the reference. `growth_2m` is the cost of a document in a table of 2 million rows over that at 100,000.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

# pylint: disable=wrong-import-position
import workload  # noqa: E402
from reference import SETTINGS, SOURCES, Reference, ratio, report, timed  # noqa: E402
from servers import PostgREST, PostgreSQL  # noqa: E402


class Client:
    """One engine: a claimed source and a connection to PostgREST, as lean as the reference's libpq."""

    def __init__(self, postgrest: PostgREST, source: str) -> None:
        lease = postgrest.post("claim", {"source": source, "engine": "relay"}).json()["lease"]
        self.connection = HTTPConnection("127.0.0.1", postgrest.port, timeout=300)
        self.headers = {
            "Authorization": f"Bearer {postgrest.token}", "Content-Type": "text/plain",
            "X-CHT-Source": source, "X-CHT-Lease": lease,
        }  # fmt: skip

    def run(self, bodies: list[bytes]) -> None:
        self.connection.close()  # PostgREST ends one that was idle; the next request opens it again
        for body in bodies:
            self.connection.request("POST", "/rpc/ingest", body, self.headers)
            answer = self.connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content


class Bench:
    """The servers, the candidates and their times."""

    def __init__(self, count: int) -> None:
        self.postgresql = PostgreSQL(SETTINGS)
        self.postgresql.create("cht_sync", SOURCES)
        self.postgrest = PostgREST(self.postgresql)
        self.cursor = self.postgresql.connect().cursor()
        self.reference = Reference(self.postgresql)
        self.clients = [Client(self.postgrest, source["source"]) for source in SOURCES]
        self.documents = workload.documents(count)

    def close(self) -> None:
        self.reference.connection.close()
        self.postgrest.stop()
        self.postgresql.remove()

    def clear(self) -> None:
        self.cursor.execute("TRUNCATE v1.couchdb")
        self.reference.clear()
        self.cursor.execute("CHECKPOINT")

    def stored(self, table: str) -> int:
        self.cursor.execute(f"SELECT count(*) FROM {table}")
        return self.cursor.fetchone()[0]

    def four(self, shares: list[list[bytes]]) -> None:
        with ThreadPoolExecutor(len(shares)) as pool:
            for done in [pool.submit(client.run, bodies) for client, bodies in zip(self.clients, shares)]:
                done.result()

    def compare(self, rounds: int) -> dict[str, list[float]]:
        """Seconds of each candidate in each round."""
        one, docs = self.clients[0], self.documents
        candidates: dict[str, tuple] = {}
        for size in (100, 125, 500, 1000):
            candidates[f"reference_{size}"] = ("reference", self.reference.run, workload.copies(docs, size))
            candidates[f"pages_{size}"] = ("v1.couchdb", one.run, workload.pages(docs, size))
            candidates[f"events_{size}"] = ("v1.couchdb", one.run, workload.events(docs, size))
            for form, cut in (("pages", workload.pages), ("events", workload.events)):
                shares = [cut(docs[number::4], size) for number in range(4)]
                candidates[f"{form}_{size}_x4"] = ("v1.couchdb", self.four, shares)
        replay = candidates["pages_500"][2], candidates["reference_500"][2]
        times: dict[str, list[float]] = {}
        for turn in range(rounds):
            names = list(candidates)
            random.Random(turn).shuffle(names)
            for name in names:
                table, function, bodies = candidates[name]
                self.clear()
                times.setdefault(name, []).append(timed(function, bodies))
                assert self.stored(table) == len(docs), f"{name} stored {self.stored(table)} of {len(docs)} documents"
            # The same again onto what is stored: the reference writes it all anew, api.ingest need not.
            self.clear()
            one.run(replay[0])
            self.reference.run(replay[1])
            times.setdefault("replay_500", []).append(timed(one.run, replay[0]))
            times.setdefault("reference_replay_500", []).append(timed(self.reference.run, replay[1]))
        return times

    def growth(self, sizes: list[int], rounds: int) -> dict[int, list[float]]:
        """Seconds for the documents, half of them new and half edits of stored ones, in tables of these sizes."""
        times: dict[int, list[float]] = {}
        self.clear()
        for size in sizes:
            self.fill(size)
            for turn in range(rounds + 1):
                bodies = workload.pages(self.mixture(turn, size), 500)
                seconds = timed(self.clients[0].run, bodies)
                if turn:  # the first round warms up
                    times.setdefault(size, []).append(seconds)
        return times

    def mixture(self, turn: int, size: int) -> list[dict]:
        half = len(self.documents) // 2
        self.cursor.execute("SELECT _id FROM v1.couchdb TABLESAMPLE bernoulli (%s) LIMIT %s", (min(100, 200 * half / size), half))
        ids = [id_ for (id_,) in self.cursor.fetchall()]
        news = [workload.copied(document) for document in self.documents[:half]]
        edits = [workload.edited({**document, "_id": id_}, turn + 10) for document, id_ in zip(self.documents[half:], ids)]
        mixed = news + edits
        random.Random(turn).shuffle(mixed)
        return mixed

    def fill(self, size: int) -> None:
        """Up to `size` rows: the documents again and again under random ids, as CHT's are."""
        missing = size - self.stored("v1.couchdb")
        if self.stored("v1.couchdb") == 0:
            self.clients[0].run(workload.pages(self.documents, 500))
            self.cursor.execute("CREATE TABLE IF NOT EXISTS pattern AS SELECT * FROM v1.couchdb")
            missing = size - self.stored("v1.couchdb")
        while missing > 0:
            self.cursor.execute(
                "INSERT INTO v1.couchdb (saved_timestamp, _id, _deleted, source, doc, _rev) "
                "SELECT s.last + row_number() OVER () * interval '1 us', n.id, false, source, "
                "jsonb_set(doc, '{_id}', to_jsonb(n.id::text)), _rev "
                "FROM v1.stamp s, (SELECT *, gen_random_uuid() AS id FROM pattern LIMIT %s) n",
                (missing,),
            )
            missing -= self.cursor.rowcount
            self.cursor.execute("UPDATE v1.stamp SET last = (SELECT max(saved_timestamp) FROM v1.couchdb)")
        self.cursor.execute("VACUUM (ANALYZE) v1.couchdb")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs=2, default=[100_000, 2_000_000], help="rows of the tables compared for growth")
    options = parser.parse_args()
    bench = Bench(options.documents)
    try:
        mean = statistics.mean(len(workload.dump(document)) for document in bench.documents)
        print(f"{options.documents} documents of {mean:.0f} bytes on average, {options.rounds} rounds")
        times = bench.compare(options.rounds)
        report(times, options.documents)
        for size in (100, 125, 500, 1000):
            forms = [f"{form}_{size}{clients}" for form in ("pages", "events") for clients in ("", "_x4")]
            print("  ".join(f"{form}={ratio(times, f'reference_{size}', form):.2f}" for form in forms))
        growth = bench.growth(options.sizes, 5)
        report({f"mixed_at_{size}": seconds for size, seconds in growth.items()}, options.documents)
    finally:
        bench.close()
    ratios = {
        "pages_500": ratio(times, "reference_500", "pages_500"),
        "pages_1000": ratio(times, "reference_1000", "pages_1000"),
        "events_125": ratio(times, "reference_125", "events_125"),
        "replay_500": ratio(times, "reference_500", "replay_500"),
        "growth_2m": statistics.median(growth[options.sizes[1]]) / statistics.median(growth[options.sizes[0]]),
    }
    print("ratio " + " ".join(f"{name}={value:.2f}" for name, value in ratios.items()))


if __name__ == "__main__":
    main()
