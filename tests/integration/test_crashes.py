# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers killed under load: nothing is lost, nothing lands twice, and delivery goes on by itself."""

import contextlib
import threading
from functools import partial

import pytest
from calls import SOURCES
from couch import Couch
from engine import Edits, Engine, Reader
from expected import holds, table
from faults import KILLS, ingesting
from servers import PostgreSQL, PostgREST, wait_until

pytestmark = pytest.mark.server

LOAD = {"a/medic": ("relay", "page"), "b/medic": ("relay", "page"), "c/medic": ("logstash", "events")}
SERVERS_DOWN = 30  # s, by far enough to be up again


@pytest.fixture(scope="module")
def crashing():
    """A PostgreSQL of this file's own, and what is in front."""
    postgresql = PostgreSQL()
    postgresql.create("cht_sync", SOURCES)
    postgrest = PostgREST(postgresql)
    yield postgresql, postgrest
    postgrest.stop()
    postgresql.remove()


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
    edits = Edits(couches, {engine.source: partial(getattr, engine, "seq") for engine in engines}, complete)
    reader = Reader(postgresql, all_read)
    for worker in (edits, reader, *engines):
        worker.start()

    for fault in FAULTS * max(1, KILLS // len(FAULTS)):
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
