# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed call is answered with, since the engines decide by it: wait and try again, or stop and alert."""

import time
from types import SimpleNamespace

import pytest
import requests
from calls import Source, page, row
from engine import RETRIED
from cht_engine import postgrest as client
from cht_engine import tokens
from cht_engine.errors import Refused
from servers import SECRET, wait_until

pytestmark = pytest.mark.server

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
        assert answer.json()["code"] == sqlstate and status in RETRIED
    finally:
        cursor.execute("DROP FUNCTION v1.fail CASCADE")
    cursor.execute("SELECT count(*) FROM v1.quarantine")
    assert cursor.fetchone() == (0,)


def test_a_stopped_server_is_to_be_tried_again(postgresql, postgrest, source):
    postgresql.stop()
    try:
        answer = source.send(page(row("a", "1-a")))
        assert answer.status_code == 503
    finally:
        postgresql.start()
    wait_until(lambda: source.send(page(row("a", "1-a"))).status_code == 200, 60, "recovery")


# ---- errors of the caller: to stop and alert, not to try again


def test_an_ended_token_is_replaced_once_by_the_engine(postgrest, cursor, monkeypatch):
    """Its clock is more than an hour behind; then it is set, in the middle of a call."""
    clock = SimpleNamespace(behind=4000, time=lambda: time.time() - clock.behind)
    monkeypatch.setattr(tokens, "time", clock)
    engine = client.PostgREST(postgrest.url, "a/medic", "relay", tokens.Tokens(SECRET, 1), None, 10)
    answers = []
    engine._session.hooks["response"].append(lambda answer, **_: answers.append(answer.status_code))
    with pytest.raises(Refused, match="401 PGRST301: JWT expired. If it stays: .* compare the clocks"):
        engine.claim(None)
    engine._session.hooks["response"].append(lambda answer, **_: setattr(clock, "behind", 0))
    assert engine.claim(None).lease
    assert answers == [401, 401, 401, 200]


@pytest.mark.parametrize("headers", [{}, {"X-CHT-Source": "a/medic"}, {"X-CHT-Lease": "x"}])
def test_a_missing_header_is_the_callers_error(postgrest, cursor, source, headers):
    answer = postgrest.post("ingest", page(), **headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "PT400")


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
