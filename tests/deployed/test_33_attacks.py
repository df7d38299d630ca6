# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What accounts of each kind try against the dashboards of all others. After each try a chart is drawn."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from access import PASSWORD, Access, SupersetError, Visitor
from cht_superset.events import KEPT
from stack import playbook, until

pytestmark = [pytest.mark.one, pytest.mark.browser]

COUNT = {"expressionType": "SQL", "sqlExpression": "COUNT(*)", "label": "count"}
# Each ended all dashboards, or held them up, when it was tried first; or is of that kind.
STATEMENTS = [
    "rollback; begin read write; alter role superset_reader password null; commit; select 1",
    "Alter Role superset_sqllab Password Null",
    "rollback; begin read write; aLtEr rOlE superset_sqllab set statement_timeout = 1; commit; select 1",
    "commit", "set role superset_reader", "set statement_timeout = 0", "set session characteristics as transaction read write", "reset all",
    "do $$ begin perform pg_sleep(1); end $$", "explain analyze with x as (delete from marts.rpt_area returning *) select * from x",
    "drop owned by superset_sqllab", "select 1 -- */; rollback; begin read write; drop owned by superset_sqllab; commit; --",
    "select 1 as a$$; rollback; --$$", "select pg_sleep(5)", "select pg_notify('a', 'b')", "select pg_advisory_lock(1)",
    "select set_config('statement_timeout', '0', false)", "select repeat('x', 1000000000)", "select pg_reload_conf()", "lock table marts.rpt_area", "listen x",
    "copy (select 1) to program 'id'", "select lo_create(0)", "select 1 for update", "select 1 into x",
]  # fmt: skip
FORMULAS = [
    "max(pg_sleep(6)::text)", "length(repeat('x', 1000000000))", "max(pg_terminate_backend(1)::text)", "max(pg_notify('a', 'b')::text)",
    "max(pg_advisory_lock(1)::text)", "max(set_config('statement_timeout', '0', false))", "count(*)) from marts.rpt_area; rollback; --", "1; rollback",
]  # fmt: skip


@pytest.fixture(scope="module")
def admin(demo):
    return Visitor(demo.url, "admin", demo.secrets["superset_admin_password"])


@pytest.fixture(scope="module")
def access(demo, warehouse, tmp_path_factory):
    """Accounts of all kinds."""
    areas = warehouse.text("SELECT DISTINCT area_uuid FROM marts.rpt_data_record WHERE area_uuid IS NOT NULL ORDER BY 1 LIMIT 2").split()
    access = Access(demo, tmp_path_factory.mktemp("attacks"), areas, prefix="e2e_attack")
    access.play(password=PASSWORD)
    yield access
    manager, officer = access.users
    # An account that ran a query in SQL Lab stays, closed.
    access.users = [{**manager, "state": "absent"}, {**officer, "active": False, "password": PASSWORD}]
    access.supervisors = [{**user, "state": "absent"} for user in access.supervisors]
    access.play()


@pytest.fixture
def draws(admin):
    """Draws a chart that no cache holds, as everybody's dashboards do."""
    table = admin.dataset("rpt_data_record")
    return lambda: admin.query(table, metrics=[COUNT])[0]["count"]


@pytest.fixture(scope="module")
def officer(access):
    return access.visitor("data_officer")


@pytest.fixture(scope="module")
def sql_lab(officer, admin):
    """Runs a statement in SQL Lab as the data officer; the first value, or the reason why there is none."""
    number = admin.superset.find("databases", "CHT warehouse", "database_name")

    def run(statement):
        body = {"database_id": number, "schema": "marts", "sql": statement, "runAsync": False, "queryLimit": 10}
        answer = officer.superset.session.post(f"{officer.superset.url}/api/v1/sqllab/execute/", json=body, timeout=90)
        said = answer.json()
        return list(said["data"][0].values())[0] if answer.status_code == 200 and said.get("data") else f"{answer.status_code}: {answer.text}"

    return run


def test_sql_lab_reads_with_a_role_of_its_own(sql_lab):
    assert sql_lab("show session_authorization") == "superset_sqllab"
    assert sql_lab("select count(*) from rpt_area") > 0
    assert sql_lab("with a as (select 1 as one) select one from a -- and a comment") == 1
    assert "Aggregate" in sql_lab("explain select count(*) from rpt_area")


def test_no_statement_changes_or_holds_up_anything(sql_lab, draws, warehouse):
    roles = """SELECT json_build_array(rolname, rolpassword, (SELECT json_agg(s.setconfig) FROM pg_db_role_setting s WHERE s.setrole = a.oid))
               FROM pg_authid a WHERE rolname ~ '^superset' ORDER BY rolname"""
    before, drawn = warehouse.rows(roles), draws()
    for statement in STATEMENTS:
        assert isinstance(sql_lab(statement), str), statement
        assert draws() >= drawn, statement
    assert warehouse.rows(roles) == before


@pytest.mark.parametrize("kind", ["programme_manager", "one", "data_officer"])
def test_no_formula_does(access, admin, draws, kind):
    visitor, table = access.visitor(kind), admin.dataset("rpt_data_record")
    for formula in FORMULAS:
        metric = {"expressionType": "SQL", "sqlExpression": formula, "label": "x"}
        assert visitor.refused(visitor.query, table, metrics=[metric]) in (400, 403, 422, 500), formula
        assert draws() > 0, formula


def test_one_account_cannot_hold_up_the_others(sql_lab, draws, demo, warehouse):
    """Ten queries at once, each of some seconds."""
    with ThreadPoolExecutor(10) as viewers:
        busy = [viewers.submit(sql_lab, "select count(*) from generate_series(1, 12000000)") for _ in range(10)]
        until(lambda: warehouse.value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'superset_sqllab' AND state = 'active'") > 1, 30, "their run")
        assert requests.get(f"{demo.url}/health", timeout=5).ok
        assert draws() > 0
        assert not all(query.done() for query in busy)
        # They wait for one another, and all get their answer.
        assert [query.result() for query in busy] == [12_000_000] * 10


def test_what_got_through_all_the_same_is_put_back_within_a_minute(warehouse, draws):
    """As the role itself could."""
    warehouse.text("SET SESSION AUTHORIZATION superset_reader; SET default_transaction_read_only = off; ALTER ROLE superset_reader PASSWORD NULL")
    # Connections that are kept would hide it for some minutes.
    warehouse.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'superset_reader'")

    def drawn():
        try:
            return draws()
        except SupersetError:
            return 0

    until(drawn, 60, "dashboards with the right password")
    said = playbook("status")
    assert said.returncode == 2 and "Somebody changed the password of the database's role superset_reader" in " ".join(said.stdout.split()), said.stdout[-3000:]
    assert "security update" in said.stdout
    warehouse.text("DELETE FROM guard.repair")


def me(demo, **how) -> int:
    return requests.get(f"{demo.url}/api/v1/me/", timeout=60, **how).status_code


def log_in(demo, name="e2e_attack_programme_manager", password=PASSWORD):
    """The cookie of a login by the form, and both tokens of one by the API."""
    with requests.Session() as browser:
        (token,) = re.findall(r'name="csrf_token"\s[^>]*value="([^"]+)"', browser.get(f"{demo.url}/login/", timeout=60).text)
        before = browser.cookies["session"]
        form = {"username": name, "password": password, "csrf_token": token}
        browser.post(f"{demo.url}/login/", data=form, timeout=60)
        # A name that was known before the login is not the login's.
        assert browser.cookies["session"] != before
        cookies = {"session": browser.cookies["session"]}
    body = {"username": name, "password": password, "provider": "db", "refresh": True}
    answer = requests.post(f"{demo.url}/api/v1/security/login", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return cookies, answer.json()


def bearer(token) -> dict:
    return {"Authorization": f"Bearer {token}"}


def test_a_cookie_is_worth_nothing_after_the_logout(access, demo):
    cookies, _tokens = log_in(demo)
    assert me(demo, cookies=cookies) == 200
    requests.get(f"{demo.url}/logout/", cookies=cookies, timeout=60)
    assert me(demo, cookies=cookies) == 401


def test_a_changed_password_ends_logins_and_tokens(access, demo, admin):
    cookies, tokens = log_in(demo)
    refresh = f"{demo.url}/api/v1/security/refresh"
    assert me(demo, cookies=cookies) == me(demo, headers=bearer(tokens["access_token"])) == 200
    assert requests.post(refresh, headers=bearer(tokens["refresh_token"]), timeout=60).status_code == 200
    number = next(user["id"] for user in admin.superset.get_all("/api/v1/security/users/", "username") if user["username"] == "e2e_attack_programme_manager")
    admin.superset.put(f"/api/v1/security/users/{number}", {"password": "e2e-changed"})
    try:
        assert me(demo, cookies=cookies) == me(demo, headers=bearer(tokens["access_token"])) == 401
        assert requests.post(refresh, headers=bearer(tokens["refresh_token"]), timeout=60).status_code == 401
        assert me(demo, cookies=log_in(demo, password="e2e-changed")[0]) == 200
    finally:
        admin.superset.put(f"/api/v1/security/users/{number}", {"password": PASSWORD})


def test_a_login_ends_by_itself(access, demo, vm):
    log_in(demo)
    ends = vm.run("runuser -u redis -- sh -c 'for key in $(redis-cli -s /run/redis/redis-server.sock --scan --pattern superset:session:*); do"
                  " redis-cli -s /run/redis/redis-server.sock ttl $key; done'").stdout.split()  # fmt: skip
    assert ends and all(0 < int(end) <= 12 * 3600 for end in ends), ends


def test_accounts_do_not_see_each_others_addresses(access, admin):
    seen = access.visitor("one").superset.get("/api/v1/dashboard/related/owners")["result"]
    assert [entry["text"] for entry in seen] == ["Akinyi O"], seen
    assert len(admin.superset.get("/api/v1/dashboard/related/owners")["result"]) > 2


def test_a_language_that_is_not_there_is_not_found(demo):
    assert requests.get(f"{demo.url}/lang/fr", timeout=60).status_code == 404


def test_no_password_is_noted(admin, warehouse):
    """Of a connection that an administrator makes by hand."""
    uri = "postgresql+psycopg2://somebody:e2e-noted-secret@127.0.0.1/nothing"
    admin.refused(admin.superset.post, "/api/v1/database/", {"database_name": "e2e noted", "sqlalchemy_uri": uri})
    admin.refused(admin.superset.post, "/api/v1/database/test_connection/", {"database_name": "e2e noted", "sqlalchemy_uri": uri})
    assert warehouse.text("SELECT count(*) FROM logs WHERE strpos(json, 'e2e-noted-secret') > 0", "superset") == "0"
    assert warehouse.text("SELECT count(*) > 0 FROM logs WHERE action ~ 'Database'", "superset") == "t"
    kept = ", ".join(f"'{name}'" for name in KEPT)
    beyond = f"SELECT DISTINCT action, name FROM logs, json_object_keys(json::json) AS name WHERE name NOT IN ({kept})"
    assert warehouse.text(beyond, "superset") == ""


def test_connections_to_the_warehouse_are_kept_and_carry_nothing_over(admin, draws, officer, sql_lab, warehouse):
    draws()
    began = "SELECT backend_start FROM pg_stat_activity WHERE usename = 'superset_reader' ORDER BY 1"
    before = set(warehouse.text(began).splitlines())
    for _ in range(5):
        draws()
    assert before and before & set(warehouse.text(began).splitlines())
    assert sql_lab("show search_path") == "marts"
    body = {"database_id": admin.superset.find("databases", "CHT warehouse", "database_name"), "sql": "show search_path", "runAsync": False}
    assert officer.superset.post("/api/v1/sqllab/execute/", body)["data"][0]["search_path"] != "marts"
    warehouse.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'superset_reader'")
    assert draws() > 0
