# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/status.yml on a real warehouse, with a CouchDB that answers and one that does not; dbt has not run there."""

import base64
import json

import pytest
from calls import page, row
from couch_http import Answer

pytestmark = pytest.mark.once

PASSWORD = "not-a-secret"


@pytest.fixture
def status(playbook, server, postgresql, tmp_path):
    """Runs the playbook for a/medic, which is served, and, unless `alone`, for b/medic, which nobody serves."""

    def run(*arguments, alone=False):
        server.credentials = "Basic " + base64.b64encode(f"reader:{PASSWORD}".encode()).decode()
        a = {"name": "a", "url": server.url, "source_prefix": "a", "username": "reader", "password": PASSWORD, "databases": ["medic"]}
        b = {**a, "name": "b", "url": "http://127.0.0.1:9", "source_prefix": "b"}
        variables = {
            "cht_sync_sources": [a] if alone else [a, b],
            "cht_sync_postgresql_host": "127.0.0.1",
            "postgrest_db_port": postgresql.port,
            "cht_sync_monitor_password": PASSWORD,
        }
        variables_file = tmp_path / "variables.json"
        variables_file.write_text(json.dumps(variables))
        code, said = playbook("status", "-e", f"@{variables_file}", *arguments)
        assert PASSWORD not in said
        return code, said

    return run


def test_all_is_well_and_no_limit_is_passed(status, copied, cursor):
    cursor.execute("UPDATE v1.source SET replaced_at = now() - interval '3 days' WHERE source = 'a/medic'")
    code, said = status("-e", "cht_sync_max_age=600", "-e", "cht_sync_max_pending=0", alone=True)
    assert code == 0 and "changed=0" in said
    assert "| a/medic | 10 | 10 | 0 | 0 | 7-x |" in said
    assert "ALL IS WELL: 10 documents of 1 sources are all copied (no models: dbt has not run here)." in said
    assert "NOTE: a/medic was found to be another database 3 d ago, and is read again from the start" in said


def test_an_account_that_may_write_is_told(status, copied, server):
    """CouchDB's answers, as tests/unit/plugins/test_couchdb_account.py has them of a real one."""
    answer = server.answer

    def couchdb(method, path, query, content):
        if method == "PUT":
            return Answer(400, {"error": "bad_request", "reason": "attachment longer than expected"})
        said = {(): {"couchdb": "Welcome"}, ("_session",): {"userCtx": {"name": "reader", "roles": []}}}.get(tuple(path))
        return Answer(200, said) if said else answer(method, path, query, content)

    server.answer = couchdb
    code, said = status(alone=True)
    assert code == 0 and "ALL IS WELL" in said
    assert "WARNING: a/medic: the account reader may write, though it need only read: playbooks/couchdb_account.yml takes that from it" in said


def test_one_that_does_not_answer_hides_nothing(status, copied, source):
    source.lands(page(row("p", "1-a", name="Amina", x="VALUE").replace('"VALUE"', "1e400000")))
    code, said = status()
    assert code == 0
    assert "| a/medic | 10 | 10 |" in said and "1 in quarantine" in said and "| b/medic | no answer | 0 |" in said
    told = said[said.index("NOT WELL:") :]
    assert "- a/medic: 1 in quarantine: playbooks/quarantine.yml" in told
    assert "- b/medic: CouchDB at http://127.0.0.1:9/medic cannot be reached" in told


def test_what_is_missing_is_told_and_a_passed_limit_fails(status, copied, couch, cursor):
    couch.put("new", {"n": 1})
    cursor.execute("UPDATE v1.couchdb_progress SET pending = 3, updated_at = now() - interval '15 minutes'")
    limits = ("-e", "cht_sync_max_age=600", "-e", "cht_sync_max_pending=2", "-e", "cht_sync_max_model_lag=60")
    # Asked once: of a little that is missing it would wait for the arrival, which does not come.
    code, said = status(*limits, "-e", "cht_sync_verify_tries=0", alone=True)
    assert code == 2 and "NOT WELL: - a/medic: its engine last called 15 min ago: look at systemctl status 'cht-sync-relay@*'" in said
    told = said[said.rindex("NOT WELL") :]
    assert "a/medic: last call 15 min ago, max_age is 600 s" in told and "a/medic: 3 changes pending, max_pending is 2" in told
    assert "dbt has not run yet, max_model_lag is 60 s" in told


def test_a_table_too_large_to_count_is_told(status, copied, cursor, postgresql):
    """The table is locked, so that counting takes longer than it may."""
    locker = postgresql.connect()
    locker.autocommit = False
    with locker.cursor() as lock:
        lock.execute("LOCK TABLE v1.couchdb IN ACCESS EXCLUSIVE MODE")
        code, said = status("-e", "cht_sync_count_timeout=1", alone=True)
    locker.close()
    assert code == 0 and "| a/medic | 10 | not counted |" in said and "-e cht_sync_count_timeout=<seconds>" in said
