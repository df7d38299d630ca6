# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules ask CouchDB, through a CHT. Its troubles: tests/unit/couchdb_troubles.py."""

from pathlib import Path

import pytest
from cht_front import CHT, Authority
from engine_peers import PASSWORD, reply

from ansible_collections.cht.sync.plugins.module_utils._couchdb import CouchDBError, document_count


@pytest.fixture
def cht(couchdb, authority):
    couchdb.fail("_all_docs", *[reply(200, {"rows": [{"id": "_design/medic"}, {"id": "_design/x"}]})] * 2)
    with CHT(couchdb.url, authority.certificate()) as front:
        yield front


def count(cht, authority, password=PASSWORD, **trusted):
    feed = {"url": cht.url, "database": "medic", "username": "analytics", "ca_file": authority.ca_file}
    return document_count({**feed, **trusted}, password, 10)


def test_documents_are_counted_without_design_documents(cht, authority):
    assert count(cht, authority) == 39 - 2
    assert [path.partition("?")[0] for _method, path, _user in cht.asked] == ["/medic/", "/medic/_all_docs"]


def test_an_offline_user_counts_nothing(cht, authority):
    cht.online.clear()
    with pytest.raises(CouchDBError, match="give the account the role mm-online"):
        count(cht, authority)


def test_a_refused_password_is_tried_once(cht, authority):
    with pytest.raises(CouchDBError, match="refused the credentials of user analytics") as caught:
        count(cht, authority, "wrong")
    assert len(cht.asked) == 1 and "wrong" not in str(caught.value)


def test_an_authority_may_come_as_text_alone(cht, authority, tmp_path):
    own, other = (Path(one.ca_file).read_text() for one in (authority, Authority(tmp_path, "other")))
    assert count(cht, authority, ca_file="/on/the/controller.crt", ca_pem=own) == 39 - 2
    assert count(cht, authority, ca_file=None, ca_pem=other + own) == 39 - 2
    # Of a ca_file the text counts, whether or not a file of this name is here.
    for ca_file in (None, authority.ca_file, "/on/the/controller.crt"):
        with pytest.raises(CouchDBError) as caught:
            count(cht, authority, ca_file=ca_file, ca_pem=other)
        assert caught.value.kind == "untrusted"
