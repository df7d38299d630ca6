# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said where CouchDB's administrator cannot come in, and how a CHT is known. The table of answers: test_couchdb_answers.py."""

import pytest
from cht_front import CHT
from engine_peers import CouchDBPeer, Peer, Reply, reply
from engine_recordings import recording

from ansible_collections.cht.sync.plugins.module_utils._couchdb_account import Account, is_cht
from ansible_collections.cht.sync.plugins.module_utils._couchdb_client import ADMINISTRATOR_REMEDIES, CouchDBRefusal, Documents

PASSWORD = "not-to-be-shown"
PARAMS = {"name": "analytics", "user_password": "x", "state": "present", "databases": ["medic"]}


class Says(Peer):
    """One thing, whatever it is asked."""

    def __init__(self, answer):
        super().__init__()
        self.said = answer

    def answer(self, request):
        return self.said


def administrator(url, ca_file=None):
    return Documents(url, "admin", PASSWORD, ca_file, ADMINISTRATOR_REMEDIES)


TROUBLES = {
    "refused": (Reply(recording("130").wire), "refused the credentials of user admin at .*: run this again with the right password"),
    "locked": (Reply(recording("133").wire), "the account is locked after refused tries.*: wait five minutes without any try, then run this again"),
    "limited": (reply(429, {}), "answers user admin .* with 429 after refused tries: wait a minute, then run this again"),
    "elsewhere": (reply(302, {}, ["Location: https://u:secret@cht.example.org/_session"]), "write https://cht.example.org as url in cht_sync_sources"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_is_told_with_its_remedy(trouble):
    answer, words = TROUBLES[trouble]
    with Says(answer) as server, pytest.raises(CouchDBRefusal, match=words) as told:
        administrator(server.url).get("/_session")
    assert PASSWORD not in str(told.value) and "secret" not in str(told.value)


def test_a_server_that_is_away_is_told():
    with pytest.raises(CouchDBRefusal, match="http://127.0.0.1:9/_session cannot be reached from .*: check url"):
        administrator("http://127.0.0.1:9").get("/_session")


def test_the_administrators_password_goes_to_no_server_that_wants_https():
    with Says(TROUBLES["elsewhere"][0]) as server, pytest.raises(CouchDBRefusal, match="With http the password would travel in clear"):
        Account(administrator(server.url), PARAMS, False, False).converge()
    assert [request.headers["Authorization"] for request in server.requests] == [None]


def test_a_cht_is_known_without_credentials(authority):
    with CouchDBPeer() as couchdb, CHT(couchdb.url, authority.certificate()) as cht:
        assert is_cht(administrator(cht.url, authority.ca_file))
        assert [(one.path, one.user) for one in cht.asked] == [("/api/info", None)]
        assert not is_cht(administrator(couchdb.url))
