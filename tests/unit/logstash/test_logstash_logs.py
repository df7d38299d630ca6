# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logstash's log as it was recorded: what is understood of it, and that no document leaves."""

import json
import logging

import pytest
from launcher_harness import as_json, recorded

from cht_logstash import logs

BOTH = pytest.mark.parametrize("form", [list, as_json], ids=["plain", "json"])


def read(name, form, secrets=()):
    return [logs.read(line, secrets) for line in form(recorded(name))]


def shown(lines):
    return "\n".join(line.text for line in lines if line.text)


@BOTH
def test_answers_of_postgrest(form):
    lines = [line for line in read("51", form) if line.text]
    assert [(line.status, line.code) for line in lines] == [(401, "PGRST301"), (409, "PT409"), (503, "PGRST001")]
    assert all((line.logger, line.pipeline, line.level) == (logs.OUTPUT, "medic", logging.WARNING) for line in lines)


def test_answers_of_postgrest_as_json_was_recorded():
    lines = read("52", list)
    assert [(line.status, line.code) for line in lines] == [(401, "PGRST301"), (409, "PT409"), (301, "")]
    assert lines[0].text.startswith("[medic] Encountered non-2xx HTTP code code=401 ")
    assert "answer=PGRST301 JWT expired" in lines[0].text


def test_details_of_an_answer_are_not_shown():
    """PostgreSQL quotes there what it could not read."""
    body = json.dumps({"code": "22P02", "details": "Token Amina is invalid.", "hint": None, "message": "not JSON"})
    event = {"message": "will retry", "code": 400, "body": body}
    entry = {"level": "WARN", "loggerName": logs.OUTPUT, "pipeline.id": "medic", "logEvent": event}
    line = logs.read(json.dumps(entry))
    assert (line.code, line.status) == ("22P02", 400) and "Amina" not in line.text and "not JSON" in line.text
    plain = "[2026-11-24T22:35:21,049][WARN ][logstash.outputs.http    ][medic][out_medic] will retry {:code=>400, :body=>%s}"
    line = logs.read(plain % json.dumps(body))
    assert (line.code, line.status) == ("22P02", 400) and "Amina" not in line.text


@BOTH
@pytest.mark.parametrize(("name", "reason"), [("53", "Connection refused"), ("95", "Read timed out")])
def test_a_receiver_that_does_not_answer(form, name, reason):
    lines = [line for line in read(name, form) if line.text]
    assert lines and all(line.level == logging.ERROR and line.status is None for line in lines)
    assert all("Could not fetch URL" in line.text and reason in line.text for line in lines)


@BOTH
def test_answers_of_couchdb(form):
    lines = read("54", form)
    assert [line.status for line in lines] == [401, 403, 404, 500, 400, None, None]
    assert all((line.logger, line.pipeline) == (logs.INPUT, "medic") for line in lines)
    assert "Connection refused" in lines[-1].text


@pytest.mark.parametrize(("name", "times"), [("56", 3), ("97", 0)])
def test_a_change_that_cannot_be_read(name, times):
    lines = read(name, as_json)
    assert sum(line.unreadable for line in lines) == times
    failed = [line for line in lines if line.failed]
    assert failed and all(line.pipeline == "medic" and line.text.endswith(f"({line.failed})") for line in failed)


def test_an_untrusted_certificate():
    assert {line.failed for line in read("97", as_json)} - {""} == {"OpenSSL::SSL::SSLError"}


@BOTH
@pytest.mark.parametrize("name", ["55", "56", "57", "58", "59"])
def test_no_document_leaves(form, name):
    text = shown(read(name, form))
    assert text, "nothing was shown at all"
    for secret in ("_rev", '"doc"', "Source:", "raw", "cht_sync", "boom", "Depth", "keep_id", "\n  "):
        assert secret not in text, secret
    assert all(len(line) <= 600 for line in text.splitlines())


@BOTH
def test_a_token_does_not_leave(form):
    """A deprecated option makes Logstash print its headers."""
    token = "eyJhbGciOiJIUzI1NiJ9.e30.sig"
    assert any(token in line for line in recorded("09"))
    assert token not in shown(read("09", form, [token]))


def test_secrets_are_hidden_wherever_they_stand():
    entry = {"level": "INFO", "loggerName": "logstash.runner", "logEvent": {"message": 'a p"ä b', "path": 'x p"ä', "url": "t0ken"}}
    assert logs.read(json.dumps(entry), ['p"ä', "t0ken"]).text == "a *** b url=*** path=x ***"
    assert logs.read("Error: t0ken", ["t0ken"]).text == "Error: ***"


def test_a_usual_start_is_shown_as_information():
    lines = read("50", as_json)
    assert "Pipelines running" in shown(lines) and "Pipeline started" in shown(lines)
    assert not any(line.status or line.failed for line in lines)


@BOTH
def test_why_a_start_failed_is_shown(form):
    assert "port 29600" in shown(read("88", form))
    assert "Unknown setting 'databse'" in shown(read("02", form))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("java.lang.OutOfMemoryError: Java heap space", "OutOfMemoryError: Java heap space: raise logstash_heap"),
        ('  Error: unexpected token at {"_id":"Amina OutOfMemoryError: x"', "OutOfMemoryError: raise logstash_heap"),
        ("Unrecognized VM option 'x'", "Unrecognized VM option 'x'"),
        ("could not find java; set JAVA_HOME", "could not find java; set JAVA_HOME"),
        (' at [Source: (byte[])"{"_id":"Amina"}"', None),
        ("Using bundled JDK: /opt", None),
        ("", None),
        ("[" * 100000, None),
        ('{"logEvent": 5}', None),
        ("[]", None),
        ("7", None),
    ],
)  # fmt: skip
def test_lines_past_the_log(line, text):
    assert logs.read(line).text == text


def test_a_change_nested_deeply_in_a_line_ends_nothing():
    assert logs.read('{"logEvent":' + '{"a":' * 100000).text is None
