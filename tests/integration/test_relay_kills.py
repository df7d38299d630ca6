# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The relay killed with kill -9 again and again during a load with edits: the table equals the source in the end.

CHT_TEST_SEED repeats a run's choices, if not its timing.
"""

import os
import random
import secrets
import threading
import time

import pytest
from calls import SOURCES
from couch import Couch
from couch_documents import Feed
from couch_http import Front
from engine import Edits, Reader
from expected import holds, table
from faults import KILLS, ingesting
from relay_program import relay
from servers import PostgREST, wait_until

pytestmark = pytest.mark.once

SOURCE = "a/medic"
DATABASE = "kills"
ROWS = 50  # a page, so that a load has many
PATIENCE = 30  # seconds for anything that must come about


@pytest.fixture
def warehouse(postgresql):
    """A database of its own, each write of a row kept in `written`, and what is in front of it."""
    postgresql.create(DATABASE, SOURCES)
    for statement in (
        "CREATE TABLE written (_id text, _rev text, _deleted boolean)",
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$ BEGIN INSERT INTO public.written VALUES (NEW._id, NEW._rev, NEW._deleted); RETURN NULL; END $$",
        "CREATE TRIGGER keep AFTER INSERT OR UPDATE ON v1.couchdb FOR EACH ROW EXECUTE FUNCTION keep()",
    ):
        postgresql.execute(statement, DATABASE)
    server = PostgREST(postgresql, DATABASE)
    connection = postgresql.connect(DATABASE)
    yield server, connection.cursor()
    connection.close()
    server.stop()
    postgresql.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def at_any_time(_front, _postgresql, chance):
    """Its start, its claim, or any page."""
    time.sleep(chance.random() * 1.2)


def in_a_page(front, _postgresql, chance):
    """While it reads one: behind any byte."""
    some_pages_later(front, chance)
    front.stopped.clear()
    front.stop_after = chance.randrange(ROWS * 700)
    assert front.stopped.wait(PATIENCE), "no page was asked for"


def in_a_call(front, postgresql, chance):
    """While PostgreSQL carries out a call of it; that goes on until up to a second later, whoever is gone."""
    some_pages_later(front, chance)
    holder = postgresql.connect(DATABASE)
    holder.autocommit = False
    holder.cursor().execute("SELECT FROM v1.stamp FOR UPDATE")  # what a call needs to write
    wait_until(lambda: ingesting(postgresql, waiting=True), PATIENCE, "a call")
    threading.Timer(chance.random(), holder.close).start()


def some_pages_later(front, chance):
    enough = len(front.pages) + chance.randint(1, 20)  # after one at least it has made its claim
    wait_until(lambda: len(front.pages) >= enough, PATIENCE, "a page")


MOMENTS = (in_a_call, in_a_page, at_any_time)


def half_of_them_new(chance):
    """Picks documents so that many are never written again: what a kill lost of them stays lost."""
    return lambda number: number if chance.random() < 0.5 else chance.randrange(number)


def position(cursor):
    cursor.execute("SELECT seq FROM v1.couchdb_progress WHERE source = %s", (SOURCE,))
    found = cursor.fetchone()
    return found and found[0]


def test_the_table_equals_the_source(postgresql, warehouse, tmp_path):
    postgrest, cursor = warehouse
    seed = int(os.environ.get("CHT_TEST_SEED") or secrets.randbelow(1 << 32))
    print(f"CHT_TEST_SEED={seed}")
    chance, couch, began = random.Random(seed), Couch(), time.monotonic()
    moments = [MOMENTS[number % len(MOMENTS)] for number in range(KILLS)]
    chance.shuffle(moments)
    complete, all_read, in_flight = threading.Event(), threading.Event(), 0
    with Front(Feed(couch)) as front:
        asked = {SOURCE: lambda: front.since if front.since != "0" else None}
        edits = Edits({SOURCE: couch}, asked, complete, half_of_them_new(random.Random(seed)), front.changed)
        reader = Reader(postgresql, all_read, database=DATABASE)
        edits.start()
        reader.start()
        for number, moment in enumerate(moments):
            program = relay(tmp_path / str(number), front.url, postgrest, SOURCE, page_rows=ROWS)
            with program:  # ends in kill -9
                moment(front, postgresql, chance)
                assert program.process.poll() is None, program.output
            in_flight += ingesting(postgresql) is not None
        complete.set()
        edits.finish(PATIENCE)
        with relay(tmp_path / "last", front.url, postgrest, SOURCE, page_rows=ROWS) as program:
            newest = couch.changes(None)[-1].seq
            wait_until(lambda: position(cursor) == newest, PATIENCE, "the end of the source")
            program.process.terminate()
            assert program.exit_code() == 0, program.output
    all_read.set()
    reader.finish(PATIENCE)

    rows, held = table(cursor), {change.id: change for change in couch.changes(None)}
    assert rows.keys() == held.keys()
    assert all((row.source, holds(row, held[id_])) == (SOURCE, True) for id_, row in rows.items())
    assert reader.seen == {id_: (row.rev, row.deleted) for id_, row in rows.items()}
    cursor.execute("SELECT count(*), count(DISTINCT (_id, _rev, _deleted)) FROM written")
    writes, revisions = cursor.fetchone()
    assert writes == revisions, "something was written twice"
    cursor.execute("SELECT count(*) = count(DISTINCT saved_timestamp) FROM v1.couchdb")
    assert cursor.fetchone() == (True,)
    cursor.execute("SELECT count(*) FROM v1.quarantine")
    assert cursor.fetchone() == (0,)
    counts = f"{KILLS} kills, {in_flight} of them in a call, {len(held)} documents, {edits.number} changes, {writes} rows written"
    print(f"{counts}, {time.monotonic() - began:.0f} s")
