# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Superset as who guesses passwords and the years meet it."""

import json
import subprocess

import pytest
from stack import group, machine, secrets, until

pytestmark = pytest.mark.group

# On the machine, from any address of its loopback: one attempt to log in for each line of standard input.
ATTEMPT = r"""
import http.client, json, re, sys, urllib.parse

def call(connection, method, path, body=None, headers={}):
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer, answer.read().decode()

for line in sys.stdin:
    attempt = json.loads(line)
    connection = http.client.HTTPConnection("127.0.0.1", 8088, timeout=60, source_address=(attempt["source"], 0))
    account = {"username": "admin", "password": attempt["password"]}
    if attempt.get("form"):
        page, text = call(connection, "GET", "/login/")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text).group(1)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": page.getheader("Set-Cookie").split(";")[0]}
        answer, text = call(connection, "POST", "/login/", urllib.parse.urlencode({**account, "csrf_token": token}), headers)
    else:
        headers = {"Content-Type": "application/json", **attempt.get("headers", {})}
        answer, text = call(connection, "POST", "/api/v1/security/login", json.dumps({**account, "provider": "db"}), headers)
    print(json.dumps([answer.status, answer.getheader("Retry-After"), answer.getheader("Location"), text]))
"""


def log_in(*attempts: dict) -> list[list]:
    """Status, Retry-After, Location and text of the answer to each attempt."""
    done = subprocess.run(
        ["docker", "exec", "-i", group("superset"), "python3", "-c", ATTEMPT],
        input="\n".join(json.dumps(attempt) for attempt in attempts), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def attempt(source: str, password: str = "wrong", **more) -> dict:
    return {"source": source, "password": password, **more}


def good(source: str, **more) -> dict:
    return attempt(source, secrets()["superset_admin_password"], **more)


def statuses(answers: list[list]) -> list[int]:
    return [answer[0] for answer in answers]


def test_passwords_cannot_be_guessed():
    """superset_login_rate_limit of the scenario: 5 per 30 seconds. What logs in does not count, and a header changes nothing."""
    assert statuses(log_in(*[good("127.0.0.2")] * 6)) == [200] * 6
    bad = [attempt("127.0.0.2", form=count == 2, headers={"X-Forwarded-For": f"10.0.0.{count}"}) for count in range(5)]
    answers = log_in(*bad, attempt("127.0.0.2"), attempt("127.0.0.2", form=True), good("127.0.0.2"), good("127.0.0.3"), good("127.0.0.3", form=True))
    assert set(statuses(answers[:5])) == {401, 302}
    for status, wait, _location, text in answers[5:8]:
        assert status == 429 and 0 < int(wait) <= 30
        assert "too many failed logins from your address" in text
    assert answers[8][0] == 200  # from another address
    assert answers[9][0] == 302 and "login" not in answers[9][2]
    until(lambda: statuses(log_in(good("127.0.0.2"))) == [200], 60, "the end of the limit")


def test_notes_of_old_actions_are_deleted(warehouse):
    def metadata(sql):
        return warehouse.text(sql, "superset")

    metadata(
        "INSERT INTO logs (action, dttm) SELECT 'test-' || days, now() AT TIME ZONE 'UTC' - make_interval(days => days) FROM unnest(ARRAY[89, 91]) days;"
        "INSERT INTO logs (action, dttm) SELECT 'test-many', now() - interval '1 year' FROM generate_series(1, 25000);"
        "INSERT INTO query (client_id, database_id, changed_on) SELECT 'test-' || days, (SELECT min(id) FROM dbs),"
        " now() AT TIME ZONE 'UTC' - make_interval(days => days) FROM unnest(ARRAY[89, 91]) days;"
    )
    superset = machine("superset")
    assert superset.run("systemctl start cht-sync-superset-prune.service").rc == 0
    assert metadata("SELECT string_agg(action, ',') FROM logs WHERE starts_with(action, 'test-')") == "test-89"
    assert metadata("DELETE FROM query WHERE starts_with(client_id, 'test-') RETURNING client_id") == "test-89"
    metadata("DELETE FROM logs WHERE starts_with(action, 'test-')")
