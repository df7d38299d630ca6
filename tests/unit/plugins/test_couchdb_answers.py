# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of what an answer of CouchDB means: recorded answers, and those that CHT's sources say (tests/cht_front meets the rest)."""

import http.client
import json

import pytest
from engine_recordings import recording

from ansible_collections.cht.sync.plugins.module_utils import _couchdb_answers as answers

ASKED = answers.Asked("https://cht.example.org", "medic", "analytics", machine="vm")
PLAIN = answers.Asked("http://cht.example.org:5984", "medic", "analytics", machine="vm")


def of_recording(number, **asked):
    said = recording(number)
    status = int(said.head.split()[1])
    headers = dict(line.split(": ", 1) for line in said.head.decode().split("\r\n")[1:] if line)
    return answers.of_answer(status, headers, said.body, answers.Asked(ASKED.url, "medic", "analytics", machine="vm", **asked))


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        ("070", "password", ["refused the credentials of user analytics at https://cht.example.org/medic (401)", "and run site.yml", "couchdb_account.yml makes the account", "lock an account"]),
        ("130", "password", ["correct username or password in cht_sync_sources"]),
        ("132", "locked", ["locked", "wait five minutes without any try"]),
        ("133", "locked", ["locked"]),
        ("072", "member", ["does not let user analytics read", "You are not allowed to access this db.", "make the account a member"]),
        ("068", "missing", ["no database https://cht.example.org/medic (404)", "hyphens"]),
        ("119", "maintenance", ["answered 500", "maintenance mode", "wait for it"]),
    ],
)
def test_recorded_answers(number, kind, words):
    found = of_recording(number)
    assert found.kind == kind and all(word in str(found) for word in words), found


def test_a_recorded_refusal_of_a_position():
    assert of_recording("057", position=True).kind == "position" and of_recording("057").kind == "odd"


def test_what_was_hoped_for():
    assert of_recording("021") is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b"[" * 100000])
def test_no_json(body):
    found = answers.of_answer(200, {}, body, ASKED)
    assert found.kind == "no_json" and "correct url in cht_sync_sources" in str(found)


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "words"),
    [
        (403, {}, {"code": 403, "error": "forbidden", "details": "Offline users are not allowed access to this endpoint"}, "offline",
         ["offline user", "(403: Offline users are not allowed access", "role mm-online"]),
        # As CHT hands on what CouchDB said when it was asked who that is.
        (403, {}, {"code": 403, "error": '403 - {"error":"forbidden","reason":"Account is temporarily locked due to x"}'}, "locked", ["five minutes"]),
        (403, {}, {}, "forbidden", ["(403)", "playbooks/couchdb_account.yml"]),
        (429, {}, {"code": 429, "error": "Too Many Requests"}, "limited", ["429", "wait 10 s"]),
        (429, {"Retry-After": "77"}, {}, "limited", ["wait 77 s"]),
        (302, {"Location": "/medic/login?redirect=%2Fmedic%2F"}, {}, "redirect", ["redirects to https://cht.example.org/medic/login (302)", "answers itself"]),
        (301, {"Location": "https://u:secret@other.example.org/couch/medic/?x=y"}, {}, "redirect", ["write https://other.example.org/couch as url"]),
        (302, {}, {}, "redirect", ["(302)"]),
        (301, {"Location": "http://[x"}, {}, "redirect", ["nowhere"]),
        (502, {}, {"type": "ERROR", "error": "502 Bad Gateway", "server": "nginx"}, "unwell", ["answered 502", "CHT before it"]),
        (418, {}, {}, "odd", ["answered 418"]),
    ],
)  # fmt: skip
def test_other_answers(status, headers, body, kind, words):
    found = answers.of_answer(status, headers, json.dumps(body).encode(), ASKED)
    assert found.kind == kind and all(word in str(found) for word in words), found
    assert "secret" not in str(found)


@pytest.mark.parametrize("status", [400, 497])  # nginx's own number for it, which pages of errors may let out
def test_plain_http_on_a_port_for_https(status):
    page = {"type": "ERROR", "error": "400 Bad Request - The plain HTTP request was sent to HTTPS port", "server": "nginx"}
    for body in (json.dumps(page).encode(), b"<html>"):
        found = answers.of_answer(status, {}, body, PLAIN)
        assert found.kind == "not_http" and "write https:// in url" in str(found)
    assert answers.of_answer(400, {}, recording("057").body, PLAIN).kind == "odd", "CouchDB's own 400"


def test_words_of_a_peer_fit_into_a_line():
    body = json.dumps({"reason": "x\r\nERROR y\u202e" + "z" * 5000}).encode()
    text = str(answers.of_answer(403, {}, body, ASKED))
    assert text.isprintable() and len(text) < 500


@pytest.mark.parametrize(
    ("error", "asked", "kind", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), ASKED, "unreachable", ["cannot be reached from vm (Connection refused)", "firewall"]),
        (http.client.BadStatusLine("\x15\x03\x01 secret"), PLAIN, "not_http", ["does not speak http (what it answers", "https://"]),
        # As CouchDB 3.5 does on its port for http.
        (TimeoutError("_ssl.c:975: The handshake operation timed out"), ASKED, "no_handshake", ["with TLS (The handshake operation timed out)", "http://"]),
        (ValueError("secret"), ASKED, "unreachable", ["(ValueError)"]),
    ],
)
def test_errors(error, asked, kind, words):
    found = answers.of_error(error, asked)
    assert found.kind == kind and all(word in str(found) for word in words), found
    assert "secret" not in str(found)


def test_an_answer_that_broke_off():
    for asked in (ASKED, PLAIN):
        found = answers.of_error(http.client.RemoteDisconnected("Remote end closed connection"), asked, sent=True)
        assert found.kind == "broken" and "(Remote end closed connection)" in str(found)
        assert ("not one for https" in str(found)) == (asked is PLAIN)
    for line in ("H", "HTTP/1.1 2"):
        assert answers.of_error(http.client.BadStatusLine(line), PLAIN, sent=True).kind == "broken"


def page(number):
    return json.loads(recording(number).body)


@pytest.mark.parametrize(("info", "feed"), [("021", "041"), ("021", "030"), ("102", "103")])
def test_recorded_feeds_are_whole(info, feed):
    """The second with rows, the third after a purge."""
    assert answers.of_feed(page(info), page(feed), ASKED) is None


def test_a_feed_without_pending_is_a_part_unless_nobody_there_names_it():
    feed = {key: value for key, value in page("041").items() if key != "pending"}
    found = answers.of_feed(page("021"), feed, ASKED)
    assert found.kind == "partial" and "role mm-online" in str(found) and "nothing is copied" in str(found)
    assert answers.of_feed({"db_name": "medic", "doc_count": 9}, feed, ASKED) is None  # pouchdb-server


def test_a_feed_that_shows_less_than_the_database_holds():
    found = answers.of_feed(page("021"), {**page("041"), "pending": 44}, ASKED)
    assert found.kind == "partial" and "shows 44 documents of 45" in str(found)
    assert answers.of_feed(page("021"), {**page("041"), "pending": 46}, ASKED) is None, "written meanwhile"


def test_who_answers():
    missing, welcome = (404, recording("068").body), (200, recording("001").body)
    assert str(answers.server(missing, welcome)) == "CouchDB itself, version 3.5.0"
    # CHT hands / on to its CouchDB.
    assert str(answers.server((200, b'{"version":"4.21.0"}'), welcome)) == "CHT, version 4.21.0"
    for api, root in (((401, b"{}"), welcome), (missing, (200, b'{"express-pouchdb":"Welcome!"}')), ((404, b"<html>"), welcome)):
        assert answers.server(api, root).kind == "unknown"
