# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marts and a country's package on a base layer with the shape of cht-pipeline v2, in place of the built-in one."""

import pytest
from cht_demo import DATABASES
from program import FIXTURES, Program
from test_dbt_models import report
from test_dbt_tables import RECORDED

pytestmark = pytest.mark.once

TABLES = sorted(set(RECORDED) - {"couchdb", "couchdb_progress"})


@pytest.fixture(scope="module")
def upstream(copy, empty, dbt, instance, tmp_path_factory):
    """A program with that base, and the warehouse that its first run, in several rounds, has modelled."""
    warehouse = copy(empty)
    for database in DATABASES:
        warehouse.ingest(instance.final(database), database)
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
    assert warehouse.value("SELECT to_regclass('dbt.watermark')") is None or warehouse.value("SELECT count(*) FROM dbt.watermark") == 0


def everything_is_there(warehouse):
    reports = set(warehouse.column("SELECT _id FROM v1.couchdb WHERE NOT _deleted AND doc ->> 'type' = 'data_record'"))
    assert set(warehouse.column("SELECT uuid FROM dbt.data_record")) == reports
    assert set(warehouse.column("SELECT uuid FROM marts.rpt_data_record")) == reports
    forms = set(warehouse.column("SELECT _id FROM v1.couchdb WHERE NOT _deleted AND doc ->> 'form' = 'pregnancy'"))
    assert set(warehouse.column("SELECT uuid FROM dbt.pregnancy_visit")) == forms
    assert warehouse.value("SELECT sum(pregnancies) FROM marts.pregnancies_per_area") == len(forms)
    persons = set(warehouse.column("SELECT _id FROM v1.couchdb WHERE NOT _deleted AND doc ->> 'type' = 'person'"))
    assert set(warehouse.column("SELECT uuid FROM dbt.person")) == persons


def test_marts_and_package_follow_what_is_synced(upstream):
    warehouse = upstream.warehouse
    everything_is_there(warehouse)
    gone = warehouse.value("SELECT uuid FROM dbt.pregnancy_visit ORDER BY uuid LIMIT 1")
    area = warehouse.row("SELECT * FROM marts.rpt_data_record WHERE area_name IS NOT NULL ORDER BY uuid LIMIT 1")["area_uuid"]
    warehouse.ingest([report("new"), {**warehouse.document(area), "name": "New area"}], deleted=[gone])
    answer = upstream.update()
    assert not any(model["refreshed"] for model in answer["models"].values())
    everything_is_there(warehouse)
    assert set(warehouse.column("SELECT area_name FROM marts.rpt_data_record WHERE area_uuid = %s", area)) == {"New area"}


def test_a_full_refresh_keeps_the_history(upstream):
    warehouse = upstream.warehouse
    before = warehouse.value("SELECT count(*) FROM dbt.dbt_results")
    upstream.update("--full-refresh")
    assert warehouse.value("SELECT count(*) FROM dbt.dbt_results") > before > 0
    everything_is_there(warehouse)
