# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names people: of patients nothing is in the marts, and where it is of health workers, the models' YAML says so."""

import json

import pytest

pytestmark = pytest.mark.once

WORKPLACES = ("health_center", "district_hospital")


@pytest.fixture(scope="module")
def marts(copy, modelled):
    warehouse = copy(modelled)
    yield warehouse
    warehouse.connection.close()


@pytest.fixture(scope="module")
def texts(marts):
    """What each text column of the marts holds: {(table, column): values}."""
    columns = marts.query("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'marts' AND data_type = 'text'")
    return {(table, column): set(marts.column(f'SELECT DISTINCT "{column}" FROM marts."{table}" WHERE "{column}" IS NOT NULL'))
            for table, column in columns}


@pytest.fixture(scope="module")
def people(instance):
    """Patients and workers, as documents."""
    documents = {document["_id"]: document for document in instance.final("medic")}
    persons = [document for document in documents.values() if document.get("type") == "person"]

    def works(person):
        return documents[person["parent"]["_id"]]["type"] in WORKPLACES

    return [person for person in persons if not works(person)], [person for person in persons if works(person)]


def holding(texts, wanted):
    """The columns in which any of these texts is found, also as a part of a value."""
    return {column: found for column, values in texts.items()
            if (found := {text for text in wanted if any(text in value for value in values)})}


def personal_columns(marts):
    manifest = json.loads((marts.target / "manifest.json").read_text(encoding="utf-8"))
    return {(node["name"], name) for node in manifest["nodes"].values() if node["resource_type"] == "model" and node["schema"] == "marts"
            for name, column in node["columns"].items() if column["config"]["meta"].get("personal")}


def test_no_patient_is_named(texts, people):
    patients, workers = people
    names = {person["name"] for person in patients} - {person["name"] for person in workers}
    phones = {phone for person in patients for phone in (person["phone"], person["phone_alternate"]) if phone} - {person["phone"] for person in workers}
    assert len(names) > 200 and len(phones) > 50
    assert holding(texts, names | phones | {phone.lstrip("+") for phone in phones}) == {}


def test_columns_that_name_workers_are_marked(marts, texts, people, instance):
    """Those and no other text is marked, but what describes a person, and what an app's error may hold."""
    _patients, workers = people
    users = {document["name"] for document in instance.final("medic") if document.get("type") == "user-settings"}
    naming = set(holding(texts, {person["name"] for person in workers} | users))
    assert ("rpt_area", "chw_name") in naming and ("fct_task", "user_id") in naming
    marked = personal_columns(marts)
    assert naming - marked == set()
    described = {("dim_person", "sex"), ("dim_person", "date_of_birth"), ("dim_person", "died"), ("fct_death", "sex"), ("fct_death", "died"),
                 ("rpt_death", "sex"), ("rpt_death", "died"), ("fct_baby", "sex"), ("fct_baby", "born"), ("rpt_birth", "sex"), ("rpt_birth", "born"),
                 ("fct_maternal_death", "died"), ("form_death_report", "date_of_death"),
                 ("sys_feedback", "key"), ("sys_feedback", "message")}
    assert described <= marked
    assert {column for column in marked - described if column in texts} - naming == set()


def test_phones_of_workers_stay_out_too(texts, people):
    _patients, workers = people
    assert holding(texts, {person["phone"] for person in workers if person["phone"]}) == {}
