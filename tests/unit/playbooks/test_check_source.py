# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight says of a CouchDB, or of the CHT before it: each trouble with its remedy, and no password on the way."""

import base64
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from cht_front import CHT, Authority
from cht_front.limiter import Limiter
from engine_peers import PASSWORD, CouchDBPeer, Reply, reply
from engine_recordings import recording
from playing import ROOT, refusals

SENT = "Basic " + base64.b64encode(f"analytics:{PASSWORD}".encode()).decode()


def says(number, name="medic"):
    """CouchDB says what was recorded."""
    return lambda cht, couchdb: couchdb.fail(name, *[Reply(recording(number).wire)] * 3)


def offline(cht, _couchdb, firewall=True):
    cht.online.clear()
    cht.firewall = firewall


def fewer(_cht, couchdb):
    """Someone before CouchDB takes rows out of its feed."""
    couchdb.fail("_look", *[reply(200, {"results": [], "last_seq": "9-x", "pending": 44})] * 3)


def limits(cht, _couchdb):
    cht.limiter = Limiter(points=0)


def maintains(cht, _couchdb):
    cht.maintenance = True


def page_for_people(_cht, couchdb):
    couchdb.fail("medic", Reply(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"))


# By a name: which address, which ca_file, what is the matter; words of the message.
TROUBLES = {
    "at_a_cht": ("cht", "own", None, None),
    "at_a_cht_with_slash": ("cht/", "own", None, None),
    "at_couchdb": ("couchdb", None, None, None),
    "wrong_password": ("cht", "own", says("130", "_session"), ["refused the credentials of user analytics", "correct username or password in cht_sync_sources"]),
    "locked": ("cht", "own", says("132", "_session"), ["the account is locked", "wait five minutes"]),
    "locked_at_couchdb": ("couchdb", None, says("132"), ["the account is locked", "wait five minutes"]),
    "offline": ("cht", "own", offline, ["offline user", "Offline users are not allowed access to this endpoint", "role mm-online"]),
    "offline_without_a_firewall": ("cht", "own", lambda *them: offline(*them, firewall=False), ["sees a part only", "role mm-online"]),
    "fewer": ("couchdb", None, fewer, ["shows 44 documents of 45", "sees a part only"]),
    "no_member": ("cht", "own", says("072"), ["You are not allowed to access this db", "make the account a member of the database"]),
    "missing": ("cht", "own", says("068"), ["has no database", "/medic (404)", "correct databases in cht_sync_sources"]),
    "limited": ("cht", "own", limits, ["429", "wait 10 s"]),
    "http_of_a_cht": ("plain", None, None, ["redirects to https://127.0.0.1:", "write https://127.0.0.1:", "password would travel in clear"]),
    "redirect": ("cht", "own", lambda _cht, couchdb: couchdb.fail("medic", reply(302, {}, ["Location: https://u:secret@cht.example.org/medic/"])),
                 ["redirects to https://cht.example.org/medic/", "write https://cht.example.org as url in cht_sync_sources"]),
    "http_on_a_port_for_https": ("http", None, None, ["does not speak http (400", "write https:// in url"]),
    "https_on_a_port_for_http": ("https", None, None, ["does not speak https", "write http:// in url"]),
    "unknown_authority": ("cht", None, None, ["does not trust the certificate", "unable to get local issuer certificate", "as ca_file"]),
    "other_authority": ("cht", "other", None, ["does not trust the certificate", "other.crt, which is its ca_file"]),
    "of_another_name": ("renamed", "own", None, ["is for another name (IP address mismatch", "write the name that the certificate has"]),
    "ca_file_not_there": ("cht", "nonexistent", None, ["nonexistent.crt, ca_file of https://", "No such file or directory", "put the certificate"]),
    "ca_file_without_certificate": ("cht", "empty", None, ["empty.crt", "it holds no certificate in PEM form"]),
    "maintenance": ("cht", "own", maintains, ["answered 500", "maintenance mode"]),
    "no_couchdb": ("couchdb", None, page_for_people, ["is no CouchDB", "correct url in cht_sync_sources"]),
    "couchdb_is_away": ("cht", "own", lambda _cht, couchdb: couchdb.__exit__(), ["answered 500", "see that CouchDB, and CHT before it, are well"]),
    "nobody": ("gone", None, None, ["http://127.0.0.1:9/medic cannot be reached", "Connection refused", "check url in cht_sync_sources"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Plays the check once, for a host with each trouble; what each was told, what Ansible said, and what the servers were asked."""
    directory = tmp_path_factory.mktemp("sources")
    (directory / "empty.crt").touch()
    authority, _other = Authority(directory, "own"), Authority(directory, "other")
    right, renamed = authority.certificate(), authority.certificate("IP:192.0.2.1")
    hosts, asked = {}, {}
    with ExitStack() as running:
        for name, (where, trusted, trouble, _words) in TROUBLES.items():
            couchdb = running.enter_context(CouchDBPeer())
            cht = running.enter_context(CHT(couchdb.url, renamed if where == "renamed" else right))
            if trouble:
                trouble(cht, couchdb)
            url = {"cht/": f"{cht.url}/", "plain": cht.plain_url, "couchdb": couchdb.url, "http": cht.url.replace("https", "http"),
                   "https": couchdb.url.replace("http", "https"), "gone": "http://127.0.0.1:9"}.get(where, cht.url)  # fmt: skip
            source = {"name": "district", "url": url, "username": "analytics", "password": PASSWORD, "databases": ["medic", "medic-sentinel"]}
            hosts[name] = {"cht_sync_sources": [{**source, "ca_file": f"{directory}/{trusted}.crt" if trusted else None}]}
            asked[name] = SimpleNamespace(cht=cht.asked, in_clear=cht.asked_in_clear, couchdb=couchdb.requests)
        task = {"include_tasks": f"{ROOT}/playbooks/tasks/check_source.yml", "vars": {"__source_index": 0}}
        told, said = refusals(directory, hosts, [task], arguments=("-v",))
        yield told, said, asked


@pytest.mark.parametrize("trouble", TROUBLES)
def test_is_told_with_its_remedy(played, trouble):
    told, words = played[0].get(trouble), TROUBLES[trouble][-1]
    assert told is None if words is None else told and all(word in " ".join(told.split()) for word in words), told


def test_no_password_is_shown_and_none_of_the_redirect(played):
    told, said, _asked = played
    assert PASSWORD not in said and "secret" not in "".join(told.values())


def test_it_says_what_answers(played):
    said = " ".join(played[1].split())
    assert "is CHT, version 4.21.0. analytics can read medic, medic-sentinel, and all of what they hold." in said
    assert "is CouchDB itself, version 3.5.0." in said


def test_the_password_is_sent_to_no_server_that_wants_https(played):
    for name in ("http_of_a_cht", "http_on_a_port_for_https"):
        asked = played[2][name]
        assert (asked.in_clear, asked.cht, asked.couchdb) == ([("GET", "/medic/", None)], [], [])
    first, second, *_ = played[2]["at_couchdb"].couchdb
    assert [(one.raw_path, one.headers["Authorization"]) for one in (first, second)] == [("/medic/", None), ("/medic/", SENT)]


def test_a_refused_account_is_tried_once(played):
    for name in ("wrong_password", "locked"):
        assert len(played[2][name].cht) == 1


def test_what_is_asked(played):
    asked = played[2]["at_a_cht"].cht
    assert [one.path for one in asked] == [
        "/medic/", "/medic/_changes?limit=0&since=0", "/medic-sentinel/", "/medic-sentinel/_changes?limit=0&since=0", "/api/info", "/"
    ]  # fmt: skip
