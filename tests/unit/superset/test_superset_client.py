# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client: what it takes for an answer, and what for a failure."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import JSON, connection

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError


def client(server):
    return Superset(connection(server.url))


def test_a_change_carries_token_cookie_and_origin(server):
    server.answers["/x/"] = [(200, JSON, "{}")]
    client(server).put("/x/", {})
    headers = server.seen[-1][2]
    assert headers["Authorization"] == "Bearer t" and headers["X-CSRFToken"] == "c"
    assert headers["Cookie"] == "session=s" and headers["Referer"] == server.url + "/"


def test_a_gateway_that_is_not_ready_is_asked_again(server):
    server.answers["/x/"] = [(502, "text/html", ""), (503, "text/html", ""), (200, JSON, '{"a": 1}')]
    assert client(server).get("/x/") == {"a": 1}


@pytest.mark.parametrize(
    "answer",
    [
        (302, "text/html", "", ("Location", "/login/")),
        (308, JSON, "{}", ("Location", "/x")),
        (200, "text/html", "<html>"),
        (503, "text/html", ""),
    ],
)
def test_no_json_is_no_success(server, answer):
    server.answers["/x/"] = [answer]
    with pytest.raises(SupersetError, match="/x/ with"):
        client(server).get("/x/")


@pytest.mark.parametrize(
    "body, said",
    [
        ({"message": "no"}, "no"),
        ({"message": {"name": ["taken"]}}, "taken"),
        ({"errors": [{"message": "bad", "extra": {"charts/x.yaml": {"uuid": ["missing"]}, "issue_codes": []}}]}, "charts/x.yaml"),
        ({"errors": ["plain"]}, "plain"),
        ([], "422"),
    ],
)
def test_the_reason_is_told(server, body, said):
    server.answers["/x/"] = [(422, JSON, json.dumps(body))]
    with pytest.raises(SupersetError) as caught:
        client(server).get("/x/")
    assert said in str(caught.value) and caught.value.status == 422


def test_a_wrong_password(server):
    server.answers["/api/v1/security/login"] = [(401, JSON, '{"message": "Not authorized"}')]
    with pytest.raises(SupersetError, match="refused the password of admin") as caught:
        client(server)
    assert "hunter2" not in str(caught.value)


def test_trying_another_account_leaves_the_session_alone(server):
    superset = client(server)
    server.answers["/x/"] = [(200, JSON, "{}")]
    server.answers["/api/v1/security/login"] = [
        (200, JSON, '{"access_token": "theirs"}', ("Set-Cookie", "session=theirs; Path=/")),
        (401, JSON, "{}"),
    ]
    assert superset.accepts("other", "right") and not superset.accepts("other", "wrong")
    assert "Authorization" not in server.seen[-1][2] and "Cookie" not in server.seen[-1][2]
    superset.get("/x/")
    assert server.seen[-1][2]["Authorization"] == "Bearer t" and server.seen[-1][2]["Cookie"] == "session=s"


def test_a_limit_passes(server):
    superset = client(server)
    server.answers["/api/v1/security/login"] = [(429, JSON, "{}", ("Retry-After", "7")), (429, "text/html", ""), (200, JSON, '{"access_token": "a"}')]
    assert superset.accepts("other", "right")


def test_a_limit_that_stays_is_not_a_wrong_password(server):
    superset = client(server)
    server.answers["/api/v1/security/login"] = [(429, JSON, "{}")]
    with pytest.raises(SupersetError, match="password of other is right is not known yet") as caught:
        superset.accepts("other", "hunter3")
    assert caught.value.status == 429 and "hunter3" not in str(caught.value)


def test_a_long_list_is_read_to_its_end(server):
    pages = [[{"id": number} for number in numbers] for numbers in (range(100), range(100, 200), [])]
    server.answers["/x/"] = [(200, JSON, json.dumps({"result": page})) for page in pages]
    assert len(client(server).get_all("/x/", "id")) == 200
    assert [json.loads(parse_qs(urlsplit(path).query)["q"][0])["page"] for _, path, _ in server.seen[-3:]] == [0, 1, 2]


def test_nobody_listens(server):
    server.shutdown()
    server.server_close()
    with pytest.raises(SupersetError, match="cannot be reached"):
        client(server)
