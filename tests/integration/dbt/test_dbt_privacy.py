# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names people: of patients nothing is in the marts, and where it is of health workers, the models' YAML says so."""

import json
import re

import markers
import pytest
from cht_demo import DATABASES
from field import catalogue
from installed import ROOT

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
    """Those and no other text is marked, but what describes a person."""
    _patients, workers = people
    users = {document["name"] for document in instance.final("medic") if document.get("type") == "user-settings"}
    naming = set(holding(texts, {person["name"] for person in workers} | users))
    assert ("rpt_area", "chw_name") in naming and ("fct_task", "user_id") in naming
    marked = personal_columns(marts)
    assert naming - marked == set()
    described = {("dim_person", "sex"), ("dim_person", "date_of_birth"), ("dim_person", "died"), ("fct_death", "sex"), ("fct_death", "died"),
                 ("rpt_death", "sex"), ("rpt_death", "died"), ("fct_baby", "sex"), ("fct_baby", "born"), ("rpt_birth", "sex"), ("rpt_birth", "born"),
                 ("fct_maternal_death", "died"), ("form_death_report", "date_of_death")}
    assert described <= marked
    assert {column for column in marked - described if column in texts} - naming == set()


def test_phones_of_workers_stay_out_too(texts, people):
    _patients, workers = people
    assert holding(texts, {person["phone"] for person in workers if person["phone"]}) == {}


# ---- no text of a document is in the marts but what docs/columns.md says

READERS = ("superset_reader", "superset_sqllab", "marts_reader")
# In which kinds of column a text of any form may stand, and in which one with the form of a code.
TEXT, CODES = {"name"}, {"name", "code", "account", "device"}


@pytest.fixture(scope="module")
def listed():
    """docs/columns.md: the text columns of each relation, and of each column, or relation.column, what it holds."""
    tables = [[[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:] if line.startswith("|")]
              for table in re.findall(r"(?:^\|.*\n)+", (ROOT / "docs/columns.md").read_text(encoding="utf-8"), re.MULTILINE)]
    columns, relations = ({row[0]: row[1] for row in table} for table in tables)
    return {relation: set(names.split(", ")) for relation, names in relations.items()}, columns


@pytest.fixture(scope="module")
def marked(marts, instance):
    """Of every kind of document, copies with a marker in each of its values; and settings full of them, and a health worker."""
    planter = markers.Planter()
    documents = [(database, document) for database in DATABASES for document in instance.final(database)]
    documents += [(database, document) for case in catalogue() for _instance, database, document in case.documents()]
    copies = {database: [] for database in DATABASES}
    for database, document in documents:
        if document["_id"] != "settings" and not document["_id"].startswith("_design/"):
            copies[database] += planter.copies(document, database)
    settings = json.loads(json.dumps(marts.document("settings")))
    for path in list(markers.leaves(settings)):
        if path[:2] != ("settings", "contact_types") and path not in markers.KEPT:
            markers.at(settings, path[:-1])[path[-1]] = planter.marker(f"settings {path}")
    kind = planter.marker("settings, kind of contact")
    settings["settings"]["contact_types"].append({"id": kind, "person": False})
    place = {"_id": "8f7c3a52-9d41-4bfb-9a0e-5f0c7d2a1e10", "type": "contact", "contact_type": kind, "name": planter.marker("name of a place of that kind")}
    worker = marts.document(marts.value("SELECT min(uuid) FROM marts.dim_chw"))
    copies["medic"] += [settings, place, {**worker, "name": planter.marker("name of a health worker")}]
    for database, changed in copies.items():
        marts.ingest(changed, database)
    # One that is kept aside.
    marts.ingest([{**place, "_id": copies["medic"][0]["_id"]}], "medic-sentinel", kept=("id_collision",))
    marts.dbt("run")
    assert len(planter.where) > 10000 and len(planter.kinds) > 25
    return marts


def text_columns(warehouse, schema):
    """The columns of a schema's relations that are no number, date or truth value."""
    found = {}
    for relation, column in warehouse.query(
            "SELECT attrelid::regclass::text, attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_type t ON t.oid = atttypid "
            "WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f') AND attnum > 0 AND NOT attisdropped "
            "AND typcategory NOT IN ('N', 'D', 'B')", schema):
        found.setdefault(relation.removeprefix(f"{schema}."), set()).add(column)
    return found


def showing(warehouse, relation, pattern):
    """The columns of a relation in which the pattern is found, with a value of each."""
    return dict(warehouse.query(
        f"SELECT m.name, min(m.value) FROM {relation} t CROSS JOIN jsonb_each_text(to_jsonb(t)) m (name, value) WHERE m.value ~ %s GROUP BY 1", pattern))


def readable(warehouse, role):
    """What a role can read, beside PostgreSQL's own."""
    return set(warehouse.column(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE n.nspname !~ '^(pg_|information_schema$)' "
        "AND relkind IN ('r', 'v', 'm', 'p', 'f') AND has_schema_privilege(%s, n.oid, 'USAGE') "
        "AND (has_table_privilege(%s, c.oid, 'SELECT') OR has_any_column_privilege(%s, c.oid, 'SELECT'))", role, role, role))


def test_every_text_column_is_listed(marts, listed):
    relations, columns = listed
    assert relations == text_columns(marts, "marts")
    told = {f"{relation}.{column}" if f"{relation}.{column}" in columns else column for relation, names in relations.items() for column in names}
    assert told == set(columns)


def test_marts_show_no_text_of_a_document(marked, listed):
    relations, columns = listed
    shown = {"text": {}, "code": {}}
    for relation in relations:
        for form, pattern in (("text", markers.FREE_FOUND), ("code", markers.CODE_FOUND)):
            shown[form].update({(relation, column): value for column, value in showing(marked, f'marts."{relation}"', pattern).items()})

    def kind(relation, column):
        return columns.get(f"{relation}.{column}") or columns[column]

    assert {place: value for place, value in shown["text"].items() if kind(*place) not in TEXT} == {}
    assert {place: value for place, value in shown["code"].items() if kind(*place) not in CODES} == {}
    # The markers are there.
    assert {("dim_area", "name"), ("dim_chw", "name"), ("rpt_area", "area_name")} <= set(shown["text"])
    assert {("fct_report", "form"), ("fct_task", "title"), ("sys_device", "user_name")} <= set(shown["code"])


def test_other_readers_see_none_either(marked):
    """Of documents, role monitor sees ids only."""
    for role in READERS:
        assert {relation.split(".")[0] for relation in readable(marked, role)} == {"marts"}, role
    monitor = readable(marked, "monitor")
    assert {"v1.quarantined_document", "v1.sync_status", "marts.sys_dbt_run"} <= monitor
    assert marked.value("SELECT count(*) FROM v1.quarantined_document") == 1
    assert {relation: found for relation in sorted(monitor) if (found := showing(marked, relation, markers.FREE_FOUND))} == {}


def test_nothing_of_the_base_models_is_for_dashboards(marked):
    for role in (*READERS, "monitor"):
        for schema in ("dbt", "dbt_next", "dbt_old"):
            assert marked.value("SELECT has_schema_privilege(%s, %s, 'USAGE')", role, schema) is False, (role, schema)
