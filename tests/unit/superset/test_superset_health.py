# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Superset is: what is asked, each dataset once, and what of the answers is returned."""

import json

import pytest
from conftest import CHART, DASHBOARD, JSON, connection

from ansible_collections.cht.sync.plugins.module_utils._superset import SupersetError
from ansible_collections.cht.sync.plugins.module_utils._superset_health import examine

OTHER = CHART
DATA = "/api/v1/chart/data"
REPORTS = {"id": 7, "table_name": "rpt_data_record", "metrics": [{"metric_name": "reports"}, {"metric_name": "days"}]}
TASKS = {"id": 8, "table_name": "rpt_task", "metrics": [{"metric_name": "tasks"}]}


def answer(content, status=200):
    return (status, JSON, json.dumps(content))


@pytest.fixture
def superset(server):
    """One that is well, with two dashboards that share a dataset."""
    server.answers |= {
        "/health": [(200, "text/html", "OK")],
        "/login/": [(200, "text/html", "", ("Content-Security-Policy", "default-src 'self'"))],
        "/api/v1/dashboard/": [answer({}, 401)],
        "/api/v1/security/roles/": [answer({"ids": [4]})],
        "/api/v1/security/roles/4/permissions/": [answer({"result": []})],
        f"/api/v1/dashboard/{DASHBOARD}/datasets": [answer({"result": [REPORTS, TASKS]})],
        f"/api/v1/dashboard/{OTHER}/datasets": [answer({"result": [REPORTS]})],
        DATA: [answer({"result": [{"data": [{"reports": 3, "name": "Wanjiru"}]}]})],
    }
    return server


def ask(server, *dashboards):
    return examine({**connection(server.url), "dashboards": list(dashboards)})


def paths(server):
    return [path.split("?")[0] for _, path, _ in server.seen]


def test_all_is_well(superset):
    found = ask(superset, DASHBOARD, OTHER)
    assert found == {
        "health": {"status": 200, "reason": ""},
        "anonymous": {"status": 401},
        "content_security_policy": "default-src 'self'",
        "login": {"status": 200, "reason": ""},
        "public_permissions": [],
        "dashboards": [
            {"uuid": DASHBOARD, "found": True, "has_charts": True, "reason": ""},
            {"uuid": OTHER, "found": True, "has_charts": True, "reason": ""},
        ],
        "datasets": [
            {"id": 7, "name": "rpt_data_record", "dashboards": [DASHBOARD, OTHER], "answers": True, "reason": ""},
            {"id": 8, "name": "rpt_task", "dashboards": [DASHBOARD], "answers": True, "reason": ""},
        ],
    }


def test_each_dataset_is_asked_once_for_all_its_metrics_past_the_cache(superset):
    ask(superset, DASHBOARD, OTHER)
    bodies = [json.loads(body) for body, path in zip(superset.bodies, paths(superset)) if path == DATA]
    assert [body["datasource"]["id"] for body in bodies] == [7, 8]
    assert bodies[0]["force"] is True and bodies[0]["queries"][0]["metrics"] == ["reports", "days"]


def test_what_a_stranger_is_asked_for_carries_no_account(superset):
    ask(superset)
    asked = [headers for _, path, headers in superset.seen if path in ("/health", "/api/v1/dashboard/", "/login/")]
    assert len(asked) == 3 and not any("Authorization" in headers for headers in asked)


def test_nobody_listens(superset):
    superset.shutdown()
    superset.server_close()
    found = ask(superset, DASHBOARD)
    assert found["health"]["status"] is None and "cannot be reached" in found["health"]["reason"]
    assert found["datasets"] == [] and found["login"]["status"] is None


def test_one_that_is_not_well_is_asked_nothing_else(superset):
    superset.answers["/health"] = [(500, "text/html", "")]
    assert ask(superset, DASHBOARD)["health"]["status"] == 500
    assert paths(superset) == ["/health"]


def test_a_stranger_who_reads(superset):
    superset.answers["/api/v1/dashboard/"] = [answer({"result": []})]
    superset.answers["/api/v1/security/roles/4/permissions/"] = [
        answer({"result": [{"permission_name": "can_read", "view_menu_name": "Dashboard"}]})
    ]
    superset.answers["/login/"] = [(200, "text/html", "")]
    found = ask(superset)
    assert found["anonymous"] == {"status": 200} and found["public_permissions"] == ["can_read on Dashboard"]
    assert found["content_security_policy"] == ""


def test_a_wrong_password(superset):
    superset.answers["/api/v1/security/login"] = [answer({"message": "Not authorized"}, 401)]
    found = ask(superset, DASHBOARD)
    assert found["login"]["status"] == 401 and "refused the password of admin" in found["login"]["reason"]
    assert found["dashboards"] == [] and "hunter2" not in json.dumps(found)


def test_dashboards_that_show_nothing(superset):
    superset.answers[f"/api/v1/dashboard/{DASHBOARD}/datasets"] = [answer({"message": "Not found"}, 404)]
    superset.answers[f"/api/v1/dashboard/{OTHER}/datasets"] = [answer({"result": []})]
    found = ask(superset, DASHBOARD, OTHER)
    assert found["dashboards"] == [
        {"uuid": DASHBOARD, "found": False, "has_charts": False, "reason": ""},
        {"uuid": OTHER, "found": True, "has_charts": False, "reason": ""},
    ]


def test_a_dataset_that_does_not_answer_is_told_with_its_reason_and_the_others_still_asked(superset):
    reason = 'relation "marts.rpt_data_record" does not exist\nLINE 1: Wanjiru'
    superset.answers[DATA] = [answer({"message": reason}, 400), answer({"result": [{"data": [{"name": "Wanjiru"}]}]})]
    found = ask(superset, DASHBOARD)
    assert [dataset["answers"] for dataset in found["datasets"]] == [False, True]
    assert 'relation "marts.rpt_data_record" does not exist' in found["datasets"][0]["reason"]
    assert "Wanjiru" not in json.dumps(found)


def test_a_dashboard_that_cannot_be_asked_for_is_told_with_its_reason(superset):
    """As where strangers may read: Superset then takes a call with an account for one of theirs."""
    superset.answers[f"/api/v1/dashboard/{DASHBOARD}/datasets"] = [answer({"message": "no access"}, 403)]
    [found] = ask(superset, DASHBOARD)["dashboards"]
    assert not found["found"] and "403: no access" in found["reason"]


def test_an_answer_that_says_nothing_is_a_failure(superset):
    superset.answers["/api/v1/security/roles/"] = [answer({"message": "broken"}, 500)]
    with pytest.raises(SupersetError, match="broken"):
        ask(superset)
