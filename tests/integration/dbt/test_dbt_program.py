# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's program: what is refreshed, what is tried again, what a failure stops; with a country's package."""

import re
import threading

import pytest
from servers import wait_until
from test_dbt_models import in_step, report

pytestmark = pytest.mark.once

FORM = "models/forms/pregnancy_visit.sql"
WITH_COLUMN = "couchdb.doc #>> '{fields,lmp_date_8601}' as lmp_date", "couchdb.doc ->> 'form' || '!' as lmp_date"
BROKEN = WITH_COLUMN[0], "(1 / 0)::text as lmp_date"


def refreshed(answer):
    return {name for name, model in answer["models"].items() if model["refreshed"]}


def oid(warehouse, relation):
    return warehouse.value("SELECT to_regclass(%s)::oid", relation)


def foreign_keys(warehouse):
    return warehouse.column("SELECT conrelid::regclass || ' ' || confrelid::regclass FROM pg_constraint WHERE contype = 'f' AND confdeltype = 'c' "
                            "AND connamespace IN ('dbt'::regnamespace, 'marts'::regnamespace) ORDER BY 1")


def test_the_first_run_makes_everything_in_batches(first, program):
    warehouse = program.warehouse
    models = {name for name in first.first["models"] if "-on-run-" not in name}
    assert refreshed(first.first) == models and {"pregnancy_visit", "pregnancies_per_area", "data_record", "dbt_results"} <= models
    in_step(warehouse)
    changed = warehouse.value("SELECT count(*) FROM v1.couchdb")
    assert warehouse.value("SELECT count(DISTINCT invocation_id) FROM dbt.dbt_results") == -(-changed // 1500) >= 2
    assert warehouse.value("SELECT count(*) FROM dbt.pregnancy_visit") \
        == warehouse.value("SELECT count(*) FROM v1.couchdb WHERE doc ->> 'form' = 'pregnancy'") > 0
    assert warehouse.value("SELECT sum(pregnancies) FROM marts.pregnancies_per_area") == warehouse.value("SELECT count(*) FROM dbt.pregnancy_visit")


def test_a_run_without_changes_of_the_project_refreshes_nothing(program):
    """And rows of the package's form go as their documents do. A view is left alone; one that is gone is made again."""
    warehouse = program.warehouse
    gone, edited = warehouse.column("SELECT uuid FROM dbt.pregnancy_visit ORDER BY uuid LIMIT 2")
    view = oid(warehouse, "marts.pregnancies_per_area")
    warehouse.ingest([{**warehouse.document(edited), "form": "other"}, report("new", fields={"lmp_date_8601": "2026-01-02"})], deleted=[gone])
    answer = program.update()
    assert refreshed(answer) == set() and "pregnancies_per_area" not in answer["models"]
    assert oid(warehouse, "marts.pregnancies_per_area") == view
    assert warehouse.column("SELECT uuid FROM dbt.pregnancy_visit WHERE uuid IN (%s, %s, 'new')", gone, edited) == ["new"]
    assert warehouse.value("SELECT lmp_date FROM dbt.pregnancy_visit WHERE uuid = 'new'") == "2026-01-02"
    warehouse.query("DROP VIEW marts.pregnancies_per_area")
    assert refreshed(program.update()) == {"pregnancies_per_area"}
    assert oid(warehouse, "marts.pregnancies_per_area")


def test_a_timed_run_is_spared_where_nothing_changed(program):
    warehouse = program.warehouse

    def is_spared():
        answer = program.update("--if-changed")
        assert ("nothing changed" in answer["summary"]) == (not answer["models"])
        return not answer["models"]

    program.update()
    assert is_spared()
    warehouse.ingest([report("new")])
    assert not is_spared() and warehouse.column("SELECT uuid FROM dbt.data_record WHERE uuid = 'new'") == ["new"]
    assert is_spared()
    # What only another instance has so, and the raw table does not show.
    user = warehouse.value("SELECT min(_id) FROM v1.couchdb WHERE _id LIKE 'org.couchdb.user:%%' AND NOT _deleted")
    warehouse.query("INSERT INTO v1.source (source, engine) VALUES ('there.example.org/medic', 'relay')")
    warehouse.ingest([warehouse.document(user)], instance="there.example.org", kept=["id_collision"])
    assert not is_spared() and warehouse.value("SELECT count(*) FROM dbt.account WHERE user_id = %s", user) == 2
    assert is_spared()
    for change in (
        "DELETE FROM dbt.data_record WHERE uuid = 'new'",
        "UPDATE dbt.dbt_results SET status = 'error' WHERE name = 'fct_report'",
        "UPDATE dbt.dbt_results SET start_time = start_time - interval '1 hour'",
    ):
        warehouse.query(change)
        assert not is_spared(), change
        assert is_spared(), change
    program.edit_package(FORM, *WITH_COLUMN)
    assert program.assemble_again()["success"] and not is_spared()


def test_a_changed_model_is_refreshed_with_what_depends_on_it(program):
    """A package's alone, a base model with all others: all foreign keys are there afterwards, and the history is."""
    warehouse = program.warehouse
    before, keys = warehouse.value("SELECT count(*) FROM dbt.dbt_results"), foreign_keys(warehouse)
    program.edit_package(FORM, *WITH_COLUMN)
    assert program.assemble_again()["success"]
    assert refreshed(program.update()) == {"pregnancy_visit", "pregnancies_per_area"}
    assert warehouse.column("SELECT DISTINCT lmp_date FROM dbt.pregnancy_visit") == ["pregnancy!"]
    program.edit_project("models/base/documents/contact.sql", "doc ->> 'notes' as notes", "doc ->> 'notes' || '' as notes")
    assert program.assemble_again()["success"]
    answer = program.update()
    assert {"contact", "person", "place", "patient", "rpt_data_record", "document_metadata", "pregnancy_visit"} <= refreshed(answer)
    assert foreign_keys(warehouse) == keys
    assert warehouse.value("SELECT count(*) FROM dbt.dbt_results") > before
    gone = warehouse.value("SELECT uuid FROM dbt.person ORDER BY uuid LIMIT 1")
    warehouse.ingest([], deleted=[gone])
    assert refreshed(program.update()) == set()
    in_step(warehouse)


def test_a_failed_refresh_stops_no_neighbour_and_is_tried_again(program):
    warehouse = program.warehouse
    program.edit_package(FORM, *BROKEN)
    assert program.assemble_again()["success"]
    for uuid in ("one", "two"):
        warehouse.ingest([report(uuid)])
        answer = program.update(check=False)
        assert not answer["success"]
        assert "ERROR pregnancy_visit failed: division by zero\n" in answer["output"]
        assert "ERROR not run, since they read what failed: pregnancies_per_area\n" in answer["output"]
        assert "failed: pregnancy_visit" in answer["summary"]
        assert warehouse.value("SELECT count(*) FROM dbt.data_record WHERE uuid = %s", uuid) == 1
        assert answer["models"]["fct_report"]["status"] == "success"
    program.edit_package(FORM, BROKEN[1], WITH_COLUMN[1])
    assert program.assemble_again()["success"]
    assert refreshed(program.update()) == {"pregnancy_visit", "pregnancies_per_area"}
    assert warehouse.value("SELECT lmp_date FROM dbt.pregnancy_visit WHERE uuid = 'two'") == "pregnancy!"


def test_a_changed_variable_refreshes_everything(program):
    warehouse = program.warehouse
    variables = {"facility_types": ["clinic"], "household_types": ["clinics"]}
    answer = program.update(variables=variables)
    assert "household_types names clinics, but CHT has no such kind of contact" in answer["summary"]
    assert answer["summary"].endswith("kinds that there are: clinic, district_hospital, health_center, person")
    assert warehouse.query("SELECT contact_type, known FROM marts.sys_contact_type WHERE variable IN ('area_types', 'household_types') ORDER BY 1") \
        == [("clinics", False), ("health_center", True)]
    assert warehouse.column("SELECT effect FROM marts.sys_data_quality WHERE kind = 'Kinds of contact that CHT does not have'") \
        == ["household_types names clinics: its numbers are empty"]
    assert set(answer["models"]) - refreshed(answer) <= {name for name in answer["models"] if "-on-run-" in name}
    assert warehouse.value("SELECT count(DISTINCT invocation_id) FROM dbt.dbt_results") > 2
    assert refreshed(program.update(variables={**variables, "dbt_results_days": 3})) == set()
    in_step(warehouse)


def test_a_deadlock_is_tried_again(program):
    """A real one, with who locks the table of persons and then wants that of contacts, which a run reads meanwhile."""
    warehouse = program.warehouse
    person = warehouse.value("SELECT uuid FROM dbt.person ORDER BY uuid LIMIT 1")
    warehouse.ingest([{**warehouse.document(person), "phone": "new"}])
    other = warehouse.server.connect(warehouse.name)
    other.autocommit = False
    cursor = other.cursor()
    # The run notices the deadlock, not this one.
    cursor.execute("SET deadlock_timeout = '2min'; LOCK TABLE dbt.person IN SHARE MODE")

    def collide():
        wait_until(lambda: warehouse.value("SELECT count(*) FROM pg_locks WHERE relation = 'dbt.person'::regclass AND NOT granted"), 120, "the run's wait")
        cursor.execute("LOCK TABLE dbt.contact IN ACCESS EXCLUSIVE MODE")
        other.commit()

    thread = threading.Thread(target=collide)
    thread.start()
    try:
        answer = program.update()
    finally:
        thread.join()
        other.close()
    assert re.search(r"WARNING trying again: (.*, )?person \(deadlock detected\)\n", answer["output"]), answer["output"]
    assert warehouse.value("SELECT phone FROM dbt.person WHERE uuid = %s", person) == "new"
    assert "ERROR" not in answer["output"]


# All that is stored as text and run later: functions, and what constraints, defaults, views and comments say.
STORED = """
SELECT oid::regprocedure::text, prosrc || coalesce(proconfig::text, '') FROM pg_proc WHERE pronamespace IN ('dbt'::regnamespace, 'marts'::regnamespace)
UNION ALL SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
UNION ALL SELECT oid::regclass::text, pg_get_viewdef(oid) FROM pg_class WHERE relkind = 'v' AND relnamespace IN ('dbt'::regnamespace, 'marts'::regnamespace)
"""


def test_a_warehouse_that_gets_another_name(program):
    """Renamed, or restored as a copy: nothing in it holds the name of before, and runs go on."""
    warehouse = program.warehouse
    assert [name for name, text in warehouse.query(STORED) if warehouse.name in text] == []
    warehouse.connection.close()
    warehouse.server.execute("ALTER DATABASE warehouse RENAME TO staging")
    program.warehouse = renamed = type(warehouse)(warehouse.server, "staging")
    # The triggers of before, by which marts learn what changed
    renamed.query("UPDATE dbt.data_record SET form = 'seen' WHERE uuid = (SELECT min(uuid) FROM dbt.data_record)")
    renamed.ingest([report("new")])
    program.update(database="staging")
    assert renamed.column("SELECT uuid FROM marts.rpt_data_record WHERE uuid = 'new'") == ["new"]
    in_step(renamed)


def test_just_some_models_by_hand(program):
    warehouse = program.warehouse
    warehouse.ingest([report("new")])
    answer = program.update("--select", "document_metadata")
    assert {name for name in answer["models"] if "-on-run-" not in name} == {"document_metadata"}
    assert warehouse.value("SELECT count(*) FROM dbt.data_record WHERE uuid = 'new'") == 0
    answer = program.update(exclude=["data_record+"])
    assert "contact" in answer["models"] and "data_record" not in answer["models"] and "pregnancy_visit" not in answer["models"]
    program.update()
    in_step(warehouse)


def test_a_form_that_the_inventory_names_becomes_a_model(program):
    """By one entry, as docs/dashboards.md shows it; kept in step like all. One that has a model already is refused."""
    visit = {"form": "immunization_visit", "fields": [
        {"name": "next_visit", "field": "appointment.next_date", "type": "date"}, {"name": "weight", "field": "assessment.weight_g", "type": "integer"},
        {"name": "bcg", "field": "vaccines.given", "selected": "bcg"}, {"name": "fever", "field": "assessment.fever", "type": "boolean"},
        {"name": "place", "field": "vaccines.place", "words": ["clinic", "outreach"]}]}
    refused = program.assemble(program.package("country-package"), forms=[{**visit, "form": "delivery"}])
    assert not refused["success"] and "dbt_forms, delivery: there is a model form_delivery already" in refused["output"]
    assert program.assemble(program.package("country-package"), forms=[visit])["success"]
    warehouse = program.warehouse
    child = warehouse.row("SELECT uuid, household_uuid FROM marts.dim_person WHERE household_uuid IS NOT NULL ORDER BY 1 LIMIT 1")

    def given(uuid, **members):
        return report(uuid, **{"form": "immunization_visit", "fields": {
            "patient_uuid": child["uuid"], "appointment": {"next_date": "2026-04-02"}, "assessment": {"weight_g": "5200", "fever": "no"},
            "vaccines": {"given": "bcg polio_0", "place": "outreach"}}, **members})

    warehouse.ingest([given("first"), given("wrong", errors=[{"code": "sys.missing_fields"}]), given("gone"), report("other")])
    assert refreshed(program.update()) == {"form_immunization_visit"}
    kept = "SELECT uuid, patient_uuid, household_uuid, next_visit::text, weight, bcg, fever, place FROM marts.form_immunization_visit ORDER BY 1"
    answers = (child["uuid"], child["household_uuid"], "2026-04-02", 5200, True, False, "outreach")
    assert warehouse.query(kept) == [("first", *answers), ("gone", *answers)]
    warehouse.ingest([given("first", fields={"vaccines": {"given": "polio_0"}})], deleted=["gone"])
    assert refreshed(program.update()) == set()
    assert warehouse.query(kept) == [("first", None, None, None, None, False, None, None)]


def test_a_package_that_cannot_be_used_changes_nothing(program):
    current = program.current()
    nothing = {"name": "nothing", "directory": str(program.directory / "state")}
    twin = program.package("country-package", name="twin")
    for packages, words in (
        ([nothing], "package nothing: there is no dbt_project.yml in what was fetched"),
        ([program.package("country-package"), twin], "package twin: its dbt_project.yml has the name country, which package country-package has too"),
    ):
        answer = program.assemble(*packages)
        assert not answer["success"] and words in answer["output"]
    program.edit_package("models/shown/pregnancies_per_area.sql", "'pregnancy_visit'", "'never_made'")
    answer = program.assemble_again()
    assert not answer["success"]
    assert "dbt cannot read the project with country" in answer["output"] and "never_made" in answer["output"]
    assert program.current() == current


def test_the_playbook_says_what_became_of_each_model(program, dbt):
    """Which runs the program as a process of its own; so does a failure's exit code."""
    program.edit_package(FORM, *BROKEN)
    assert program.assemble_again()["success"]
    command = program.command(dbt)
    code, said = program.playbook(command)
    assert code != 0
    assert re.search(r"pregnancy_visit +\| error +\|.* division by zero", said), said
    assert re.search(r"contact +\| up to date +\| 0 ", said), said
    assert "failed: pregnancy_visit" in said and "fatal" in said
    code, said = program.playbook(command, "-e", "dbt_full_refresh=true", "-e", "dbt_select=contact")
    assert code != 0 and "drops the foreign keys of others" in said
    program.edit_package(FORM, BROKEN[1], WITH_COLUMN[1])
    assert program.assemble_again()["success"]
    code, said = program.playbook(command, "-e", '{"dbt_select": "contact person"}')
    assert code == 0 and "2 of 2 models up to date" in said, said
