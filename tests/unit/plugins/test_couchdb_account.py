# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account that only reads, at CouchDB 3.5.0 (couchdb_recorded): it is made, repaired and removed, and what it may then."""

import pytest
from couchdb_recorded import ADMIN, PASSWORD, Recorded

from ansible_collections.cht.sync.plugins.module_utils._couchdb_account import Account
from ansible_collections.cht.sync.plugins.module_utils._couchdb_client import ADMINISTRATOR_REMEDIES, CouchDBRefusal, Documents
from ansible_collections.cht.sync.plugins.module_utils._couchdb_writes import findings, look

GUARD = "_design/cht-sync-read-only"
MEDIC, SENTINEL = "medic", "medic-sentinel"
READER, WRITER = "analytics", "nurse"
SECRET = "geheim-pässword:1"
# As CHT leaves them: roles of people who work at a place, and sentinel's own.
SECURITY = {
    MEDIC: {"admins": {"roles": ["_admin"]}, "members": {"roles": ["_admin", "chw"]}},
    SENTINEL: {"admins": {"names": [], "roles": ["sentinel"]}, "members": {"names": [], "roles": ["sentinel"]}},
}
ONLY_ADMINS = {"members": {"roles": ["_admin"]}, "admins": {"roles": ["_admin"]}}
OPEN = {}


@pytest.fixture
def couchdb(request, authority):
    """With the two databases of a CHT and a nurse, and no account that reads."""
    with Recorded(request.node.name.partition("[")[0]) as server:
        # One authority in the place of the machine's many, which would be read for each request.
        server.ca_file = authority.ca_file
        for database, security in SECURITY.items():
            server.given("DELETE", f"/{database}")
            server.given("PUT", f"/{database}")
            server.given("PUT", f"/{database}/_security", security)
        for name in (READER, WRITER, "analytics-2"):
            server.forget(f"/_users/org.couchdb.user:{name}")
        server.given("PUT", f"/_users/org.couchdb.user:{WRITER}", user(WRITER, roles=["chw"], facility_id="clinic"))
        yield server
    assert server.left == []


def user(name, password=SECRET, roles=(), **more):
    return {"type": "user", "name": name, "password": password, "roles": list(roles), **more}


def account(couchdb, name=READER, state="present", databases=(MEDIC, SENTINEL), online=False, dry_run=False, admin=(ADMIN, PASSWORD), secret=SECRET):
    params = {"name": name, "user_password": secret, "state": state, "databases": list(databases)}
    return Account(Documents(couchdb.url, *admin, couchdb.ca_file, ADMINISTRATOR_REMEDIES), params, online, dry_run).converge()


def client(couchdb, name=READER, secret=SECRET):
    return Documents(couchdb.url, name, secret, couchdb.ca_file)


def written(couchdb, name, document="x"):
    return client(couchdb, name).answer("PUT", f"/{MEDIC}/{document}", {"n": 1}).status


def writes(couchdb, name=READER, secret=SECRET):
    feeds = [{"name": "a", "database": one, "source": f"a/{one}", "url": couchdb.url, "username": name, "ca_file": couchdb.ca_file} for one in (MEDIC, SENTINEL)]
    return look(feeds, {"a": secret})


def administrator(couchdb):
    return client(couchdb, ADMIN, PASSWORD)


def security(couchdb, database):
    return administrator(couchdb).get(f"/{database}/_security")


def test_it_is_made_and_only_reads(couchdb):
    result = account(couchdb)
    assert result["steps"] == [
        f"write {GUARD} to medic: it refuses writes of analytics", f"write {GUARD} to medic-sentinel: it refuses writes of analytics",
        "make the account analytics", "make analytics a member of medic", "make analytics a member of medic-sentinel",
    ]  # fmt: skip
    assert client(couchdb).get(f"/{MEDIC}/")["doc_count"] == 1 and client(couchdb).get(f"/{SENTINEL}/")["db_name"] == SENTINEL
    assert written(couchdb, READER) == 403
    assert {one["writes"] for one in writes(couchdb)} == {"refused"} and findings(writes(couchdb)) == []
    # The others are as before.
    assert written(couchdb, WRITER) == 201
    assert administrator(couchdb).answer("PUT", f"/{MEDIC}/y", {}).status == 201
    assert security(couchdb, MEDIC) == {**SECURITY[MEDIC], "members": {"roles": ["_admin", "chw"], "names": [READER]}}
    assert security(couchdb, SENTINEL) == {**SECURITY[SENTINEL], "members": {"names": [READER], "roles": ["sentinel"]}}


def test_check_mode_says_it_and_changes_nothing_and_so_does_a_second_run(couchdb):
    said = account(couchdb, dry_run=True)
    assert couchdb.changes() == [] and said["changed"]
    done = account(couchdb)
    assert {**done, "diff": None} == {**said, "diff": None} and done["diff"] == said["diff"]
    assert said["diff"]["before"]["account"] is None and said["diff"]["after"]["account"] == {"name": READER, "roles": [], "password": "right"}
    changes = couchdb.changes()
    again = account(couchdb)
    assert again["steps"] == [] and not again["changed"] and again["diff"]["before"] == again["diff"]["after"] == done["diff"]["after"]
    assert couchdb.changes() == changes


def test_it_is_undone(couchdb):
    account(couchdb)
    assert account(couchdb, state="absent", secret=None)["steps"] == [
        "take analytics out of the members of medic", "take analytics out of the members of medic-sentinel", "remove the account analytics",
        f"remove {GUARD} from medic", f"remove {GUARD} from medic-sentinel",
    ]  # fmt: skip
    assert client(couchdb).answer("GET", f"/{MEDIC}/").status == 401
    assert security(couchdb, MEDIC)["members"] == {"roles": ["_admin", "chw"], "names": []} and security(couchdb, SENTINEL) == SECURITY[SENTINEL]
    assert administrator(couchdb).get(f"/{MEDIC}/")["doc_count"] == 0
    changes = couchdb.changes()
    # Also where a database is gone.
    assert account(couchdb, state="absent", secret=None, databases=[MEDIC, "gone"])["steps"] == [] and couchdb.changes() == changes


def test_it_comes_back_after_that(couchdb):
    account(couchdb, databases=[MEDIC])
    account(couchdb, state="absent", databases=[MEDIC])
    assert len(account(couchdb, databases=[MEDIC])["steps"]) == 3
    assert written(couchdb, READER) == 403


def test_two_accounts_are_refused_by_one_document(couchdb):
    account(couchdb, databases=[MEDIC])
    assert account(couchdb, "analytics-2", databases=[MEDIC])["steps"][0] == f"write {GUARD} to medic: it refuses writes of analytics, analytics-2"
    assert [written(couchdb, name) for name in (READER, "analytics-2")] == [403, 403]
    account(couchdb, state="absent", databases=[MEDIC])
    assert written(couchdb, "analytics-2") == 403


def test_an_open_database_stays_open(couchdb):
    couchdb.given("PUT", f"/{MEDIC}/_security", OPEN)
    result = account(couchdb, databases=[MEDIC])
    assert result["open_databases"] == [MEDIC] and "make analytics a member of medic" not in result["steps"]
    assert security(couchdb, MEDIC) == OPEN
    assert client(couchdb).get(f"/{MEDIC}/") and written(couchdb, READER) == 403
    assert written(couchdb, WRITER) == 201


def test_a_database_does_not_become_open_when_its_only_member_goes(couchdb):
    couchdb.given("PUT", f"/{MEDIC}/_security", {"members": {"names": [READER]}})
    account(couchdb, databases=[MEDIC], state="absent")
    assert client(couchdb, WRITER).answer("GET", f"/{MEDIC}/").status == 403


def test_an_account_is_repaired(couchdb):
    """Of README's older words: with a role, another password, and a member already; somebody's note stays in it."""
    couchdb.given("PUT", f"/_users/org.couchdb.user:{READER}", user(READER, "another", ["national_admin"], note="asked for by Wanjiru"))
    couchdb.given("PUT", f"/{MEDIC}/_security", {"members": {"names": ["otieno", READER], "roles": ["chw"]}, "admins": {}, "more": 1})
    assert [one["writes"] for one in writes(couchdb, secret="another")] == ["allowed", "unknown"]
    result = account(couchdb, databases=[MEDIC], online=True)
    assert result["steps"] == [
        f"write {GUARD} to medic: it refuses writes of analytics",
        "repair the account analytics: give it the role mm-online only and set its password",
    ]
    assert result["diff"]["before"]["account"] == {"name": READER, "roles": ["national_admin"], "password": "another"}
    assert client(couchdb).get("/_session")["userCtx"] == {"name": READER, "roles": ["mm-online"]} and written(couchdb, READER) == 403
    assert administrator(couchdb).get(f"/_users/org.couchdb.user:{READER}")["note"] == "asked for by Wanjiru"
    assert account(couchdb, databases=[MEDIC], online=True)["steps"] == []


def test_a_try_where_it_may_write_leaves_nothing(couchdb):
    couchdb.given("PUT", f"/_users/org.couchdb.user:{READER}", user(READER, roles=["chw", "sentinel"]))
    assert [one["writes"] for one in writes(couchdb)] == ["allowed", "allowed"]
    for database in (MEDIC, SENTINEL):
        info = administrator(couchdb).get(f"/{database}/")
        assert (info["doc_count"], info["doc_del_count"]) == (0, 0)
        assert client(couchdb).get(f"/{database}/_changes")["results"] == []
    (said,) = findings(writes(couchdb))
    assert said.startswith("a/medic, a/medic-sentinel: the account analytics may write") and "playbooks/couchdb_account.yml" in said


def test_an_administrator_is_named_and_not_tried(couchdb):
    (said,) = findings(writes(couchdb, ADMIN, PASSWORD))
    assert f"{ADMIN} is an administrator of CouchDB" in said and couchdb.changes() == []


def test_a_refused_password_of_the_administrator_is_tried_once(couchdb):
    with pytest.raises(CouchDBRefusal, match=r"refused the credentials of user admin at .*/_session \(401\): run this again with the right password"):
        account(couchdb, admin=(ADMIN, "wrong"))
    assert couchdb.asked == ["GET /medic/", "GET /_session"]  # the first one without the password


def test_somebody_who_is_no_administrator_is_refused(couchdb):
    with pytest.raises(CouchDBRefusal, match=r"nurse is no administrator of the CouchDB at .* \(its roles: chw\)"):
        account(couchdb, admin=(WRITER, SECRET))


def test_a_database_that_is_not_there_is_named_before_anything_changes(couchdb):
    with pytest.raises(CouchDBRefusal, match="has no database medic_sentinel: correct databases"):
        account(couchdb, databases=[MEDIC, "medic_sentinel"])
    assert couchdb.changes() == []


def test_the_administrators_own_account_is_refused(couchdb):
    with pytest.raises(CouchDBRefusal, match="admin is CouchDB's administrator.* choose another username"):
        account(couchdb, ADMIN)


def test_the_account_of_a_person_is_refused(couchdb):
    with pytest.raises(CouchDBRefusal, match=r"nurse is the account of a person at CHT \(it has facility_id\)"):
        account(couchdb, WRITER)
    assert couchdb.changes() == []


def test_an_administrator_of_a_database_is_refused(couchdb):
    couchdb.given("PUT", f"/{SENTINEL}/_security", {"admins": {"names": [READER]}, "members": {"roles": ["sentinel"]}})
    with pytest.raises(CouchDBRefusal, match="analytics is an administrator of the database medic-sentinel"):
        account(couchdb)
    assert couchdb.changes() == []
