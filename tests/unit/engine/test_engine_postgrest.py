# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing through PostgREST: what is sent, and what each kind of answer means."""

import json
import threading
import time

import pytest
from engine_peers import HANG_UP, SECRET, Reply, cut, reply
from engine_recordings import recording

from cht_engine import stalling
from cht_engine.errors import LeaseLost, Refused, TooMuch, Transient, Unanswered
from cht_engine.pages import cut as cut_page
from cht_engine.postgrest import PostgREST
from cht_engine.tokens import Tokens


def client(peer, patience=5):
    tokens = Tokens(SECRET, 1)
    return PostgREST(peer.url, "localhost/medic", "relay", tokens, None, patience)


def test_claim(postgrest):
    postgrest.seq = "7-x"
    claim = client(postgrest).claim("123")
    assert (claim.seq, claim.lease) == ("7-x", postgrest.lease)
    assert postgrest.lease not in repr(claim)
    (request,) = postgrest.requests
    assert json.loads(request.body) == {
        "source": "localhost/medic",
        "engine": "relay",
        "identity": "123",
    }
    assert request.headers["Authorization"] == f"Bearer {postgrest.tokens[0]}"


def test_a_claim_of_a_replaced_database_warns_and_names_the_remedy(postgrest):
    postgrest.identity = "122"
    warning = client(postgrest).claim("123").warning
    assert warning.startswith("localhost/medic is another database than before")
    assert "playbooks/parity.yml -e parity_source=localhost/medic" in warning
    postgrest.fail("claim", reply(200, {"seq": None, "lease": "of an earlier release"}))
    assert client(postgrest).claim("123").warning is None


def test_claim_of_a_new_source_without_identity(postgrest):
    assert client(postgrest).claim(None).seq is None
    assert json.loads(postgrest.requests[0].body)["identity"] is None


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        "x",
        {"seq": None},
        {"seq": None, "lease": None},
        {"seq": 7, "lease": "u"},
    ],
)
def test_a_claim_answered_with_something_else(postgrest, answer):
    postgrest.fail("claim", reply(200, answer))
    with pytest.raises(Refused, match="answered"):
        client(postgrest).claim(None)


def test_ingest(postgrest):
    page = cut_page(recording("030").body)
    target = client(postgrest)
    target.ingest(target.claim(None).lease, page.call())
    request = postgrest.requests[1]
    assert request.headers["Content-Type"] == "text/plain"
    assert request.headers["X-CHT-Source"] == "localhost/medic"
    assert request.headers["X-CHT-Lease"] == postgrest.lease
    assert request.body == page.call()
    assert postgrest.seq == page.last_seq and len(postgrest.documents) == 10


def failure(postgrest, *answers, function="ingest"):
    postgrest.fail(function, *answers)
    target = client(postgrest, patience=0.3)
    with pytest.raises(Exception) as caught:
        target.ingest("lease", b"{}") if function == "ingest" else target.claim(None)
    return caught.value


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes(postgrest, status):
    answer = reply(status, {"code": "PGRST003"}, ["Retry-After: 2"])
    error = failure(postgrest, answer)
    assert type(error) is Transient and error.retry_after == 2


def test_a_proxy_that_gave_up_waiting(postgrest):
    assert type(failure(postgrest, reply(504, {}))) is Unanswered


def test_a_backend_that_was_killed(postgrest):
    """PostgREST 12's answer when kill -9 hit the backend of a call."""
    said = {"code": "", "details": None, "hint": None, "message": ""}
    assert type(failure(postgrest, reply(400, said))) is Unanswered


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 302, 201, 405])
def test_what_stays(postgrest, status):
    error = failure(postgrest, *[reply(status, {})] * 2)
    assert type(error) is Refused and error.wait == 60


@pytest.mark.parametrize("function", ["ingest", "claim"])
def test_conflict_is_a_lost_lease(postgrest, function):
    answer = reply(409, {"code": "PT409", "message": "given to logstash"})
    error = failure(postgrest, answer, function=function)
    assert type(error) is LeaseLost and "given to logstash" in str(error)


def test_a_conflict_of_constraints_is_no_lost_lease(postgrest):
    error = failure(postgrest, reply(409, {"code": "23505", "message": "duplicate"}))
    assert type(error) is Refused


def test_too_much(postgrest):
    error = failure(postgrest, reply(413, {}))
    assert type(error) is TooMuch and error.permanent
    error = failure(postgrest, reply(500, {"code": "57014", "message": "canceling"}))
    assert type(error) is TooMuch and not error.permanent


@pytest.mark.parametrize("function", ["ingest", "claim"])
def test_no_answer(postgrest, function):
    whole = reply(200, {"seq": None, "lease": "u"}).raw
    silence = Reply(hold=postgrest.released)
    for answer in (HANG_UP, cut(whole, len(whole) - 1), cut(whole, 9), silence):
        assert type(failure(postgrest, answer, function=function)) is Unanswered


@pytest.mark.parametrize("bytes_", [9, 40, -1], ids=["status", "headers", "body"])
def test_an_answer_that_stalls_half_way_is_broken_off(postgrest, monkeypatch, bytes_):
    monkeypatch.setattr(stalling, "STALLED", 0.2)
    postgrest.fail("ingest", Reply(reply(200, {"rows": 1}).raw[:bytes_]))
    began = time.monotonic()
    with pytest.raises(Unanswered, match="timed out"):
        client(postgrest, patience=20).ingest("lease", b"{}")
    assert time.monotonic() - began < 10


def test_the_work_may_take_longer_than_an_answer_may_stall(postgrest, monkeypatch):
    """Also on the connection of a call before, whose answer was waited for less and less."""
    monkeypatch.setattr(stalling, "STALLED", 0.2)
    done = threading.Event()
    postgrest.fail("ingest", Reply(reply(200, {"rows": 1}).raw, hold=done))
    target = client(postgrest, patience=20)
    target.claim(None)
    threading.Timer(0.6, done.set).start()
    target.ingest("lease", b"{}")


def test_nobody_there_means_nothing_was_sent(postgrest):
    postgrest.__exit__()
    with pytest.raises(Transient, match="Connection refused") as caught:
        client(postgrest).claim(None)
    assert type(caught.value) is Transient


def test_errors_show_code_and_message_and_never_details(postgrest):
    said = {
        "code": "22P02",
        "message": "first line\nsecond " + "x" * 1000,
        "details": 'Token "secret-name" is invalid',
        "hint": "secret-hint",
    }
    text = str(failure(postgrest, reply(400, {**said, "message": "short"})))
    assert text.endswith("400 22P02: short")
    text = str(failure(postgrest, reply(400, said)))
    assert "400 22P02: first line second xxx" in text and "\n" not in text
    assert "secret" not in text and len(text) < 400 and postgrest.tokens[0] not in text


@pytest.mark.parametrize(
    "body", [[], "secret", {"code": "a\nsecret", "message": {"secret": 1}}]
)
def test_errors_of_another_shape(postgrest, body):
    assert "secret" not in str(failure(postgrest, reply(400, body)))


def test_a_netrc_does_not_replace_the_token(postgrest, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert client(postgrest).claim(None).lease
