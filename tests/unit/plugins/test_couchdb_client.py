# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules say of a CouchDB that cannot be asked, and how they know a CHT."""

import pytest
from engine_peers import HANG_UP, Peer, Reply, reply
from engine_recordings import recording

from ansible_collections.cht.sync.plugins.module_utils._couchdb_account import Account, is_cht
from ansible_collections.cht.sync.plugins.module_utils._couchdb_client import CouchDB, CouchDBRefusal

PASSWORD = "not-to-be-shown"
PARAMS = {"name": "analytics", "user_password": "x", "state": "present", "databases": ["medic"]}


class Says(Peer):
    """One thing, whatever it is asked."""

    def __init__(self, answer):
        super().__init__()
        self.said = answer

    def answer(self, request):
        return self.said


def client(url, ca_file=None):
    return CouchDB(url, "admin", PASSWORD, ca_file, "the administrator")


TROUBLES = {
    "to_https": (reply(301, {}, ["Location: https://user:secret@cht.example.org/_session?x=y"]), "it redirects to https://cht.example.org/_session. Write the address"),
    "to_a_login": (reply(302, {}, ["Location: /medic/login?redirect=x"]), "it redirects to /medic/login. Write the address that answers itself as url"),
    "locked": (Reply(recording("133").wire), "the administrator admin is locked after refused passwords. Wait five minutes"),
    "refused": (Reply(recording("130").wire), "it refused the password of the administrator admin"),
    "of_a_cht": (
        reply(403, {"code": 403, "error": "forbidden", "details": "Offline users are not allowed access to this endpoint"}),
        r"it does not let the administrator admin do that \(Offline users are not allowed access to this endpoint\)",
    ),
    "limited": (reply(429, {}), "it has had too many refused tries from here. Wait a minute"),
    "a_port_for_https": (reply(400, {}), "it does not speak http there. If this is a port for https, write https:// in url"),
    "not_http": (Reply(b"\x15\x03\x01\n\n", close=True), "does not speak http. If this is a port for https, write https:// in url"),
    "in_maintenance": (reply(500, {"error": "nodb", "reason": "No DB shards could be opened."}), r"status 500 \(No DB shards could be opened.\)"),
    "a_page": (Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"), "did not answer with JSON"),
    "nothing": (HANG_UP, "cannot be reached from here|does not speak http"),
}  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES)
def test_is_told_with_its_remedy(trouble):
    answer, words = TROUBLES[trouble]
    with Says(answer) as server, pytest.raises(CouchDBRefusal, match=words) as told:
        client(server.url).get("/_session")
    assert PASSWORD not in str(told.value) and "secret" not in str(told.value)


def test_a_ca_file_that_is_none_is_named(tmp_path):
    with pytest.raises(CouchDBRefusal, match=r"nowhere.crt, named as ca_file, is no file on this machine"):
        client("https://127.0.0.1:9", str(tmp_path / "nowhere.crt"))
    (tmp_path / "note").write_text("no certificate")
    with pytest.raises(CouchDBRefusal, match=r"note, named as ca_file, holds no certificate in PEM form"):
        client("https://127.0.0.1:9", str(tmp_path / "note"))


def test_the_administrators_password_goes_to_no_server_that_wants_https():
    with Says(TROUBLES["to_https"][0]) as server, pytest.raises(CouchDBRefusal, match="redirects to https://cht.example.org"):
        Account(client(server.url), PARAMS, False, False).converge()
    assert [request.headers["Authorization"] for request in server.requests] == [None]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (reply(302, {}, ["Location: /medic/"]), True),
        (reply(301, {}, ["Location: https://cht.example.org/medic"]), False),
        (Reply(recording("130").wire), False),
    ],
    ids=["cht", "a gateway that wants https", "couchdb"],
)
def test_a_cht_is_known_by_where_it_leads(answer, found):
    with Says(answer) as server:
        assert is_cht(client(server.url)) is found
    assert [(request.raw_path, request.headers["Authorization"]) for request in server.requests] == [("/medic", None)]
