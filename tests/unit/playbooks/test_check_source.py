# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight says of a CouchDB, or of the CHT before it: each trouble with its remedy, and no password on the way."""

import base64
from contextlib import ExitStack

import pytest
from couchdb_troubles import TROUBLES, Places, Trouble
from engine_peers import PASSWORD
from playing import ROOT, refusals

SENT = "Basic " + base64.b64encode(f"analytics:{PASSWORD}".encode()).decode()
WELL = {
    "at_a_cht": Trouble(()),
    "at_a_cht_with_slash": Trouble((), at="slash"),
    "at_couchdb": Trouble((), at="couchdb", trusts=None),
    "at_an_ipv6_address": Trouble((), at="ipv6"),
    "with_base_ca_certificates_alone": Trouble((), trusts=None),
}
# By host, the files of base_ca_certificates.
TRUSTED = {
    "with_base_ca_certificates_alone": ["other", "own"],
    "other_authority": ["own"],  # for its own source ca_file alone counts
    "unknown_authority": ["other"],
    "base_ca_certificates_not_there": ["own", "nonexistent"],
}
OF_BASE = {"base_ca_certificates_not_there": Trouble(("base_ca_certificates names", "nonexistent.crt", "No such file or directory", "correct base_ca_certificates"))}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Plays the check once, for a host with each trouble; what each was told, what Ansible said, and where it was met."""
    directory = tmp_path_factory.mktemp("sources")
    places, met, hosts = Places(directory), {}, {}
    with ExitStack() as running:
        for name, trouble in {**WELL, **TROUBLES, **OF_BASE}.items():
            place = met[name] = running.enter_context(places.of(trouble))
            source = {"name": "district", "url": place.url, "username": "analytics", "password": PASSWORD, "ca_file": place.ca_file}
            hosts[name] = {"cht_sync_sources": [{**source, "databases": ["medic", "medic-sentinel"]}]}
            if name in TRUSTED:
                hosts[name]["base_ca_certificates"] = [f"{directory}/{file}.crt" for file in TRUSTED[name]]
        task = {"include_tasks": f"{ROOT}/playbooks/tasks/check_source.yml", "vars": {"__source_index": 0}}
        told, said = refusals(directory, hosts, [task], arguments=("-v",))
        yield told, said, met


@pytest.mark.parametrize("trouble", [*TROUBLES, *OF_BASE])
def test_is_told_with_its_remedy(played, trouble):
    told = " ".join(played[0][trouble].split())
    assert all(word in told for word in {**TROUBLES, **OF_BASE}[trouble].words), told


@pytest.mark.parametrize("name", WELL)
def test_what_is_well_passes(played, name):
    assert name not in played[0]


def test_no_password_is_shown_and_none_of_the_redirect(played):
    told, said, _met = played
    assert PASSWORD not in said and "secret" not in "".join(told.values())


def test_it_says_what_answers(played):
    said = " ".join(played[1].split())
    assert "is CHT, version 4.21.0. analytics can read medic, medic-sentinel, and all of what they hold." in said
    assert "is CouchDB itself, version 3.5.0." in said


def test_the_password_is_sent_to_no_server_that_wants_https(played):
    for name in ("http_of_a_cht", "http_on_a_port_for_https"):
        place = played[2][name]
        assert (place.cht.asked_in_clear, place.cht.asked, place.couchdb.requests) == ([("GET", "/medic/", None)], [], [])
    first, second, *_ = played[2]["at_couchdb"].couchdb.requests
    assert [(one.raw_path, one.headers["Authorization"]) for one in (first, second)] == [("/medic/", None), ("/medic/", SENT)]


def test_a_refused_account_is_tried_once(played):
    for name in ("wrong_password", "locked"):
        assert len(played[2][name].cht.asked) == 1


def test_what_is_asked(played):
    asked = played[2]["at_a_cht"].cht.asked
    assert [one.path for one in asked] == [
        "/medic/", "/medic/_changes?limit=0&since=0", "/medic-sentinel/", "/medic-sentinel/_changes?limit=0&since=0", "/api/info", "/"
    ]  # fmt: skip
