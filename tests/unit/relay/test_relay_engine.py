# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop, against the two scripted peers."""

import json
import logging
import time

import jwt
import pytest
from engine_harness import until
from engine_peers import HANG_UP, Reply, cut, reply
from engine_recordings import pouchdb, recording
from relay_harness import Relay

from cht_relay import engine
from cht_engine import backoff as pauses
from cht_engine import stalling
from cht_engine.backoff import LONGEST_PAUSE, Backoff
from cht_engine.errors import LeaseLost, Refused
from cht_engine.pages import cut as cut_page


def landed(couchdb, postgrest):
    """Wait until everything recorded has arrived, and compare."""
    until(lambda: postgrest.seq == couchdb.end)
    assert postgrest.documents == couchdb.documents()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """Tenths of the pauses between tries, to begin with."""
    monkeypatch.setattr(pauses, "FIRST_PAUSE", 0.02)


@pytest.fixture
def logged(caplog):
    """The relay's log lines so far."""
    caplog.set_level(logging.INFO, "cht_relay")
    return lambda: [r.getMessage() for r in list(caplog.records)]


def test_a_first_run_to_the_end_and_a_change_after_it(couchdb, postgrest, relay):
    relay.start()
    landed(couchdb, postgrest)
    relay.says("caught up at seq 59-")
    until(lambda: couchdb.requests[-1].longpoll)
    couchdb.news.set()
    until(lambda: "live-1" in postgrest.documents)
    relay.says("caught up at seq 60-")
    assert len(postgrest.asked("claim")) == 1
    assert postgrest.identity == "1795558699"
    assert [h["pending"] for h in postgrest.headers] == [35, 25, 15, 5, 0, 0]
    assert any("behind, pending 25" in m for m in relay.told.messages)
    assert relay.ended is None


def test_the_rows_are_couchdbs_bytes(couchdb, postgrest, relay):
    relay.start()
    landed(couchdb, postgrest)
    sent = b"".join(recording(n).body for n in couchdb.PAGES)
    assert len(postgrest.raw_rows) == 45
    assert all(row in sent for row in postgrest.raw_rows)


def test_it_goes_on_where_the_database_says(couchdb, postgrest, relay):
    postgrest.seq = json.loads(recording("032").body)["last_seq"]
    relay.start()
    until(lambda: postgrest.seq == couchdb.end)
    assert len(postgrest.raw_rows) == 15
    assert couchdb.asked("_changes")[0].query["since"].startswith("42-")


def test_a_database_created_again_is_read_from_the_start_and_said_once(
    couchdb, postgrest, relay, logged
):
    postgrest.seq, postgrest.identity = couchdb.end, "1700000000"
    postgrest.fail("ingest", *[reply(503, {})] * 2)
    relay.start()
    until(lambda: len(postgrest.raw_rows) == 45)
    landed(couchdb, postgrest)
    assert couchdb.asked("_changes")[0].query["since"] == "0"
    assert len(postgrest.asked("claim")) == 3
    assert len([m for m in logged() if "is another database than before" in m]) == 1


def test_nothing_is_written_while_nothing_happens(couchdb, postgrest, relay):
    postgrest.seq = couchdb.end
    couchdb.fail("_changes", *[Reply(recording("035").wire)] * 2)
    relay.start()
    until(lambda: len(couchdb.asked("_changes")) == 3)
    couchdb.news.set()
    until(lambda: "live-1" in postgrest.documents)
    assert [h["rows"] for h in postgrest.headers] == [0, 1]


def test_the_stored_time_shows_that_the_sync_is_alive(
    couchdb, postgrest, relay, monkeypatch
):
    monkeypatch.setattr("cht_relay.engine.TELL_EVERY", 0.0)
    postgrest.seq = couchdb.end
    couchdb.fail("_changes", *[Reply(recording("035").wire)] * 2)
    relay.start()
    until(lambda: len(postgrest.headers) >= 2)
    assert [h["rows"] for h in postgrest.headers[:2]] == [0, 0]
    assert postgrest.seq == couchdb.end


def test_an_empty_page_stores_a_position_that_moved(couchdb, postgrest, relay):
    moved = json.loads(recording("032").body)["last_seq"]
    empty = {"results": [], "last_seq": moved, "pending": 25}
    couchdb.fail("_changes", reply(200, empty))
    relay.start()
    until(lambda: postgrest.headers)
    assert postgrest.headers[0] == {"last_seq": moved, "pending": 25, "rows": 0}
    assert postgrest.asked("ingest")[0].body.count(b"\n") == 1
    until(lambda: postgrest.seq == couchdb.end)


def test_a_server_that_does_not_hold_longpolls_is_not_flooded(
    couchdb, postgrest, relay
):
    postgrest.seq = couchdb.end
    couchdb.fail("_changes", *[Reply(recording("035").wire)] * 50)
    relay.start()
    relay.says("caught up")
    time.sleep(0.3)
    assert len(couchdb.asked("_changes")) <= 2


def test_pouchdb_server(couchdb, postgrest, relay):
    couchdb.fail("medic", Reply(pouchdb("db-info").raw, close=True))
    couchdb.fail("_look", Reply(pouchdb("changes-empty").raw, close=True))
    names = ["changes-page1", "changes-gzip", "changes-empty", "longpoll-answered"]
    couchdb.fail("_changes", *(Reply(pouchdb(n).raw, close=True) for n in names))
    couchdb.fail("_changes", Reply(hold=couchdb.released))
    relay.start()
    until(lambda: postgrest.seq == "7")
    assert sorted(postgrest.documents) == ["a", "b", "big", "c", "gone", "live"]
    assert [h["last_seq"] for h in postgrest.headers] == ["2", "6", "7"]
    assert {h["pending"] for h in postgrest.headers} == {None}
    relay.says("caught up at seq 7, pending not reported")


def test_a_longpoll_that_never_ends_is_quiet(
    couchdb, postgrest, relay, logged, monkeypatch
):
    monkeypatch.setattr("cht_engine.couchdb.POLL_GRACE", 0.1)
    relay.settings["poll_timeout"] = 0.1
    postgrest.seq = couchdb.end
    relay.start()
    until(lambda: len([r for r in couchdb.requests if r.longpoll]) >= 2)
    couchdb.news.set()
    until(lambda: "live-1" in postgrest.documents)
    assert relay.told.last_status.startswith("caught up")
    assert not [m for m in logged() if "no whole answer" in m]
    assert len(postgrest.asked("claim")) == 1


@pytest.mark.parametrize("number", ["030", "126"])
def test_a_cut_body_is_fetched_again(couchdb, postgrest, relay, logged, number):
    broken = recording(number).wire
    broken = (
        cut(broken, len(broken) - 5) if number == "030" else cut(broken, len(broken))
    )
    couchdb.fail("_changes", broken, broken)
    relay.start()
    landed(couchdb, postgrest)
    assert [r.query["since"] for r in couchdb.asked("_changes")][:3] == ["0"] * 3
    assert "seven-mb" not in postgrest.documents
    assert len([m for m in logged() if "no whole answer of CouchDB" in m]) == 1
    assert len([m for m in logged() if m.startswith("going on")]) == 1


def test_a_page_that_is_no_page_is_fetched_again(couchdb, postgrest, relay, logged):
    couchdb.fail("_changes", reply(200, {"last_seq": "1-a", "secret": "Amina"}))
    relay.start()
    landed(couchdb, postgrest)
    assert [m for m in logged() if "no whole page" in m]
    assert not [m for m in logged() if "Amina" in m]


def test_failures_of_couchdb_pass(couchdb, postgrest, relay, logged):
    bad = Reply(recording("118").wire)
    couchdb.fail("_changes", bad, bad, reply(429, {}, ["Retry-After: 1"]), HANG_UP)
    relay.start()
    relay.says("waiting: CouchDB answered 500")
    landed(couchdb, postgrest)
    relay.says("caught up")
    assert len(postgrest.asked("claim")) == 1, "no reason to claim again"
    assert len([m for m in logged() if "CouchDB answered 500" in m]) == 1


def test_failures_of_postgrest_pass_and_end_the_lease(
    couchdb, postgrest, relay, logged
):
    bad = reply(503, {"code": "PGRST001", "message": "no connection"})
    postgrest.fail("claim", bad)
    postgrest.fail("ingest", bad, bad, bad)
    relay.start()
    landed(couchdb, postgrest)
    leases = [r.headers["X-CHT-Lease"] for r in postgrest.asked("ingest")]
    assert len(set(leases[:4])) == 4, "resent under the same lease"
    assert len(postgrest.asked("claim")) == 5
    assert len([m for m in logged() if "answered ingest with 503" in m]) == 1
    assert len([m for m in logged() if m.startswith("claimed")]) == 0


def test_postgrest_asks_for_time(couchdb, postgrest, relay):
    postgrest.fail("ingest", reply(503, {}, ["Retry-After: 1"]))
    began = time.monotonic()
    relay.start()
    until(lambda: len(postgrest.asked("ingest")) > 1)
    assert time.monotonic() - began >= 1


def test_refused_credentials_are_tried_once(couchdb, postgrest, relay, logged):
    couchdb.fail("medic", *[Reply(recording("130").wire)] * 9)
    relay.start()
    relay.says("waiting: CouchDB refused the credentials of user analytics")
    time.sleep(0.5)
    assert len(couchdb.requests) == 1 and not postgrest.requests
    assert [m for m in logged() if "next try in 330.0 s" in m]


def test_credentials_refused_later_are_tried_once(couchdb, postgrest, relay):
    relay.start()
    landed(couchdb, postgrest)
    until(lambda: couchdb.requests[-1].longpoll)
    couchdb.fail("_changes", *[Reply(recording("132").wire)] * 9)
    couchdb.news.set()
    relay.says("waiting: CouchDB refused the credentials")
    asked = len(couchdb.requests)
    time.sleep(0.3)
    assert len(couchdb.requests) == asked


def test_a_missing_database(couchdb, postgrest, relay, logged):
    couchdb.fail("medic", *[Reply(recording("068").wire)] * 9)
    relay.start()
    relay.says("waiting: CouchDB has no database")
    assert len(couchdb.requests) == 1
    assert [m for m in logged() if "next try in 60.0 s" in m]


def test_a_refused_position(couchdb, postgrest, relay):
    postgrest.seq = "garbage"
    relay.start()
    relay.says("waiting: CouchDB refused the position")
    assert len(couchdb.asked("_changes")) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_postgrest_refuses_stops_the_source(couchdb, postgrest, relay, status):
    postgrest.fail("ingest", *[reply(status, {"message": "no"})] * 9)
    relay.start()
    relay.says(f"waiting: PostgREST answered ingest with {status}: no")
    # a refused token is replaced once
    assert len(postgrest.asked("ingest")) == (2 if status == 401 else 1)
    assert postgrest.seq is None


def test_a_secret_that_does_not_fit_yet_is_waited_for(couchdb, postgrest, relay, monkeypatch):
    """PostgREST has the new one first: the engine goes on where it was once it has it, too."""
    monkeypatch.setattr(Refused.__init__, "__defaults__", (0.1, False, False, ""))
    relay.start()
    landed(couchdb, postgrest)
    until(lambda: couchdb.requests[-1].longpoll)
    postgrest.secret = "rotated" + postgrest.secret
    couchdb.news.set()
    relay.says("waiting: PostgREST answered ingest with 401 PGRST301")
    assert "live-1" not in postgrest.documents
    with open(relay.settings["jwt_secret_file"], "w", encoding="utf-8") as file:
        file.write(postgrest.secret)
    until(lambda: "live-1" in postgrest.documents)
    relay.says("caught up at seq 60-")


def test_a_relay_that_runs_for_long_renews_its_token(couchdb, postgrest, relay, monkeypatch):
    relay.settings["token_hours"] = 1 / 3600
    relay.start()
    landed(couchdb, postgrest)
    until(lambda: couchdb.requests[-1].longpoll)
    ends = jwt.decode(postgrest.tokens[-1], options={"verify_signature": False})["exp"]
    until(lambda: time.time() > ends)
    couchdb.news.set()
    until(lambda: "live-1" in postgrest.documents)
    assert len(postgrest.asked("claim")) == 1, "it was refused first"


def test_after_the_wait_it_claims_again_with_secrets_read_anew(
    couchdb, postgrest, relay, monkeypatch
):
    monkeypatch.setattr("cht_engine.couchdb.WAIT_AFTER_REFUSAL", 0.1)
    good = open(relay.settings["couchdb_password_file"], encoding="utf-8").read()
    with open(relay.settings["couchdb_password_file"], "w", encoding="utf-8") as file:
        file.write("wrong")
    relay.start()
    relay.says("waiting: CouchDB refused")
    with open(relay.settings["couchdb_password_file"], "w", encoding="utf-8") as file:
        file.write(good)
    landed(couchdb, postgrest)


@pytest.mark.parametrize(
    "too_many",
    [
        reply(413, {"code": "54000", "message": "too large"}),
        reply(500, {"code": "57014", "message": "statement timeout"}),
    ],
    ids=["413", "57014"],
)
def test_too_large_calls_are_halved(couchdb, postgrest, relay, logged, too_many):
    postgrest.most_rows, postgrest.too_many = 2, too_many
    relay.start()
    landed(couchdb, postgrest)
    sent = b"".join(postgrest.raw_rows)
    pages = [cut_page(recording(n).body).body for n in couchdb.PAGES]
    assert sent == b"".join(pages).replace(b",\r\n", b""), "twice, or in disorder"
    assert max(h["rows"] for h in postgrest.headers) <= 2
    positions = [h["last_seq"] for h in postgrest.headers if h["last_seq"]]
    assert len(positions) == 5
    assert len(postgrest.asked("claim")) == 1
    assert len([m for m in logged() if "sending fewer rows" in m]) == 1


def test_calls_grow_again(couchdb, postgrest, relay):
    postgrest.fail("ingest", postgrest.too_many)
    relay.start()
    landed(couchdb, postgrest)
    rows = [h["rows"] for h in postgrest.headers]
    assert rows == [5, 5, 10, 10, 10, 5]


def test_one_row_that_is_too_large_is_not_dropped(couchdb, postgrest, relay):
    postgrest.most_rows = 0
    relay.start()
    relay.says("waiting: one row alone: PostgREST answered ingest with 413")
    assert postgrest.seq is None and not postgrest.documents


def test_one_row_that_takes_too_long_is_tried_again(couchdb, postgrest, relay):
    postgrest.most_rows = 0
    postgrest.too_many = reply(500, {"code": "57014", "message": "timeout"})
    relay.start()
    relay.says("waiting: PostgREST answered ingest with 500 57014")
    postgrest.most_rows = None
    landed(couchdb, postgrest)


def test_without_an_answer_it_claims_again_and_goes_on_from_there(
    couchdb, postgrest, relay
):
    postgrest.fail("ingest", HANG_UP)
    relay.start()
    landed(couchdb, postgrest)
    names = [r.name for r in postgrest.requests]
    assert names[:4] == ["claim", "ingest", "claim", "ingest"]
    first, second = postgrest.asked("ingest")[:2]
    assert first.headers["X-CHT-Lease"] != second.headers["X-CHT-Lease"]
    assert [h["rows"] for h in postgrest.headers][:2] == [5, 5], "not halved"


def test_a_commit_without_an_answer_is_not_repeated(couchdb, postgrest, relay):
    postgrest.fail("ingest", postgrest.commits_and_hangs_up)
    relay.start()
    landed(couchdb, postgrest)
    assert len(postgrest.raw_rows) == 45
    assert len(postgrest.asked("claim")) == 2


def test_answers_that_stall_half_way_are_asked_for_again(couchdb, postgrest, relay, monkeypatch):
    monkeypatch.setattr(stalling, "STALLED", 0.3)
    relay.settings.update(read_timeout=30, call_timeout=30)
    page, landing = recording("030").wire, reply(200, {"rows": 10}).raw
    couchdb.fail("_changes", Reply(page[: len(page) // 2]))
    postgrest.fail("claim", Reply(landing[:9]))
    postgrest.fail("ingest", Reply(landing[:-1]))
    relay.start()
    landed(couchdb, postgrest)


def test_silence_of_postgrest(couchdb, postgrest, relay):
    relay.settings["call_timeout"] = 0.3
    postgrest.fail("ingest", Reply(hold=postgrest.released))
    relay.start()
    landed(couchdb, postgrest)
    assert len(postgrest.asked("claim")) == 2


def test_a_claim_without_an_answer(couchdb, postgrest, relay):
    postgrest.fail("claim", HANG_UP)
    relay.start()
    landed(couchdb, postgrest)


def test_a_lease_taken_by_another_process_ends_this_one(couchdb, postgrest, relay):
    relay.start()
    landed(couchdb, postgrest)
    postgrest.lease = "another's"
    couchdb.news.set()
    error = relay.end()
    assert isinstance(error, LeaseLost) and "the lease has ended" in str(error)
    assert len(postgrest.asked("claim")) == 1, "it fought back"
    assert "live-1" not in postgrest.documents


def test_a_source_of_another_engine_ends_this_one(couchdb, postgrest, relay):
    postgrest.fail("claim", reply(409, {"message": "given to logstash"}))
    relay.start()
    assert "given to logstash" in str(relay.end())
    assert not couchdb.asked("_changes")


def test_one_engine_after_another_nothing_is_lost(couchdb, postgrest, settings):
    for calls in range(1, 6):
        first = Relay(settings).start()
        until(lambda: len(postgrest.asked("ingest")) >= calls)
        first.stop()
    last = Relay(settings).start()
    landed(couchdb, postgrest)
    last.stop()


@pytest.mark.parametrize("where", ["wait", "loop"])
def test_stop(couchdb, postgrest, relay, where):
    if where == "wait":
        postgrest.fail("claim", reply(404, {}))
    relay.start()
    relay.says("waiting" if where == "wait" else "caught up")
    until(lambda: where == "wait" or couchdb.requests[-1].longpoll)
    asked = len(couchdb.requests + postgrest.requests)
    relay.stop()
    couchdb.news.set()
    couchdb.released.set()
    began = time.monotonic()
    assert relay.end() is None
    assert time.monotonic() - began < 2
    more = len(couchdb.requests + postgrest.requests) - asked
    assert more == (0 if where == "wait" else 1)  # what the longpoll brought is written


def test_pauses_double_up_to_the_limit():
    backoff = Backoff()
    for tries, pause in enumerate(backoff.next() for _ in range(100)):
        highest = min(LONGEST_PAUSE, pauses.FIRST_PAUSE * 2**tries)
        assert highest / 2 <= pause <= highest
    assert backoff.next(asked=1000.0) == LONGEST_PAUSE
    backoff.reset()
    assert backoff.next() <= pauses.FIRST_PAUSE
    assert backoff.next(asked=7.0) == 7.0


def test_each_pause_is_announced(couchdb, postgrest, relay, monkeypatch):
    promised = []
    monkeypatch.setattr(relay.told, "expect", promised.append)
    couchdb.fail("medic", Reply(recording("130").wire))
    relay.start()
    relay.says("waiting")
    until(lambda: promised[-1] == 330.0)
