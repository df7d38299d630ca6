# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs: failures, full refreshes, results, tests, and runs while documents come in."""

import subprocess
import threading
import time

import hand_worked
import pytest
from test_dbt_models import in_step, report, where

pytestmark = pytest.mark.once


def test_a_failed_model_is_told_and_catches_up(warehouse, dbt):
    warehouse.query("ALTER TABLE dbt.data_record ADD CONSTRAINT broken CHECK (form <> 'poison') NOT VALID")
    person = {**warehouse.document(warehouse.value("SELECT uuid FROM dbt.person LIMIT 1")), "name": "Renamed"}
    warehouse.ingest([report("new", form="poison"), person])
    assert subprocess.run([dbt.executable, "run"], env=dbt.environment, stdout=subprocess.DEVNULL, check=False).returncode == 1
    assert where(warehouse, "new") == {'dbt."document_metadata"'}
    assert warehouse.value("SELECT name FROM dbt.contact WHERE uuid = %s", person["_id"]) == "Renamed"
    assert warehouse.value("SELECT status FROM dbt.dbt_results WHERE name = 'data_record' ORDER BY start_time DESC LIMIT 1") == "error"
    warehouse.query("ALTER TABLE dbt.data_record DROP CONSTRAINT broken")
    warehouse.dbt("run")
    assert where(warehouse, "new") == {'dbt."document_metadata"', 'dbt."data_record"', "marts.fct_report"}
    in_step(warehouse)


def test_results_are_stored(warehouse):
    results = warehouse.query("SELECT name, status, execution_time > 0, end_time > start_time, rows_affected, schema_name FROM dbt.dbt_results")
    assert len(results) == len(list((hand_worked.PROJECT / "models").rglob("*.sql")))
    assert {result[1:4] for result in results} == {("success", True, True)}
    reports = warehouse.value("SELECT count(*) FROM dbt.data_record")
    assert ("fct_report", "success", True, True, reports, "marts") in results


def test_full_refresh(warehouse):
    """The same rows, all foreign keys, the history kept; also after one of a part, which loses foreign keys."""
    warehouse.dbt("run", "--full-refresh", "--select", "document_metadata")
    gone = warehouse.value("SELECT uuid FROM dbt.data_record LIMIT 1")
    warehouse.ingest([], deleted=[gone])
    warehouse.dbt("run", "--full-refresh")
    assert where(warehouse, gone) == set()
    in_step(warehouse)
    assert warehouse.value("SELECT count(DISTINCT invocation_id) FROM dbt.dbt_results") == 3
    warehouse.dbt("test")
    # What is kept of the tests themselves is right, too.
    assert warehouse.value("SELECT count(*) FROM dbt.dbt_results WHERE resource_type = 'unit_test'") > 0
    warehouse.dbt("test", "--select", "dbt_results")


def test_what_is_wrong_fails_the_tests(warehouse):
    warehouse.query("DELETE FROM marts.fct_report WHERE uuid = (SELECT min(uuid) FROM marts.fct_report)")
    warehouse.query("DROP TABLE dbt.document_metadata CASCADE; CREATE TABLE dbt.document_metadata AS SELECT false AS _deleted; "
                    "ALTER TABLE dbt.document_metadata OWNER TO dbt")
    told = warehouse.dbt("test", "--select", "test_type:singular", check=False)
    assert not told["success"]
    assert "FAIL 1 every_report_is_in_the_mart" in told["output"]
    assert "FAIL 6 deletions_cascade_everywhere" in told["output"]


def test_runs_while_documents_come_in(warehouse):
    """A writer never pauses during two runs; one more run, and all is in step."""
    people = [warehouse.document(uuid) for uuid in warehouse.column("SELECT uuid FROM dbt.person ORDER BY uuid LIMIT 200")]
    stop = threading.Event()
    writer = type(warehouse)(warehouse.server, warehouse.name)
    rounds = []

    def write():
        while not stop.is_set():
            number = len(rounds)
            person = people[number % len(people)]
            writer.ingest([report(f"new-{number}", form="live"), {**person, "name": f"name {number}"}],
                          deleted=[f"new-{number - 3}"] if number % 2 else [])
            rounds.append(number)
            time.sleep(0.02)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(2):
            warehouse.dbt("run")
            assert warehouse.value("SELECT count(*) FROM marts.rpt_data_record WHERE form = 'live'") > 0
    finally:
        stop.set()
        thread.join()
        writer.connection.close()
    assert len(rounds) > 20
    warehouse.dbt("run")
    in_step(warehouse)
    assert warehouse.query("SELECT c.uuid FROM dbt.contact c JOIN v1.couchdb r ON r._id = c.uuid WHERE c.name <> r.doc ->> 'name'") == []
