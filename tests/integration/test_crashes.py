# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers killed under load: nothing is lost, nothing lands twice, and delivery goes on by itself."""

import contextlib
import threading

import psycopg2
import pytest
from calls import SOURCES
from couch import Couch
from engine import Engine, Reader, Worker
from expected import holds, table
from servers import PostgreSQL, PostgREST, wait_until

LOAD = {"a/medic": ("relay", "page"), "b/medic": ("relay", "page"), "c/medic": ("logstash", "events")}
SERVERS_DOWN = 30  # s, by far enough to be up again


class Edits(Worker):
    """Goes on changing documents as long as deliveries keep up."""

    def __init__(self, couches, engines, complete):
        super().__init__()
        self.couches, self.engines, self.complete = couches, engines, complete

    def work(self):
        number = 0
        while not self.complete.wait(0.01):
            for (name, couch), engine in zip(self.couches.items(), self.engines):
                if len(couch.changes(engine.seq, 2000)) < 2000:
                    for _change in range(200):
                        number += 1
                        couch.put(f"{name}:{number % 4001}", {"number": number, "text": "x" * 500}, number % 11 == 0)


@pytest.fixture(scope="module")
def crashing():
    """A PostgreSQL of this file's own, and what is in front."""
    postgresql = PostgreSQL()
    postgresql.create("cht_sync", SOURCES)
    postgrest = PostgREST(postgresql)
    yield postgresql, postgrest
    postgrest.stop()
    postgresql.remove()


def ingesting(postgresql) -> int | None:
    """Process id of a backend that is in the middle of a call."""
    try:
        found = postgresql.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'authenticator' AND state = 'active' AND query ~ 'ingest'")
    except psycopg2.Error:
        return None
    return found[0][0] if found else None


def kill_backend(postgresql, _postgrest):
    def killed():
        with contextlib.suppress(RuntimeError):  # it has just ended by itself
            pid = ingesting(postgresql)
            return pid and not postgresql.kill(pid)

    wait_until(killed, SERVERS_DOWN, "a call")


def kill_postgrest(postgresql, postgrest):
    wait_until(lambda: ingesting(postgresql), SERVERS_DOWN, "a call")
    postgrest.kill()
    postgrest.start()


def restart(mode):
    def fault(postgresql, _postgrest):
        wait_until(lambda: ingesting(postgresql), SERVERS_DOWN, "a call")
        postgresql.stop(mode)
        postgresql.start()

    return fault


FAULTS = [kill_backend, kill_postgrest, restart("immediate"), restart("fast"), kill_backend, kill_postgrest]


def test_nothing_is_lost_and_nothing_lands_twice(crashing):
    postgresql, postgrest = crashing
    couches = {name: Couch() for name in LOAD}
    complete, all_read = threading.Event(), threading.Event()
    engines = [Engine(postgrest, name, engine, couches[name], complete, form) for name, (engine, form) in LOAD.items()]
    edits, reader = Edits(couches, engines, complete), Reader(postgresql, all_read)
    for worker in (edits, reader, *engines):
        worker.start()

    for fault in FAULTS:
        landed = [engine.landed for engine in engines]
        fault(postgresql, postgrest)
        wait_until(lambda: all(engine.went_on(count) for engine, count in zip(engines, landed)), SERVERS_DOWN, "delivery of every source")  # noqa: B023
    complete.set()
    for worker in (edits, *engines):
        worker.finish(60)
    all_read.set()
    reader.finish(60)

    with postgresql.connect().cursor() as cursor:
        rows = table(cursor)
        held = {change.id: (name, change) for name, couch in couches.items() for change in couch.changes(None)}
        assert rows.keys() == held.keys()
        assert all((row.source, holds(row, held[id_][1])) == (held[id_][0], True) for id_, row in rows.items())
        assert reader.seen == {id_: (row.rev, row.deleted) for id_, row in rows.items()}
        cursor.execute("SELECT count(*) = count(DISTINCT saved_timestamp) FROM v1.couchdb")
        assert cursor.fetchone() == (True,)
        cursor.execute("SELECT count(*) FROM v1.quarantine")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT source, seq FROM v1.couchdb_progress")
        assert dict(cursor.fetchall()) == {name: couch.changes(None)[-1].seq for name, couch in couches.items()}
    assert any(engine.answers for engine in engines), "no fault was felt"
