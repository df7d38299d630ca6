# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lock for all that writes, and calls that wait: none outlives its client, and however they queue, an old lease
writes nothing once a new one has been handed out.
"""

import re
import threading

import pytest
from calls import Source, page, row
from engine import RETRIED
from servers import ROOT, PostgREST, wait_until

pytestmark = pytest.mark.server

READ_TIMEOUT = 300  # s, of the engines


@pytest.fixture
def transaction(postgresql, cursor):
    """One that the test begins and ends beside its calls."""
    connection = postgresql.connect()
    connection.autocommit = False
    yield connection
    connection.close()


@pytest.fixture
def lock(transaction):
    """A transaction that holds the lock of claim and ingest until the test ends it."""
    transaction.cursor().execute("SELECT v1.lock_stamp()")
    return transaction


def waiting(cursor) -> int:
    """How many calls wait for a lock."""
    cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'authenticator' AND wait_event_type = 'Lock'")
    return cursor.fetchone()[0]


class Call(threading.Thread):
    """A call made beside the test, and its answer."""

    def __init__(self, function, *arguments):
        super().__init__()
        self.function, self.arguments, self.answer = function, arguments, None
        self.start()

    def run(self):
        self.answer = self.function(*self.arguments)

    def status(self) -> int:
        self.join(30)
        return self.answer.status_code


def code(answer):
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("call", ["claim", "ingest"])
def test_claim_and_ingest_wait_for_one_lock(source, cursor, lock, call):
    thread = threading.Thread(target=source.claim if call == "claim" else lambda: source.lands(page(row("a", "1-a"))))
    lease = source.lease
    thread.start()
    wait_until(lambda: waiting(cursor), 20, "a wait for the lock")
    assert source.lease == lease and source.stored("a") is None
    lock.commit()
    thread.join(10)
    assert not thread.is_alive() and (source.lease != lease if call == "claim" else source.stored("a"))


def test_a_stamp_is_taken_after_the_lock_was_waited_for(source, cursor, lock):
    """Else who waited would stamp earlier than who wrote meanwhile, and a reader would pass its rows by."""
    thread = threading.Thread(target=lambda: source.lands(page(row("a", "1-a"))))
    thread.start()
    wait_until(lambda: waiting(cursor), 20, "a wait for the lock")
    with lock.cursor() as holder:
        holder.execute("UPDATE v1.stamp SET last = clock_timestamp() AT TIME ZONE 'UTC' + interval '1 hour' RETURNING last")
        (last,) = holder.fetchone()
    lock.commit()
    thread.join(10)
    cursor.execute("SELECT saved_timestamp > %s FROM v1.couchdb", (last,))
    assert cursor.fetchall() == [(True,)]


def test_a_call_ends_before_its_client_gives_up(postgresql, cursor, lock):
    login = postgresql.connect(user="authenticator")
    with login.cursor() as authenticator:
        authenticator.execute("SET ROLE sync_writer")
        authenticator.execute("SELECT current_setting('statement_timeout'), extract(epoch FROM current_setting('statement_timeout')::interval)")
        timeout, seconds = authenticator.fetchone()
    login.close()
    template = (ROOT / "roles/postgrest/templates/postgrest.conf.j2").read_text()
    pool_wait = int(re.search(r"^db-pool-acquisition-timeout = (\d+)$", template, re.M)[1])
    assert 0 < seconds and seconds + pool_wait < READ_TIMEOUT

    cursor.execute("ALTER ROLE authenticator SET statement_timeout = '300ms'")
    impatient = PostgREST(postgresql)
    try:
        assert code(impatient.post("claim", {"source": "a/medic", "engine": "relay"})) == (500, "57014")
    finally:
        cursor.execute("ALTER ROLE authenticator SET statement_timeout = %s", (timeout,))
        impatient.stop()


def test_a_claim_waits_for_an_inventory_that_gives_the_source_to_another_engine(postgrest, cursor, transaction):
    """As init_db writes it: else the old engine would get a lease that outlives the change."""
    try:
        transaction.cursor().execute("UPDATE v1.source SET engine = 'logstash', lease = NULL WHERE source = 'a/medic'")
        claim = Call(postgrest.post, "claim", {"source": "a/medic", "engine": "relay"})
        wait_until(lambda: waiting(cursor) == 1, 20, "the claim's wait")
        transaction.commit()
        assert claim.status() == 409, claim.answer.text
        cursor.execute("SELECT engine, lease FROM v1.source WHERE source = 'a/medic'")
        assert cursor.fetchall() == [("logstash", None)]
    finally:
        transaction.rollback()
        cursor.execute("UPDATE v1.source SET engine = 'relay' WHERE source = 'a/medic'")


def test_no_free_connection_is_to_be_tried_again(postgresql, postgrest, cursor, lock):
    small = PostgREST(postgresql, db_pool=1, db_pool_acquisition_timeout=1)
    try:
        first = Call(small.post, "claim", {"source": "a/medic", "engine": "relay"})
        wait_until(lambda: waiting(cursor) == 1, 20, "the first call's wait")
        assert code(small.post("claim", {"source": "b/medic", "engine": "relay"})) == (504, "PGRST003")
        lock.rollback()
        assert first.status() == 200
    finally:
        small.stop()


def test_a_call_whose_connection_is_cut_writes_nothing(source, cursor, lock):
    late = Call(source.send, page(row("a", "1-a")))
    wait_until(lambda: waiting(cursor) == 1, 20, "the call's wait")
    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'authenticator' AND wait_event_type = 'Lock'")
    lock.rollback()
    assert late.status() in RETRIED
    assert source.stored("a") is None
    source.lands(page(row("a", "1-a")))


def test_a_call_that_waited_while_the_source_was_claimed_writes_nothing(source, cursor, lock):
    claim = Call(source.postgrest.post, "claim", {"source": source.name, "engine": "relay"})
    wait_until(lambda: waiting(cursor) == 1, 20, "the claim's wait")
    late = Call(source.send, page(row("late", "1-x"), last_seq="9-x"))
    wait_until(lambda: waiting(cursor) == 2, 20, "the call's wait")
    lock.rollback()
    assert claim.status() == 200 and claim.answer.json()["seq"] is None
    assert late.status() == 409
    assert source.stored("late") is None and source.progress() is None


def test_a_call_that_waited_before_the_claim_is_known_to_it(source, cursor, lock):
    early = Call(source.send, page(row("early", "1-x"), last_seq="9-x"))
    wait_until(lambda: waiting(cursor) == 1, 20, "the call's wait")
    claim = Call(source.postgrest.post, "claim", {"source": source.name, "engine": "relay"})
    wait_until(lambda: waiting(cursor) == 2, 20, "the claim's wait")
    lock.rollback()
    assert early.status() == 200 and claim.status() == 200
    assert claim.answer.json()["seq"] == "9-x"


def test_no_interleaving_lets_an_old_lease_write(source, cursor):
    for turn in range(25):
        late = [Call(source.send, page(row(f"{turn}-{number}", "1-x"), last_seq=f"{turn}-{number}")) for number in range(5)]
        claim = Call(source.postgrest.post, "claim", {"source": source.name, "engine": "relay"})
        late += [Call(source.send, page(row(f"{turn}-{number}", "1-x"), last_seq=f"{turn}-{number}")) for number in range(5, 8)]
        assert claim.status() == 200
        cursor.execute("SELECT _id FROM v1.couchdb WHERE starts_with(_id, %s)", (f"{turn}-",))
        written = {id_ for (id_,) in cursor.fetchall()}
        assert {call.status() for call in late} <= {200, 409}
        landed = {f"{turn}-{number}" for number, call in enumerate(late) if call.status() == 200}
        cursor.execute("SELECT _id FROM v1.couchdb WHERE starts_with(_id, %s)", (f"{turn}-",))
        assert {id_ for (id_,) in cursor.fetchall()} == written == landed
        assert claim.answer.json()["seq"] == (source.progress() or (None,))[0]
        source.lease = claim.answer.json()["lease"]
