# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sees what in the demo's Superset, and the modules and tasks that see to it."""

import re
import subprocess
import sys

import pytest
import requests
from access import PASSWORD, ROOT, Access, Modules, Visitor

pytestmark = [pytest.mark.one, pytest.mark.browser]

AREA = "e2e area"
OFFICER = "e2e_officer"
ROLE = {
    "name": AREA,
    "permissions": ["can read on Dashboard", "can_read on Chart"],
    "datasets": ["marts.rpt_data_record"],
    "row_level_security": [
        {"name": AREA, "datasets": ["marts.rpt_data_record"], "clause": "area_uuid = 'x'", "group_key": "area"}
    ],
}
USER = {
    "name": OFFICER,
    "user_password": "e2e-first-password",
    "roles": ["Gamma"],
    "email": "e2e_officer@example.org",
    "first_name": "Wanjiru",
    "last_name": "Kamau",
}
RULES, ROLES, USERS = "/api/v1/rowlevelsecurity/", "/api/v1/security/roles/", "/api/v1/security/users/"


@pytest.fixture(scope="module")
def modules(demo):
    """Runs modules, and removes afterwards what they made."""
    modules = Modules(demo.url, demo.secrets["superset_admin_password"])
    modules.secrets += ["e2e-first-password", "e2e-second-password"]
    yield modules
    for name in (OFFICER, OFFICER.upper()):
        modules.run("superset_user", {"name": name, "state": "absent"})
    for name in (AREA, f"{AREA} too"):
        modules.run("superset_role", {"name": name, "state": "absent"})


@pytest.fixture(scope="module")
def admin(demo):
    """Somebody who changes things by hand."""
    return Visitor(demo.url, "admin", demo.secrets["superset_admin_password"])


@pytest.fixture
def role(modules):
    """The role is there, as it should be; returns its id."""
    return modules.run("superset_role", ROLE)["role"]["id"]


@pytest.fixture
def user(modules):
    """The account is there, as it should be; returns its id."""
    return modules.run("superset_user", USER)["user"]["id"]


def test_a_role_comes_and_goes(modules):
    modules.run("superset_role", {"name": AREA, "state": "absent"})
    after = modules.change("superset_role", ROLE)["after"]
    assert [one for one in after["permissions"] if "datasource_access" not in one] == ["can_read on Chart", "can_read on Dashboard"]
    assert "[rpt_data_record]" in after["permissions"][-1]
    assert after["row_level_security"][AREA]["clause"] == "area_uuid = 'x'"
    before = modules.change("superset_role", {"name": AREA, "state": "absent"})["before"]
    assert before["permissions"] == after["permissions"] and before["row_level_security"] == after["row_level_security"]


def test_a_role_changed_by_hand_is_set_right(modules, admin, role):
    rule = next(rule for rule in admin.superset.get_all(RULES, "name") if rule["name"] == AREA)
    body = {"filter_type": "Regular", "roles": [role], "tables": [rule["tables"][0]["id"]]}
    admin.superset.post(f"{ROLES}{role}/permissions", {"permission_view_menu_ids": []})
    admin.superset.put(f"{RULES}{rule['id']}", {**body, "name": AREA, "clause": "1 = 1"})
    admin.superset.post(RULES, {**body, "name": f"{AREA} by hand", "clause": "1 = 1", "group_key": "area"})
    diff = modules.change("superset_role", ROLE)
    assert diff["before"]["permissions"] == [] and len(diff["after"]["permissions"]) == 3
    assert set(diff["before"]["row_level_security"]) == {AREA, f"{AREA} by hand"}
    assert diff["before"]["row_level_security"][AREA]["clause"] == "1 = 1"


def test_what_a_role_is_not_told_of_stays(modules, admin, role):
    """Rules that are another role's too, and in mode add the permissions that are there."""
    other = modules.run("superset_role", {"name": f"{AREA} too", "permissions": []})["role"]["id"]
    rule = next(rule for rule in admin.superset.get_all(RULES, "name") if rule["name"] == AREA)
    tables = [rule["tables"][0]["id"]]
    shared = {"name": f"{AREA} shared", "filter_type": "Regular", "clause": "1 = 0", "tables": tables, "roles": [role, other]}
    shared_id = admin.superset.post(RULES, shared)["id"]
    try:
        assert not modules.run("superset_role", ROLE)["changed"]
        assert not modules.run("superset_role", {"name": AREA})["changed"]
        taking = {**ROLE, "row_level_security": [{**ROLE["row_level_security"][0], "name": shared["name"]}]}
        assert f"also that of {AREA} too" in modules.refusal("superset_role", taking)
    finally:
        admin.superset.delete(f"{RULES}{shared_id}")
    more = {"name": AREA, "permissions": ["can_write on Chart"], "permissions_mode": "add"}
    diff = modules.change("superset_role", more)
    assert set(diff["after"]["permissions"]) - set(diff["before"]["permissions"]) == {"can_write on Chart"}


def test_a_role_takes_the_permissions_of_others(modules, role):
    grants = {"name": AREA, "permissions_of": ["Gamma", "sql_lab"], "database": "CHT warehouse", "schemas": ["marts"]}
    held = modules.change("superset_role", grants)["after"]["permissions"]
    assert {"can_write on Dashboard", "can_execute_sql_query on SQLLab"} < set(held)
    assert [one for one in held if one.startswith("schema_access on [CHT warehouse].")]


def test_what_was_given_to_everybody_is_taken(modules, admin, demo):
    public, gamma = (
        admin.superset.get(ROLES, {"filters": [{"col": "name", "opr": "eq", "value": name}]})["ids"][0] for name in ("Public", "Gamma")
    )
    held = admin.superset.get(f"{ROLES}{gamma}/permissions/")["result"]
    reading = [one["id"] for one in held if (one["permission_name"], one["view_menu_name"]) == ("can_read", "Dashboard")]
    admin.superset.post(f"{ROLES}{public}/permissions", {"permission_view_menu_ids": reading})
    try:
        assert requests.get(f"{demo.url}/api/v1/dashboard/", timeout=60).status_code == 200
    finally:
        diff = modules.change("superset_role", {"name": "Public", "permissions": []})
    assert diff["before"]["permissions"] == ["can_read on Dashboard"]
    assert requests.get(f"{demo.url}/api/v1/dashboard/", timeout=60).status_code == 401


@pytest.mark.parametrize(
    "options, words",
    [
        ({"permissions": ["can_raed on Dashboard"]}, ["can_raed on Dashboard", 'did you mean "can_read on Dashboard"']),
        ({"permissions": ["Dashboard"]}, ['"Dashboard"', "as Superset shows it"]),
        ({"permissions_of": ["e2e nobody"]}, ['no role "e2e nobody"']),
        ({"datasets": ["marts.nothing"]}, ['no dataset "marts.nothing"']),
        ({"datasets": ["rpt_data_record"]}, ['"rpt_data_record"', "schema.table"]),
        ({"database": "CHT warehouse", "schemas": ["mrats"]}, ['"mrats"', "CHT warehouse"]),
        ({"database": "nothing", "schemas": ["marts"]}, ['no database connection "nothing"']),
        ({"name": "Gamma", "permissions": []}, ["Gamma", "permissions_mode=add"]),
        ({"name": "Gamma", "state": "absent"}, ["Gamma", "of Superset itself"]),
        ({"name": "Public", "state": "absent"}, ["Public", "of Superset itself"]),
        ({"row_level_security": [{"name": "r", "datasets": ["marts.rpt_data_record"], "clause": "a) OR (1 = 1"}]}, ['"r"', "parenthesis"]),
    ],
)  # fmt: skip
def test_a_role_that_cannot_be_is_refused(modules, options, words):
    said = modules.refusal("superset_role", {"name": f"{AREA} too", **options})
    assert all(word in said for word in words), said


def test_an_account_comes_and_goes(modules, demo):
    modules.run("superset_user", {"name": OFFICER, "state": "absent"})
    after = modules.change("superset_user", USER)["after"]
    assert after == {
        "first_name": "Wanjiru",
        "last_name": "Kamau",
        "email": "e2e_officer@example.org",
        "roles": ["Gamma"],
        "active": True,
        "password": "right",
    }
    me = Visitor(demo.url, OFFICER, "e2e-first-password").superset.get("/api/v1/me/")["result"]
    assert me["first_name"] == "Wanjiru"
    assert modules.change("superset_user", {"name": OFFICER, "state": "absent"})["after"] == {}


def test_an_account_changed_by_hand_is_set_right(modules, admin, user, demo):
    alpha = admin.superset.get(ROLES, {"filters": [{"col": "name", "opr": "eq", "value": "Alpha"}]})["ids"]
    admin.superset.put(f"{USERS}{user}", {"password": "e2e-second-password", "first_name": "X", "roles": alpha})
    on_create = modules.run("superset_user", USER, update_password="on_create", check_mode=True)["diff"]
    assert "password" not in on_create["before"] and on_create["before"]["first_name"] == "X"
    before = modules.change("superset_user", USER)["before"]
    assert (before["password"], before["first_name"], before["roles"]) == ("wrong", "X", ["Alpha"])
    assert Visitor(demo.url, OFFICER, "e2e-first-password")


def test_an_account_is_closed_and_opened(modules, user, demo, admin):
    modules.change("superset_user", USER, active=False)
    assert not admin.superset.accepts(OFFICER, "e2e-first-password")
    modules.change("superset_user", USER)
    assert admin.superset.accepts(OFFICER, "e2e-first-password")


def test_an_account_that_made_something_is_kept(modules, user, demo):
    officer = Visitor(demo.url, OFFICER, "e2e-first-password").superset
    dashboard = officer.post("/api/v1/dashboard/", {"dashboard_title": "e2e of the officer"})["id"]
    try:
        assert "active=false" in modules.refusal("superset_user", {"name": OFFICER, "state": "absent"})
    finally:
        officer.delete(f"/api/v1/dashboard/{dashboard}")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"roles": ["e2e nobody"]}, ['no role "e2e nobody"']),
        ({"name": OFFICER.upper()}, [f'"{OFFICER}"', "the same at a login"]),
        ({"name": "admin", "state": "absent"}, ["logs in with"]),
        ({"name": "admin", "active": False}, ["logs in with"]),
        ({"name": "admin", "roles": ["Gamma"]}, ["logs in with"]),
        ({"name": "e2e_new", "user_password": None}, ["e2e_new", "user_password"]),
    ],
)
def test_an_account_that_cannot_be_is_refused(modules, user, options, words):
    said = modules.refusal("superset_user", {**USER, **options})
    assert all(word in said for word in words), said


def test_a_connection_goes_unless_datasets_use_it(modules, admin, demo):
    used = "5c0a1d0e-6f0b-4d57-9d0c-1f1c37b6a001"
    # In check mode: a broken module must not cost the demo its dashboards.
    said = modules.run("superset_database", {"uuid": used, "state": "absent"}, check_mode=True)["msg"]
    assert "marts.rpt_data_record" in said
    number = admin.superset.find("databases", used)
    uri = admin.superset.get(f"/api/v1/database/{number}/connection")["result"]["sqlalchemy_uri"]
    own = {"uuid": "a7c3c1c2-38f0-4b4e-8a63-4b0c1a1d7f10", "name": "e2e connection"}
    password = {"sqlalchemy_password": demo.secrets["cht_sync_superset_reader_password"]}
    modules.run("superset_database", {**own, **password, "sqlalchemy_uri": re.sub(":[^:@/]*@", "@", uri)})
    assert modules.change("superset_database", own, state="absent")["before"]["database_name"] == "e2e connection"


# --- the role's tasks ---

COUNT = {"expressionType": "SQL", "sqlExpression": "COUNT(*)", "label": "count"}


@pytest.fixture(scope="module")
def table(admin):
    """The id of the dataset with a row for each report."""
    return admin.dataset("rpt_data_record")


@pytest.fixture(scope="module")
def areas(admin, table):
    """Reports of each area, by its uuid, as the administrator sees them."""
    rows = admin.query(table, metrics=[COUNT], columns=["area_uuid"], row_limit=1000)
    areas = {row["area_uuid"]: row["count"] for row in rows if row["area_uuid"]}
    assert len(areas) >= 3
    return areas


@pytest.fixture(scope="module")
def given(areas):
    """Two areas: one supervisor has the first, the other both."""
    return sorted(areas)[:2]


@pytest.fixture(scope="module")
def access(demo, given, tmp_path_factory):
    """The accounts are there, and gone afterwards with the roles of their areas."""
    access = Access(demo, tmp_path_factory.mktemp("access"), given)
    first, second = access.play(password=PASSWORD), access.play(password=PASSWORD)
    assert "changed=0" not in first and "changed=0" in second, second
    yield access
    left = access.play(state="absent")
    assert all(f"changed: [here] => (item={area})" in left for area in given), left


@pytest.fixture(scope="module")
def one(access):
    """The supervisor of one area."""
    return access.visitor("one")


def test_a_supervisor_sees_the_rows_of_the_areas_given(access, one, table, areas, given):
    for visitor, own in ((one, given[:1]), (access.visitor("two"), given)):
        rows = visitor.query(table, metrics=[COUNT], columns=["area_uuid"])
        assert {row["area_uuid"]: row["count"] for row in rows} == {area: areas[area] for area in own}
        assert visitor.query(table, metrics=[COUNT]) == [{"count": sum(areas[area] for area in own)}]
    elsewhere = [{"col": "area_uuid", "op": "==", "val": given[1]}]
    assert one.query(table, metrics=[COUNT], filters=elsewhere) == [{"count": 0}]


def test_a_supervisor_gets_round_no_rule(one, table):
    everything = "SELECT count(*) FROM marts.rpt_data_record"
    for formula in (f"({everything})", f"query_to_xml('{everything}', true, true, '')::text"):
        metric = {"expressionType": "SQL", "sqlExpression": formula, "label": "x"}
        assert one.refused(one.query, table, metrics=[metric]) == 400, formula
    assert one.refused(one.query, table, metrics=[COUNT], extras={"where": "1 = 1) OR (1 = 1"}) == 400
    sql = {"database_id": 1, "schema": "marts", "sql": everything}
    assert one.refused(one.superset.post, "/api/v1/sqllab/execute/", sql) == 403
    for path in (USERS, RULES, ROLES, "/api/v1/database/"):
        assert one.refused(one.superset.get, path) == 403, path


def test_a_supervisor_sees_nothing_of_the_server(one, admin):
    filters = [{"col": "table_name", "opr": "sw", "value": "sys_"}]
    datasets = admin.superset.get("/api/v1/dataset/", {"filters": filters, "page_size": 100})["result"]
    closed = [dataset["id"] for dataset in datasets if dataset["table_name"] != "sys_silent_chw"]
    for number in closed:
        assert one.refused(one.query, number, metrics=[COUNT]) == 403, number


def test_readers_change_nothing(access, one):
    for visitor in (one, access.visitor("programme_manager")):
        dashboards = visitor.superset.get("/api/v1/dashboard/")["result"]
        assert dashboards
        change = {"dashboard_title": "x"}
        assert visitor.refused(visitor.superset.put, f"/api/v1/dashboard/{dashboards[0]['id']}", change) == 403
        assert visitor.refused(visitor.superset.post, "/api/v1/dashboard/", change) == 403


def test_a_programme_manager_and_a_data_officer_see_all_areas(access, admin, table, areas):
    every = admin.superset.get("/api/v1/dashboard/")["count"]
    for name in ("programme_manager", "data_officer"):
        visitor = access.visitor(name)
        assert visitor.query(table, metrics=[COUNT])[0]["count"] >= sum(areas.values()), name
        assert visitor.superset.get("/api/v1/dashboard/")["count"] == every, name


def test_a_program_gets_numbers_as_the_docs_show(access, admin, demo):
    """And not from the address of a chart."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/dashboards.md").read_text(), re.DOTALL | re.MULTILINE)
    first, end = demo.sql("SELECT min(month), max(month) FROM marts.rpt_area_month").split("|")
    for shown, instead in {'USER = "otieno"': 'USER = "e2e_programme_manager"', "2026-01-01 : 2027-01-01": f"{first} : {end}"}.items():
        assert program.count(shown) == 1
        program = program.replace(shown, instead)
    done = subprocess.run([sys.executable, "-c", program], input=f"{PASSWORD}\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sums = f"SELECT month, sum(people_served) FROM marts.rpt_area_month WHERE month >= '{first}' AND month < '{end}' GROUP BY month ORDER BY month"
    held = [(month, float(number)) for month, number in (line.split("|") for line in demo.sql(sums).splitlines())]
    assert held and [(month, float(number)) for month, number in map(str.split, done.stdout.splitlines())] == held
    reader, chart = access.visitor("programme_manager"), admin.superset.find("charts", "b3ad3d50-98b6-4247-9658-e77a21b6d97c")
    assert reader.refused(reader.superset.get, f"/api/v1/chart/{chart}/data/") == 400


def test_a_data_officer_has_sql_lab(access, admin):
    """No query is run: Superset keeps them, and with them the account."""
    number = admin.superset.find("databases", "CHT warehouse", "database_name")
    officer = access.visitor("data_officer").superset
    assert number in [int(key) for key in officer.get("/api/v1/sqllab/")["result"]["databases"]]
    tables = officer.get(f"/api/v1/database/{number}/tables/", {"schema_name": "marts"})["result"]
    assert "rpt_data_record" in [table["value"] for table in tables]


def test_nobody_sees_anything_without_an_account(demo, table):
    query = {"datasource": {"id": table, "type": "table"}, "queries": [{"metrics": [COUNT]}]}
    answers = [requests.post(f"{demo.url}/api/v1/chart/data", json=query, timeout=60)]
    answers += [requests.get(f"{demo.url}/api/v1/{path}", timeout=60) for path in ("dashboard/", "chart/", f"dataset/{table}")]
    assert [answer.status_code for answer in answers] == [401] * 4
