# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CouchDB that cannot be read, or a CHT before it: the relay says what is wrong and what to do, and copies nothing."""

import pytest
from couchdb_troubles import TROUBLES, Places, Trouble
from engine_harness import until
from engine_peers import PASSWORD


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return Places(tmp_path_factory.mktemp("places"))


def goes_to(relay, place):
    relay.settings.update(couchdb_url=place.url.rstrip("/"), couchdb_ca_file=place.ca_file)
    return relay.start()


@pytest.mark.parametrize("name", TROUBLES)
def test_is_told_with_its_remedy(places, relay, postgrest, name):
    trouble = TROUBLES[name]
    with places.of(trouble) as place:
        goes_to(relay, place).says("waiting: ")
        told = relay.told.last_status
        assert all(word in told for word in trouble.words), told
        assert "secret" not in told and PASSWORD not in told and not postgrest.requests
        assert not trouble.account or len(place.couchdb.requests) <= 2  # CHT asks who that is


@pytest.mark.parametrize("at", ["cht", "ipv6"])
def test_all_that_an_online_user_is_shown_is_copied(places, relay, couchdb, postgrest, at):
    with places.of(Trouble((), at=at)) as place:
        goes_to(relay, place)
        until(lambda: postgrest.seq == couchdb.end)
        assert postgrest.documents == couchdb.documents()
        assert all(path.startswith(("/medic/?", "/medic/_changes?")) or path == "/medic/" for _method, path, _user in place.cht.asked)


def test_an_account_that_becomes_an_offline_one_is_refused_at_the_next_page(places, relay, couchdb, postgrest):
    """Its position would move past what it was not shown."""
    with places.of(Trouble(())) as place:
        goes_to(relay, place).says("caught up")
        until(lambda: place.couchdb.requests[-1].longpoll)
        place.cht.online.clear()
        place.cht.own = lambda id_: True
        place.couchdb.news.set()
        relay.says("sees a part only")
        assert postgrest.seq == place.couchdb.newest and len(postgrest.asked("claim")) == 1
        asked = len(place.cht.asked)
    assert place.cht.asked[asked - 1].path.startswith("/medic/_changes?feed=longpoll")


def test_wherever_it_stands_it_is_refused_at_the_next_start(places, relay, postgrest):
    postgrest.seq = "garbage"
    with places.of(TROUBLES["offline_without_a_firewall"]) as place:
        goes_to(relay, place).says("sees a part only")
        assert not postgrest.requests and {path.partition("?")[0] for _method, path, _user in place.cht.asked} == {"/medic/", "/medic/_changes"}
