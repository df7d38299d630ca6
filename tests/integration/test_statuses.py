# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed call is answered with, since the engines decide by it: wait and try again, or stop and alert. And calls
that wait: however they queue, an old lease writes nothing once a new one has been handed out.
"""

import threading
import time

import pytest
import requests
from calls import Source, page, row
from servers import PostgREST

TRY_AGAIN = (429, 500, 502, 503, 504)


@pytest.fixture
def holder(postgresql, cursor):
    """A transaction that holds the lock of claim and ingest until it is rolled back."""
    connection = postgresql.connect()
    connection.autocommit = False
    connection.cursor().execute("SELECT v1.lock_stamp()")
    yield connection
    connection.close()


def until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


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


# ---- errors of PostgreSQL


@pytest.mark.parametrize(
    ("sqlstate", "status"),
    [("53100", 503), ("53200", 503), ("53300", 503), ("57014", 500), ("57P01", 503), ("40P01", 500), ("55P03", 500), ("58030", 500), ("XX001", 500)],
    ids=["disk full", "out of memory", "connections", "canceled", "shutdown", "deadlock", "lock timeout", "I/O error", "corrupted"],
)
def test_what_passes_by_itself_is_to_be_tried_again(source, cursor, sqlstate, status):
    cursor.execute(
        f"""CREATE FUNCTION v1.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$;
            CREATE TRIGGER fail BEFORE INSERT ON v1.couchdb FOR EACH ROW EXECUTE FUNCTION v1.fail()"""
    )
    try:
        answer = source.refuses(page(row("a", "1-a")), status)
        assert answer.json()["code"] == sqlstate and status in TRY_AGAIN
    finally:
        cursor.execute("DROP FUNCTION v1.fail CASCADE")
    cursor.execute("SELECT count(*) FROM v1.quarantine")
    assert cursor.fetchone() == (0,)


def test_a_call_ends_before_its_client_gives_up(postgresql, postgrest, cursor, holder):
    login = postgresql.connect(user="authenticator")
    with login.cursor() as authenticator:
        authenticator.execute("SET ROLE sync_writer")
        authenticator.execute("SHOW statement_timeout")
        assert authenticator.fetchone() == ("4min",)
    login.close()

    cursor.execute("ALTER ROLE authenticator SET statement_timeout = '300ms'")
    impatient = PostgREST(postgresql)
    try:
        assert code(impatient.post("claim", {"source": "a/medic", "engine": "relay"})) == (500, "57014")
    finally:
        cursor.execute("ALTER ROLE authenticator SET statement_timeout = '240s'")
        impatient.stop()


def test_no_free_connection_is_to_be_tried_again(postgresql, postgrest, cursor, holder):
    small = PostgREST(postgresql, db_pool=1, db_pool_acquisition_timeout=1)
    try:
        first = Call(small.post, "claim", {"source": "a/medic", "engine": "relay"})
        until(lambda: waiting(cursor) == 1, "the first call's wait")
        assert code(small.post("claim", {"source": "b/medic", "engine": "relay"})) == (504, "PGRST003")
        holder.rollback()
        assert first.status() == 200
    finally:
        small.stop()


def test_a_call_whose_connection_is_cut_writes_nothing(source, cursor, holder):
    late = Call(source.send, page(row("a", "1-a")))
    until(lambda: waiting(cursor) == 1, "the call's wait")
    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'authenticator' AND wait_event_type = 'Lock'")
    holder.rollback()
    assert late.status() in TRY_AGAIN
    assert source.stored("a") is None
    source.lands(page(row("a", "1-a")))


def test_a_stopped_server_is_to_be_tried_again(postgresql, postgrest, source):
    postgresql.stop()
    try:
        answer = source.send(page(row("a", "1-a")))
        assert answer.status_code == 503
    finally:
        postgresql.start()
    until(lambda: source.send(page(row("a", "1-a"))).status_code == 200, "recovery", 60)


# ---- errors of the caller: to stop and alert, not to try again


@pytest.mark.parametrize("headers", [{}, {"X-CHT-Source": "a/medic"}, {"X-CHT-Lease": "x"}])
def test_a_missing_header_is_the_callers_error(postgrest, cursor, source, headers):
    assert code(postgrest.post("ingest", page(), **headers)) == (400, "PT400")


@pytest.mark.parametrize("lease", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_a_lease_that_never_was_is_refused(postgrest, source, lease):
    assert postgrest.post("ingest", page(), **{"X-CHT-Source": source.name, "X-CHT-Lease": lease}).status_code == 409


def test_the_lease_of_another_source_is_refused(postgrest, cursor, source):
    other = Source(postgrest, cursor, "b/medic")
    assert postgrest.post("ingest", page(), **{"X-CHT-Source": source.name, "X-CHT-Lease": other.lease}).status_code == 409


@pytest.mark.parametrize(
    ("claim", "status"),
    [
        ({"source": "c/medic", "engine": "relay"}, 409),
        ({"source": "a/medic", "engine": None}, 409),
        ({"source": "unknown/medic", "engine": "relay"}, 404),
        ({"source": None, "engine": "relay"}, 404),
        ({"source": "a/medic"}, 404),
        ({"source": "a/medic", "engine": "relay", "more": 1}, 404),
    ],
)
def test_a_claim_that_cannot_be(postgrest, cursor, claim, status):
    answer = postgrest.post("claim", claim)
    assert answer.status_code == status
    assert answer.json()["code"] == "PGRST202" or answer.json()["hint"]  # the remedy, where ours answers


def test_a_call_of_another_content_type_is_refused(postgrest, source):
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/csv"):
        answer = requests.post(
            f"{postgrest.url}/rpc/ingest",
            data=page(row("a", "1-a")),
            headers={"Authorization": f"Bearer {postgrest.token}", "Content-Type": kind, "X-CHT-Source": source.name, "X-CHT-Lease": source.lease},
            timeout=10,
        )
        assert answer.status_code in (400, 404, 415), kind
    assert source.stored("a") is None


# ---- late calls


def test_a_call_that_waited_while_the_source_was_claimed_writes_nothing(source, cursor, holder):
    claim = Call(source.postgrest.post, "claim", {"source": source.name, "engine": "relay"})
    until(lambda: waiting(cursor) == 1, "the claim's wait")
    late = Call(source.send, page(row("late", "1-x"), last_seq="9-x"))
    until(lambda: waiting(cursor) == 2, "the call's wait")
    holder.rollback()
    assert claim.status() == 200 and claim.answer.json()["seq"] is None
    assert late.status() == 409
    assert source.stored("late") is None and source.progress() is None


def test_a_call_that_waited_before_the_claim_is_known_to_it(source, cursor, holder):
    early = Call(source.send, page(row("early", "1-x"), last_seq="9-x"))
    until(lambda: waiting(cursor) == 1, "the call's wait")
    claim = Call(source.postgrest.post, "claim", {"source": source.name, "engine": "relay"})
    until(lambda: waiting(cursor) == 2, "the claim's wait")
    holder.rollback()
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
