# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading from CouchDB: what is asked, and what each recorded answer means."""

import base64
import gzip
import itertools
import json
import threading

import pytest
from engine_peers import HANG_UP, PASSWORD, Peer, Reply, cut, reply
from engine_recordings import chunk, pouchdb, recording

from cht_engine import pages
from cht_engine.couchdb import CouchDB
from cht_engine.errors import Refused, TooLong, Transient


def client(peer, database="medic", password=PASSWORD, patience=5, poll=5):
    return CouchDB(peer.url, database, "analytics", password, None, patience, poll)


def test_identity_is_the_time_of_creation(couchdb):
    assert client(couchdb).identity() == "1795558699"
    request, look = couchdb.requests
    assert (request.raw_path, look.raw_path, look.query) == ("/medic/", "/medic/_changes", {"limit": "0", "since": "0"})
    user = base64.b64encode(f"analytics:{PASSWORD}".encode()).decode()
    assert request.headers["Authorization"] == f"Basic {user}"


@pytest.mark.parametrize("info", [{}, {"instance_start_time": "0"}])
def test_identity_may_be_unknown(couchdb, info):
    couchdb.fail("medic", reply(200, info))
    assert client(couchdb).identity() is None


def test_identity_of_pouchdb_server(couchdb):
    couchdb.fail("medic", Reply(pouchdb("db-info").raw, close=True))
    assert client(couchdb).identity() == "1795562842177"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_identity_from_something_else(couchdb, body):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    couchdb.fail("medic", Reply(head + body))
    with pytest.raises(Refused, match="is no CouchDB: its answer is no JSON.*correct url in cht_sync_sources"):
        client(couchdb).identity()


@pytest.mark.parametrize(
    "database, path",
    [("medic-sentinel", "/medic-sentinel"), ("a/b+c d", "/a%2Fb%2Bc%20d")],
)
def test_database_names_are_quoted(couchdb, database, path):
    client(couchdb, database).identity()
    client(couchdb, database).changes("0", 10, longpoll=False)
    assert [r.raw_path for r in couchdb.requests] == [path + "/", *[path + "/_changes"] * 2]


def test_what_is_asked(couchdb):
    client(couchdb).changes("0", 10, longpoll=False)
    couchdb.news.set()
    client(couchdb, poll=2.5).changes(couchdb.end, 7, longpoll=True)
    normal, longpoll = couchdb.requests
    assert normal.query == {
        "feed": "normal",
        "include_docs": "true",
        "limit": "10",
        "seq_interval": "10",
        "since": "0",
    }
    assert longpoll.query == {
        "feed": "longpoll",
        "include_docs": "true",
        "limit": "7",
        "seq_interval": "7",
        "since": couchdb.end,
        "timeout": "2500",
    }
    for request in couchdb.requests:
        assert request.headers["Accept"] == "application/json"
        assert request.headers["Accept-Encoding"] == "gzip"
        assert request.headers["If-None-Match"] is None


@pytest.mark.parametrize("number", ["030", "032", "035", "077", "078", "079"])
def test_recorded_bodies_come_whole(couchdb, number):
    couchdb.fail("_changes", Reply(recording(number).wire))
    got = client(couchdb).changes("0", 10, longpoll=False)
    assert got == recording(number).body


def test_gzip_of_a_proxy(couchdb):
    body = recording("030").body
    packed = gzip.compress(body)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(packed) + chunk(b"")
    sized = head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed
    couchdb.fail("_changes", Reply(chunked), Reply(sized))
    for _ in range(2):
        assert client(couchdb).changes("0", 10, longpoll=False) == body


def test_gzip_of_pouchdb_server(couchdb):
    couchdb.fail("_changes", Reply(pouchdb("changes-gzip").raw, close=True))
    got = client(couchdb).changes("0", 10, longpoll=False)
    assert got == pouchdb("changes-page2").body


@pytest.mark.parametrize("number", ["123", "125", "126", "127"])
def test_recorded_answers_of_a_stopped_server_are_not_whole(couchdb, number):
    """126 above all: the JSON is complete, only HTTP's end is missing."""
    couchdb.fail("_changes", Reply(recording(number).raw, close=True))
    with pytest.raises(Transient, match="no whole answer of CouchDB"):
        client(couchdb).changes("0", 10, longpoll=False)


def test_complete_json_without_the_end_of_http(couchdb):
    whole = recording("030").wire
    assert whole.endswith(b"\r\n0\r\n\r\n")
    couchdb.fail("_changes", cut(whole, len(whole) - 5))
    with pytest.raises(Transient):
        client(couchdb).changes("0", 10, longpoll=False)


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_a_cut_anywhere_is_seen(couchdb, framing):
    answer, end = recording("078").wire, 5  # without 0 CR LF CR LF
    if framing == "length":
        body = recording("078").body
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        end = 1
    cuts = [*range(0, len(answer) - end, 7), len(answer) - end]
    couchdb.fail("_changes", *(cut(answer, at) for at in cuts))
    for _ in cuts:
        with pytest.raises(Transient):  # a cut among the headers leaves an empty body
            pages.cut(client(couchdb).changes("0", 10, longpoll=False))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        *[(number, "refused the credentials of user analytics at http://") for number in ("070", "073", "130", "132", "133")],
        *[(number, "does not let user analytics read http://") for number in ("071", "072")],
    ],
)
def test_recorded_refusals_of_an_account(couchdb, number, said):
    couchdb.fail("medic", Reply(recording(number).raw))
    with pytest.raises(Refused) as caught:
        client(couchdb).identity()
    text = str(caught.value)
    assert f"CouchDB {said}" in text and "and run site.yml" in text and PASSWORD not in text
    assert caught.value.credentials and caught.value.wait > 301, "the account would stay locked"
    assert len(couchdb.requests) == 1


@pytest.mark.parametrize("number", ["067", "068", "069"])
def test_recorded_missing_database(couchdb, number):
    couchdb.fail("medic", Reply(recording(number).raw))
    with pytest.raises(Refused, match="no database") as caught:
        client(couchdb).identity()
    assert caught.value.wait == 60


@pytest.mark.parametrize("number", ["057", "058", "059", "060", "061"])
def test_recorded_refusals_of_a_position(couchdb, number):
    couchdb.fail("_changes", Reply(recording(number).raw))
    with pytest.raises(Refused, match="refused the position"):
        client(couchdb).changes("garbage", 10, longpoll=False)


@pytest.mark.parametrize("number", ["118", "119"])
def test_recorded_maintenance_mode_passes(couchdb, number):
    couchdb.fail("_changes", Reply(recording(number).raw))
    with pytest.raises(Transient, match="CouchDB answered 500"):
        client(couchdb).changes("0", 10, longpoll=False)


@pytest.mark.parametrize(
    "header, seconds",
    [
        ("Retry-After: 7", 7),
        ("Retry-After: -7", 0),
        ("Retry-After: soon", 0),
        ("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT", 0),
        ("X: y", 0),
    ],
)
def test_retry_after(couchdb, header, seconds):
    couchdb.fail("medic", reply(503, {}, [header]), reply(429, {}, [header]))
    for least in (0, 10):  # CHT says 429, and not for how long
        with pytest.raises(Transient) as caught:
            client(couchdb).identity()
        assert caught.value.retry_after == (seconds or least)


def test_retry_after_as_a_date(couchdb):
    header = "Retry-After: Fri, 31 Dec 2399 23:59:59 GMT"
    couchdb.fail("medic", reply(503, {}, [header]))
    with pytest.raises(Transient) as caught:
        client(couchdb).identity()
    assert caught.value.retry_after > 1e6


def test_redirects_are_not_followed(couchdb, postgrest):
    elsewhere = [f"Location: {postgrest.url}/medic"]
    couchdb.fail("medic", reply(302, {}, elsewhere))
    with pytest.raises(Refused, match=f"write {postgrest.url} as url in cht_sync_sources"):
        client(couchdb).identity()
    assert not postgrest.requests


def test_a_longpoll_without_an_end_is_quiet(couchdb, monkeypatch):
    monkeypatch.setattr("cht_engine.couchdb.POLL_GRACE", 0.1)
    begins = Reply(pouchdb("longpoll-silent").raw)  # and says nothing more
    couchdb.fail("_changes", begins, Reply(hold=couchdb.released))
    assert client(couchdb, poll=0.1).changes("6", 10, longpoll=True) is None
    assert client(couchdb, poll=0.1).changes("6", 10, longpoll=True) is None


def test_silence_is_no_end_of_a_normal_read(couchdb):
    couchdb.fail("_changes", Reply(hold=couchdb.released))
    with pytest.raises(Transient, match="timed out"):
        client(couchdb, patience=0.1).changes("0", 10, longpoll=False)


def test_a_longpoll_that_breaks_is_not_quiet(couchdb):
    couchdb.fail("_changes", HANG_UP)
    with pytest.raises(Transient):
        client(couchdb).changes("0", 10, longpoll=True)


def test_nobody_there(couchdb):
    couchdb.__exit__()
    with pytest.raises(Transient, match="Connection refused"):
        client(couchdb).identity()


def test_each_wait_is_announced(couchdb):
    announced = []
    reader = CouchDB(
        couchdb.url, "medic", "analytics", PASSWORD, None, 5, 3, announced.append
    )
    reader.changes("0", 10, longpoll=False)
    assert announced[0] > 5 and set(announced[1:]) == {5}


def test_credentials_come_from_the_configuration_alone(couchdb, monkeypatch, tmp_path):
    """requests would take them from a .netrc, were it left to."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert client(couchdb).identity()
    assert json.loads(recording("021").body)["instance_start_time"] == "1795558699"


@pytest.fixture
def drip():
    """A server that begins to answer and then sends heartbeats, in a longpoll for ever; the address of it."""

    def beats(peer, longpoll):
        for beat in itertools.count():
            yield chunk(b"\n")
            if peer.released.wait(0.05):
                return
            if beat == 12 and not longpoll:
                yield chunk(b'],\n"last_seq":"0"}') + chunk(b"")
                return

    class Drip(Peer):
        def answer(self, request):
            head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            return Reply(head + chunk(b'{"results":['), rest=beats(self, request.longpoll))

    with Drip() as peer:
        yield peer.url


def test_heartbeats_do_not_hold_a_longpoll_for_ever(drip, monkeypatch):
    """pouchdb-server sends them and knows no end: the stored time would stand still."""
    monkeypatch.setattr("cht_engine.couchdb.POLL_GRACE", 0.2)
    outcome = []
    feed = CouchDB(drip, "medic", "analytics", PASSWORD, None, 5, 0.3)
    reader = threading.Thread(target=lambda: outcome.append(feed.changes("0", 10, True)), daemon=True)
    reader.start()
    reader.join(10)
    assert outcome == [None]


def test_heartbeats_are_no_stall(drip, monkeypatch):
    """Of a normal feed, too: CouchDB sends them while it looks for the next row."""
    monkeypatch.setattr("cht_engine.stalling.STALLED", 0.3)
    feed = CouchDB(drip, "medic", "analytics", PASSWORD, None, 0.3, 5)
    assert feed.changes("0", 10, False).endswith(b'"last_seq":"0"}')


def test_recorded_list_of_documents(couchdb):
    couchdb.fail("_all_docs", Reply(recording("025").wire))
    rows = client(couchdb).ids('5f2f"\u00fc', 3)
    assert [id_[9:13] for id_, _rev in rows] == ["0001", "0002", "0003"]
    assert rows[0][1] == "2-192e2fdd38c9b9021212cac82c4a449b"
    (request,) = couchdb.requests
    assert json.loads(request.query["startkey"]) == '5f2f"\u00fc' and request.query["limit"] == "3"


def test_recorded_changes_of_some_documents(couchdb):
    """One of the three ids asked for is unknown to the database."""
    couchdb.fail("_changes", *[Reply(recording("052").wire)] * 3)
    ids = ["edge-nul", "edge-bigint", "nosuchdoc"]
    assert client(couchdb).states(ids) == {
        "edge-bigint": ("1-f665322eb577e910e90d91a8640f333f", False),
        "edge-nul": ("1-e67e19cbf608a7264877dd244310d9a4", False),
    }
    body = client(couchdb).changes_of(ids, 10000)
    assert body == recording("052").body and pages.cut(body).rows == 2
    with pytest.raises(TooLong) as caught:
        client(couchdb).changes_of(ids, 100)
    assert caught.value.lines > 0
    states, changes, _too_long = couchdb.requests
    assert states.query == {"filter": "_doc_ids"} and json.loads(states.body) == {"doc_ids": ids}
    assert changes.query == {"filter": "_doc_ids", "include_docs": "true"}
    assert changes.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("number", ["051", "034"])
def test_recorded_deletions_are_told(couchdb, number):
    couchdb.fail("_changes", Reply(recording(number).wire))
    rows = json.loads(recording(number).body)["results"]
    deleted = {row["id"] for row in rows if row.get("deleted")}
    states = client(couchdb).states([row["id"] for row in rows])
    assert deleted and {id_ for id_, (_rev, gone) in states.items() if gone} == deleted


@pytest.mark.parametrize("body", [[], {}, {"rows": [{}]}, {"results": [{"id": "x"}]}, {"results": ["x"]}, {"rows": 7}])
def test_answers_about_documents_of_another_shape(couchdb, body):
    couchdb.fail("_all_docs", reply(200, body))
    couchdb.fail("_changes", reply(200, body))
    for asked in (lambda: client(couchdb).ids("", 5), lambda: client(couchdb).states(["x"])):
        try:
            assert not asked()
        except Transient as problem:
            assert "is no JSON" in str(problem)


def test_a_refused_question_about_documents_is_no_refused_position(couchdb):
    couchdb.fail("_changes", Reply(recording("057").raw))
    with pytest.raises(Refused, match="answered 400") as caught:
        client(couchdb).states(["x"])
    assert "resync" not in str(caught.value)
