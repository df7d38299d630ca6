# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CouchDBs that cannot be read, or a CHT before them: the launcher says what is wrong and what to do, and reads the others."""

from contextlib import ExitStack

import pytest
from couchdb_troubles import TROUBLES, Places
from engine_harness import until
from engine_peers import PASSWORD
from launcher_harness import Site

OF_ACCOUNTS = [name for name, trouble in TROUBLES.items() if trouble.account]
OTHERS = [name for name, trouble in TROUBLES.items() if not trouble.account]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return Places(tmp_path_factory.mktemp("places"))


def feed(site, number, name, place):
    """A feed of this place, under its name."""
    (site.directory / f"pipelines/{name}.medic.conf").touch()
    urls = {"couchdb_url": place.url.rstrip("/"), "couchdb_ca_file": place.ca_file}
    return {**site.config["feeds"][0], **urls, "number": number, "pipeline": f"{name}.medic", "source": f"{name}/medic"}


def test_each_is_told_with_its_remedy_and_left_out(places, site, couch, rest):
    with ExitStack() as running:
        for number, name in enumerate(OTHERS, 4):
            site.config["feeds"].append(feed(site, number, name, running.enter_context(places.of(TROUBLES[name]))))
        with site.start() as program:
            site.is_running()
            feeds = {name: site.state["feeds"][f"{name}.medic"] for name in OTHERS}
        for name, found in feeds.items():
            assert all(word in found["problem"] for word in TROUBLES[name].words), found
            assert f"ERROR left out {name}/medic: {found['problem']}" in program.output
        states = {"missing": "missing", "limited": "unreachable", "maintenance": "unreachable", "couchdb_is_away": "unreachable", "nobody": "unreachable"}
        assert {name: found["state"] for name, found in feeds.items()} == {name: states.get(name, "unreadable") for name in OTHERS}
        assert {request.raw_path for request in couch.asked("medic")} == {"/medic/"}
    (started,) = site.started()
    assert len(started["pipelines"]) == 3 and PASSWORD not in program.output and "secret" not in program.output


@pytest.mark.parametrize("name", OF_ACCOUNTS)
def test_a_refused_account_ends_it(places, tmp_path, rest, name):
    with places.of(TROUBLES[name]) as place:
        site = Site(tmp_path, place.url, rest.url)
        for one in site.config["feeds"]:
            one["couchdb_ca_file"] = place.ca_file
        with site.start() as program:
            assert program.exit_code() == 77
        assert all(word in program.output for word in TROUBLES[name].words), program.output
        assert len(place.couchdb.requests) <= 2 and not rest.requests and not site.started()


def test_an_account_that_becomes_an_offline_one_is_no_longer_read(places, tmp_path, rest):
    """Its feed goes on, and would look whole."""
    with places.of(TROUBLES["offline"]) as place:
        place.cht.online.add("analytics")
        site = Site(tmp_path, place.url, rest.url)
        for one in site.config["feeds"]:
            one["couchdb_ca_file"] = place.ca_file
        with site.start(COMPARE_EVERY=0.2) as program:
            site.is_running()
            place.cht.online.clear()
            assert program.exit_code() == 0
        assert "can be read in part only" in program.output
        (site.directory / "notify").unlink()
        with site.start() as program:
            until(lambda: site.state["phase"] == "waiting")
            assert all(word in site.state["problem"] for word in TROUBLES["offline"].words)
        assert len(site.started()) == 1
