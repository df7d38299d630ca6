# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CHT of the tests does what a real one does to a reader of CouchDB, as its sources have it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from cht_front import CHT
from cht_front.limiter import Limiter
from engine_peers import PASSWORD, Reply, cut
from engine_recordings import chunk, recording

JSON = {"Accept": "application/json", "User-Agent": "cht-sync"}
USER = ("analytics", PASSWORD.encode())


@pytest.fixture
def cht(couchdb, authority):
    with CHT(couchdb.url, authority.certificate()) as front:
        yield front


@pytest.fixture
def get(cht, authority):
    """Asks it as our programs do; no redirect is followed."""
    session = requests.Session()
    session.trust_env, session.verify = False, authority.ca_file

    def ask(path, user=USER, url=cht.url, headers=JSON, method="GET", **options):
        return session.request(method, url + path, auth=user, headers=headers, allow_redirects=False, timeout=10, **options)

    yield ask
    session.close()


def offline(cht):
    cht.online.clear()


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_an_online_user_gets_what_couchdb_says(cht, get, encoding):
    answer = get("/medic/", headers={**JSON, "Accept-Encoding": encoding})
    assert answer.content == recording("021").body and answer.headers["Server"] == "nginx"
    page = get("/medic/_changes?since=0", headers={**JSON, "Accept-Encoding": encoding})
    assert page.content == recording("030").body and page.headers.get("Content-Encoding") == (encoding if encoding == "gzip" else None)


def test_only_the_main_database_needs_its_slash(get):
    without = get("/medic")
    assert (without.status_code, without.headers["Location"]) == (302, "/medic/")
    assert get("/medic-sentinel").status_code == get("/medic-sentinel/").status_code == 200


def test_the_firewall(cht, get):
    offline(cht)
    for path in ("/medic/", "/medic/_all_docs", "/medic-sentinel/", "/medic-sentinel/_changes?since=0"):
        answer = get(path)
        assert (answer.status_code, answer.json()["details"]) == (403, "Offline users are not allowed access to this endpoint")


def test_an_offline_user_gets_a_feed_that_looks_whole(cht, get):
    offline(cht)
    mine = json.loads(recording("030").body)["results"][0]["id"]
    cht.own = lambda id_: id_ == mine
    page = get("/medic/_changes?since=0&feed=longpoll").json()
    assert [row["id"] for row in page["results"]] == [mine] and sorted(page) == ["last_seq", "results"]


def test_a_wrong_password_and_none(couchdb, get):
    answer = get("/medic/", user=("analytics", b"wrong"))
    assert (answer.status_code, answer.json()) == (401, {"code": 401, "error": "unauthorized"})
    assert get("/medic/", user=None).status_code == 401
    assert len(couchdb.requests) == 1, "of one try CouchDB counts one"


@pytest.mark.parametrize("headers", [{"Accept": "text/html,application/json"}, {"Accept": "*/*", "User-Agent": "Mozilla/5.0"}])
def test_browsers_are_sent_to_the_login(get, headers):
    answer = get("/medic/", user=None, headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/medic/login?redirect=%2Fmedic%2F")


def test_the_rate_limiter(cht, get):
    cht.limiter = Limiter(points=3, seconds=0.5)
    wrong = ("analytics", b"wrong")
    assert [get("/medic/", user=wrong).status_code for _ in range(4)] == [401, 401, 401, 429]
    limited = get("/medic/")
    assert (limited.status_code, limited.json()["error"]) == (429, "Too Many Requests"), "the right password, from that address"
    assert "Retry-After" not in limited.headers
    end = time.monotonic() + 10
    while get("/medic/").status_code == 429:
        assert time.monotonic() < end


def test_http_points_to_https(cht, get):
    answer = get("/medic/?x=y", url=cht.plain_url, user=None)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{cht.url}/medic/?x=y")
    wrong = get("/medic/", url=cht.url.replace("https", "http"), user=None)
    assert wrong.status_code == 400 and "plain HTTP request was sent to HTTPS port" in wrong.text


def test_who_trusts_nobody_is_no_trouble_to_others(cht, get):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{cht.url}/medic/", timeout=10)
    assert get("/medic/").status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_heartbeats_come_through(couchdb, get, encoding):
    couchdb.fail("_changes", Reply(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"\n")))
    with get("/medic/_changes?feed=continuous&heartbeat=1000", headers={**JSON, "Accept-Encoding": encoding}, stream=True) as answer:
        assert next(answer.iter_content(1)) == b"\n"


def test_what_couchdb_breaks_off_is_broken_off(couchdb, get):
    whole = recording("030").wire
    couchdb.fail("_changes", cut(whole, len(whole) - 5))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get("/medic/_changes?since=0", headers={**JSON, "Accept-Encoding": "gzip"})


def test_maintenance(cht, get):
    cht.maintenance = True
    for path in ("/medic/", "/medic/_changes?since=0"):
        answer = get(path)
        assert (answer.status_code, answer.json()) == (500, json.loads(recording("119").body))


def test_couchdb_is_away(couchdb, get):
    couchdb.__exit__()
    assert (get("/medic/").status_code, get("/medic/").json()["error"]) == (500, "Server error")


def test_it_says_that_it_is_a_cht(cht, get):
    assert get("/api/info").json() == {"version": cht.version}


def test_an_account_without_can_edit_writes_nothing_to_medic(cht, get):
    assert get("/medic/x", method="PUT", json={}).json() == {"code": 403, "error": "Insufficient privileges"}
    assert get("/medic/_changes?filter=_doc_ids&since=0", method="POST", json={"doc_ids": []}).status_code == 200


def test_as_a_program(couchdb, authority):
    certificate = authority.certificate()
    command = [sys.executable, "-m", "cht_front", "--upstream", couchdb.url, "--certificate", certificate.certificate,
               "--key", certificate.key, "--port", "0", "--plain-port", "0", "--online", "analytics"]  # fmt: skip
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as program:
        try:
            url = program.stdout.readline().strip()
            answer = requests.get(f"{url}/medic/", auth=USER, headers={**JSON, "Accept-Encoding": "gzip"}, verify=authority.ca_file, timeout=10)
        finally:
            program.kill()
    assert answer.content == recording("021").body
