# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marts and a country's package on a base layer with the shape of cht-pipeline v2, in place of the built-in one."""

import re
import subprocess

import pytest
from cht_demo import DATABASES
from program import FIXTURES, Program
from test_dbt_models import ODD_DEVICES, report
from test_dbt_tables import RECORDED

pytestmark = pytest.mark.once

TABLES = sorted(set(RECORDED) - {"couchdb", "couchdb_progress"})


@pytest.fixture(scope="module")
def upstream(copy, empty, dbt, instance, tmp_path_factory):
    """A program with that base, and the warehouse that its first run, in several rounds, has modelled."""
    warehouse = copy(empty)
    for database in DATABASES:
        warehouse.ingest(instance.final(database), database)
    warehouse.ingest(ODD_DEVICES, "medic-users-meta")
    program = Program(tmp_path_factory.mktemp("upstream"), dbt, builtin=False, batch_size=2000)
    made = program.assemble(program.package("cht-pipeline-shaped", name="base", base=True), program.package("country-package"))
    assert made["success"], made["output"]
    program.update()
    program.warehouse = warehouse
    yield program
    warehouse.connection.close()


def test_its_tables_are_as_recorded(upstream):
    warehouse = upstream.warehouse
    assert (upstream.current() / "packages.yml").read_text(encoding="utf-8").count("local:") == 2
    assert (FIXTURES / "cht-pipeline-shaped/packages.yml").exists()
    for table in TABLES:
        keys = warehouse.column("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = format('dbt.%%I', %s::text)::regclass", table)
        assert sorted(key.replace("dbt.", "v1.") for key in keys) == sorted(RECORDED[table].get("constraints", [])), table
    # Its own models of telemetry stop for ever on a document without metadata.year.
    assert warehouse.column("SELECT model FROM dbt.watermark ORDER BY 1") == ["account", "telemetry", "telemetry_devices"]


def everything_is_there(warehouse):
    reports = set(warehouse.column("SELECT _id FROM v1.couchdb WHERE NOT _deleted AND doc ->> 'type' = 'data_record'"))
    assert set(warehouse.column("SELECT uuid FROM dbt.data_record")) == reports
    assert set(warehouse.column("SELECT uuid FROM marts.rpt_data_record")) == reports
    forms = set(warehouse.column("SELECT _id FROM v1.couchdb WHERE NOT _deleted AND doc ->> 'form' = 'pregnancy'"))
    assert set(warehouse.column("SELECT uuid FROM dbt.pregnancy_visit")) == forms
    assert warehouse.value("SELECT sum(pregnancies) FROM marts.pregnancies_per_area") == len(forms)
    for model, kind in (("person", "person"), ("telemetry", "telemetry"), ("telemetry_devices", "telemetry")):
        documents = set(warehouse.column("SELECT _id FROM v1.couchdb WHERE NOT _deleted AND doc ->> 'type' = %s", kind))
        assert set(warehouse.column(f"SELECT uuid FROM dbt.{model}")) == documents, model
    assert warehouse.value("SELECT count(*) FROM marts.sys_device") > 0 and warehouse.query("SELECT * FROM marts.sys_silent_chw LIMIT 0") == []


def test_marts_and_package_follow_what_is_synced(upstream):
    warehouse = upstream.warehouse
    everything_is_there(warehouse)
    gone = warehouse.value("SELECT uuid FROM dbt.pregnancy_visit ORDER BY uuid LIMIT 1")
    area = warehouse.row("SELECT * FROM marts.rpt_data_record WHERE area_name IS NOT NULL ORDER BY uuid LIMIT 1")["area_uuid"]
    warehouse.ingest([report("new"), {**warehouse.document(area), "name": "New area"}], deleted=[gone])
    warehouse.ingest([{"_id": "telemetry-2026-9-u-d", "type": "telemetry"}], "medic-users-meta", deleted=["telemetry-bare"])
    # Another instance's user of the same name, whose document the base models do not know.
    user = warehouse.value("SELECT min(user_id) FROM dbt.account WHERE contact_uuid IN (SELECT uuid FROM marts.dim_chw)")
    warehouse.query("INSERT INTO v1.source (source, engine) VALUES ('there.example.org/medic', 'relay')")
    warehouse.ingest([{"_id": user, "type": "user-settings", "contact_id": "5d1f2c34-9f0e-4c1b-8a53-2f8f1b7a9c01"}, {"_id": "task~there", "type": "task", "user": user}],
                     instance="there.example.org", kept=["id_collision"])
    answer = upstream.update()
    assert warehouse.value("SELECT chw_uuid FROM marts.fct_task WHERE uuid = 'task~there'") == "5d1f2c34-9f0e-4c1b-8a53-2f8f1b7a9c01"
    assert not any(model["refreshed"] for model in answer["models"].values())
    everything_is_there(warehouse)
    assert set(warehouse.column("SELECT area_name FROM marts.rpt_data_record WHERE area_uuid = %s", area)) == {"New area"}


def test_marts_go_on_with_what_a_failed_model_holds(upstream):
    """What else changed is shown, and the next run that succeeds brings the rest."""
    warehouse = upstream.warehouse
    warehouse.query("ALTER TABLE dbt.data_record ADD CONSTRAINT broken CHECK (form <> 'poison') NOT VALID")
    facility = warehouse.row("SELECT * FROM marts.dim_facility ORDER BY uuid LIMIT 1")["uuid"]
    place = {"_id": "new-area", "type": "health_center", "name": "New", "parent": {"_id": facility}, "reported_date": 1764000000000}
    warehouse.ingest([report("poison", form="poison"), place])
    answer = upstream.update(check=False)
    assert {name for name, model in answer["models"].items() if model["status"] != "success"} == {"data_record"}
    assert "failed: data_record" in answer["summary"] and "go on with what there is of what failed: " in answer["output"]
    assert warehouse.value("SELECT count(*) FROM marts.rpt_area_month WHERE area_uuid = 'new-area'") > 0
    warehouse.query("ALTER TABLE dbt.data_record DROP CONSTRAINT broken")
    upstream.update()
    everything_is_there(warehouse)


def test_our_tests_run_there(upstream, dbt):
    """And find a foreign key that is gone; those that are there are constraints of columns."""
    upstream.warehouse.query("ALTER TABLE dbt.person DROP CONSTRAINT person_uuid_fkey")
    done = subprocess.run([dbt.executable, "test", "--select", "cht_sync,test_type:singular"], env={**dbt.environment, **upstream.environment()},
                          capture_output=True, text=True, check=False)  # fmt: skip
    outcomes = {name: outcome for outcome, name in re.findall(r"of \d+ (PASS|FAIL 1|ERROR) +(\w+) \.", done.stdout)}
    assert outcomes == {"deletions_cascade_everywhere": "FAIL 1", "every_report_is_in_the_mart": "PASS", "keys_are_enforced": "PASS"}, done.stdout


def test_a_full_refresh_keeps_the_history(upstream):
    warehouse = upstream.warehouse
    before = warehouse.value("SELECT count(*) FROM dbt.dbt_results")
    upstream.update("--full-refresh")
    assert warehouse.value("SELECT count(*) FROM dbt.dbt_results") > before > 0
    everything_is_there(warehouse)
