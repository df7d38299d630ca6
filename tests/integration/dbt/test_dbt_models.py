# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of documents: the first run, edits, deletions, odd ones, and rows that come in between."""

import hashlib
from collections import Counter
from datetime import datetime, timezone

import pytest

pytestmark = pytest.mark.once

KEYS = {"document_metadata": "uuid", "contact": "uuid", "person": "uuid", "place": "uuid", "patient": "uuid",
        "data_record": "uuid", "user": "user_id", "feedback": "uuid", "telemetry": "uuid", "telemetry_devices": "uuid"}
TABLES = [f'dbt."{model}"' for model in KEYS] + ["marts.fct_report"]
PLACES = ("district_hospital", "health_center", "clinic")


def report(uuid, **members):
    return {"_id": uuid, "type": "data_record", "form": "pregnancy", "reported_date": 1764000000000, "fields": {}, **members}


def where(warehouse, uuid):
    """The tables that hold a row of the document."""
    return {table for table, key in zip(TABLES, [*KEYS.values(), "uuid"])
            if warehouse.value(f"SELECT count(*) FROM {table} WHERE {key} = %s", uuid)}


def versions(warehouse):
    """Every row's physical version: equal before and after means that nothing was written."""
    return {table: warehouse.query(f"SELECT xmin::text, ctid::text FROM {table} ORDER BY ctid")
            for table in [*TABLES, "dbt.contact_type", "dbt.watermark"]}


def in_step(warehouse):
    """Raises unless every model holds what its documents say, with their stamps."""
    checks = {
        'dbt.document_metadata': "true",
        'dbt.contact': "doc ->> 'type' IN ('district_hospital', 'health_center', 'clinic', 'person')",
        'dbt.person': "doc ->> 'type' = 'person'",
        'dbt.data_record': "doc ->> 'type' = 'data_record'",
        'marts.fct_report': "doc ->> 'type' = 'data_record'",
        'dbt.feedback': "doc ->> 'type' = 'feedback'"}
    for table, condition in checks.items():
        differing = warehouse.query(
            f"(SELECT _id, saved_timestamp FROM v1.couchdb WHERE NOT _deleted AND {condition} EXCEPT SELECT uuid, saved_timestamp FROM {table}) "
            f"UNION ALL (SELECT uuid, saved_timestamp FROM {table} EXCEPT SELECT _id, saved_timestamp FROM v1.couchdb WHERE NOT _deleted AND {condition})")
        assert differing == [], table


def test_first_run(warehouse, instance):
    documents = [document for database in ("medic", "medic-sentinel", "medic-users-meta") for document in instance.final(database)
                 if not document["_id"].startswith("_design/")]
    kinds = Counter(document.get("type") for document in documents)
    forms = Counter(document["form"] for document in documents if document.get("type") == "data_record")
    persons = [document for document in documents if document.get("type") == "person"]
    counts = {model: warehouse.value(f'SELECT count(*) FROM dbt."{model}"') for model in KEYS}
    assert counts == {
        "document_metadata": len(documents), "contact": sum(kinds[kind] for kind in (*PLACES, "person")), "person": kinds["person"],
        "place": sum(kinds[kind] for kind in PLACES), "patient": sum("patient_id" in person for person in persons),
        "data_record": kinds["data_record"], "user": kinds["user-settings"], "feedback": kinds["feedback"],
        "telemetry": kinds["telemetry"], "telemetry_devices": kinds["telemetry"]}
    assert dict(warehouse.query("SELECT form, count(*) FROM marts.rpt_data_record GROUP BY 1")) == forms
    assert len(forms) == 11
    in_step(warehouse)
    assert warehouse.query("SELECT id, person, configured FROM dbt.contact_type ORDER BY id") == [
        ("clinic", False, True), ("district_hospital", False, True), ("health_center", False, True), ("person", True, True)]


def test_values_of_a_report(warehouse, instance):
    """Place, names and day as the documents say, the day being Nairobi's."""
    contacts = {document["_id"]: document for document in instance.final("medic") if document.get("type") in (*PLACES, "person")}
    document = next(document for document in instance.final("medic") if document.get("type") == "data_record")
    area, facility = document["contact"]["parent"]["_id"], document["contact"]["parent"]["parent"]["_id"]
    row = warehouse.row("SELECT * FROM marts.rpt_data_record WHERE uuid = %s", document["_id"])
    assert row["reported"] == datetime.fromtimestamp(document["reported_date"] / 1000, timezone.utc)
    assert (row["chw_uuid"], row["chw_name"]) == (document["contact"]["_id"], contacts[document["contact"]["_id"]]["name"])
    assert (row["area_uuid"], row["area_name"]) == (area, contacts[area]["name"])
    assert (row["facility_uuid"], row["facility_name"]) == (facility, contacts[facility]["name"])
    # Late in the evening of October, UTC; made by a member of a household, that is a patient, whose name stays out.
    late = datetime(2026, 10, 31, 22, 30, tzinfo=timezone.utc)
    person = next(contact for contact in contacts.values()
                  if contact["type"] == "person" and contacts[contact["parent"]["_id"]]["type"] == "clinic")
    warehouse.ingest([report("late", reported_date=int(late.timestamp() * 1000), contact={"_id": person["_id"], "parent": person["parent"]})])
    warehouse.dbt("run")
    row = warehouse.row("SELECT * FROM marts.rpt_data_record WHERE uuid = 'late'")
    assert (str(row["reported_day"]), str(row["reported_month"])) == ("2026-11-01", "2026-11-01")
    assert (row["chw_uuid"], row["chw_name"]) == (person["_id"], None)
    assert row["area_uuid"] == person["parent"]["parent"]["_id"]


def test_no_change_writes_nothing(warehouse):
    """Also after a deletion, and where the newest rows are such as no model keeps."""
    gone = warehouse.value("SELECT uuid FROM dbt.data_record ORDER BY saved_timestamp DESC LIMIT 1")
    warehouse.ingest([{"_id": "odd-kind", "type": "never heard of"}], deleted=[gone, "never seen"])
    warehouse.dbt("run")
    assert where(warehouse, gone) == set()
    before = versions(warehouse)
    warehouse.dbt("run")
    assert versions(warehouse) == before
    in_step(warehouse)


def test_edits(warehouse):
    row = warehouse.row("SELECT * FROM marts.rpt_data_record WHERE area_name IS NOT NULL ORDER BY uuid LIMIT 1")
    edited = {**warehouse.document(row["uuid"]), "form": "edited_form", "reported_date": "1764000000000"}
    area = {**warehouse.document(row["area_uuid"]), "name": "New area"}
    chw = {**warehouse.document(row["chw_uuid"]), "name": "New name"}
    facility = {**warehouse.document(row["facility_uuid"]), "name": "New facility"}
    fresh = report("fresh", contact={"_id": row["chw_uuid"], "parent": {"_id": row["area_uuid"], "parent": {"_id": row["facility_uuid"]}}})
    warehouse.ingest([edited, area, chw, facility, fresh])
    before = dict(warehouse.query("SELECT uuid, xmin::text FROM dbt.data_record"))
    warehouse.dbt("run")
    for uuid, form in ((row["uuid"], "edited_form"), ("fresh", "pregnancy")):
        made = warehouse.row("SELECT * FROM marts.rpt_data_record WHERE uuid = %s", uuid)
        assert (made["form"], made["area_name"], made["chw_name"], made["facility_name"]) == (form, "New area", "New name", "New facility")
        assert made["reported"] == datetime.fromtimestamp(1764000000, timezone.utc)
    # The other reports of the area learn the name too.
    assert warehouse.column("SELECT DISTINCT area_name FROM marts.rpt_data_record WHERE area_uuid = %s", row["area_uuid"]) == ["New area"]
    after = dict(warehouse.query("SELECT uuid, xmin::text FROM dbt.data_record"))
    assert {uuid for uuid in after if before.get(uuid) != after[uuid]} == {row["uuid"], "fresh"}
    in_step(warehouse)


def test_deletions_leave_every_layer(warehouse):
    row = warehouse.row("SELECT * FROM marts.rpt_data_record WHERE chw_name IS NOT NULL ORDER BY uuid LIMIT 1")
    medic = [row["uuid"], row["chw_uuid"], row["area_uuid"], *warehouse.column(
        "(SELECT uuid FROM dbt.patient ORDER BY uuid LIMIT 3) UNION ALL (SELECT user_id FROM dbt.user ORDER BY 1 LIMIT 1)")]
    meta = warehouse.column("(SELECT uuid FROM dbt.feedback LIMIT 1) UNION ALL (SELECT uuid FROM dbt.telemetry LIMIT 1)")
    assert set().union(*(where(warehouse, uuid) for uuid in medic + meta)) == set(TABLES)
    warehouse.ingest([], deleted=medic)
    warehouse.ingest([], "medic-users-meta", deleted=meta)
    warehouse.dbt("run")
    assert [where(warehouse, uuid) for uuid in medic + meta] == [set()] * len(medic + meta)
    # Other reports of that CHW and area stay, and know neither any more.
    assert warehouse.query(
        "SELECT DISTINCT chw_name, area_uuid, area_name FROM marts.rpt_data_record WHERE chw_uuid = %s", row["chw_uuid"]) == [(None, None, None)]
    in_step(warehouse)
    # What comes back is there again.
    warehouse.ingest([report(row["uuid"], form="again")])
    warehouse.dbt("run")
    assert warehouse.column("SELECT form FROM marts.rpt_data_record WHERE uuid = %s", row["uuid"]) == ["again"]


def test_a_document_that_becomes_another_kind(warehouse):
    person, other = warehouse.column("SELECT uuid FROM dbt.patient ORDER BY uuid LIMIT 2")
    gone = warehouse.value("SELECT uuid FROM dbt.data_record ORDER BY uuid LIMIT 1")
    without_code = {member: value for member, value in warehouse.document(person).items() if member != "patient_id"}
    warehouse.ingest([without_code, {"_id": other, "type": "contact", "contact_type": "shop", "name": "Shop"}, {"_id": gone, "type": "task"}])
    warehouse.dbt("run")
    assert where(warehouse, person) == {'dbt."document_metadata"', 'dbt."contact"', 'dbt."person"'}
    assert where(warehouse, other) == {'dbt."document_metadata"', 'dbt."contact"', 'dbt."place"'}
    assert where(warehouse, gone) == {'dbt."document_metadata"'}


# Longer than an index entry may be, also when compressed
LONG = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(100))
ODD_REPORTS = [
    report("odd-1", reported_date="yesterday", form=LONG, contact="a text"),
    report("odd-2", reported_date=None, contact=None, fields=None, **{"from": LONG}),
    report("odd-3", reported_date={"a": 1}, contact=[1, 2], fields=[], form={"a": [1]}, patient_id=LONG),
    report("odd-4", reported_date=1e300, contact={"_id": 12, "parent": "text"}, fields="text"),
    report("odd-5", reported_date=-1, contact={"_id": None, "parent": {"_id": LONG}}),
    report("odd-6", reported_date="99999999999999999999", geolocation="Nairobi", form=None),
    report("odd-7", reported_date="2026-02-30T25:61:61.000Z"),
    report("odd-8", reported_date="2026-02-03T04:05:06.789+03:00"),
    report("odd-9", reported_date="1764000000000"), report("odd-10", reported_date=1764000000000.5),
    {"_id": "odd-11", "type": "data_record"}, {"_id": "odd-12"}, {"_id": "odd-13", "type": LONG}, {"_id": "odd-14", "type": ["data_record"]}]
ODD_CONTACTS = [
    {"_id": "odd-person", "type": "person", "name": {"first": "x"}, "parent": LONG, "phone": 254700, "muted": False},
    {"_id": "odd-place", "type": "clinic", "name": LONG, "parent": "", "contact": "uuid", "place_id": LONG},
    {"_id": "odd-names", "type": "health_center", "name": ["x"], "place_id": 777, "contact": {"name": "Njeri", "phone": "+254700111222"}, "parent": {}},
    {"_id": "odd-empty", "type": "health_center", "contact": "", "parent": {"_id": ""}},
    {"_id": "odd-flat", "type": "health_center", "contact": {"_id": 5}, "parent": "odd-names"},
    {"_id": "odd-contact", "type": "contact"}, {"_id": "odd-kind", "type": "contact", "contact_type": [LONG]},
    {"_id": "org.couchdb.user:array", "type": "user-settings", "facility_id": ["a", "b"], "roles": None, "contact_id": {}},
    {"_id": "org.couchdb.user:text", "type": "user-settings", "facility_id": "a", "roles": "chw"}]
ODD_DEVICES = [
    {"_id": "telemetry-2026-3-4-user-device", "type": "telemetry", "metadata": {"month": 3, "day": 4}, "metrics": None},
    {"_id": "telemetry-odd", "type": "telemetry", "metadata": {"year": "soon", "month": 99, "day": "x"}, "device": "phone"},
    {"_id": "telemetry-bare", "type": "telemetry"}, {"_id": "telemetry-list", "type": "telemetry", "metadata": [1], "dbInfo": 3},
    {"_id": "telemetry-over", "type": "telemetry", "metadata": {"year": 2026, "month": 2, "day": 31, "user": LONG, "versions": {"app": LONG}}},
    {"_id": "feedback-odd", "type": "feedback", "meta": {"time": LONG, "user": LONG}, "info": "text"}, {"_id": "feedback-bare", "type": "feedback"}]


def test_odd_documents(warehouse):
    documents = {document["_id"] for document in [*ODD_REPORTS, *ODD_CONTACTS, *ODD_DEVICES]}
    broken_settings = {**warehouse.document("settings"), "settings": {"contact_types": {"not": "a list"}}}
    warehouse.ingest([*ODD_REPORTS, *ODD_CONTACTS, broken_settings])
    warehouse.ingest(ODD_DEVICES, "medic-users-meta")
    warehouse.dbt("run")
    assert documents <= set(warehouse.column("SELECT uuid FROM dbt.document_metadata"))
    reported = dict(warehouse.query("SELECT uuid, reported FROM dbt.data_record WHERE uuid LIKE 'odd-%%'"))
    assert len(reported) == 11
    assert {uuid for uuid, moment in reported.items() if moment} == {"odd-8", "odd-9", "odd-10"}
    assert reported["odd-8"] == datetime(2026, 2, 3, 1, 5, 6, 789000, timezone.utc)
    assert reported["odd-9"] == datetime.fromtimestamp(1764000000, timezone.utc)
    periods = dict(warehouse.query("SELECT uuid, (period_start AT TIME ZONE 'Africa/Nairobi')::date::text FROM dbt.telemetry"))
    assert (periods["telemetry-2026-3-4-user-device"], periods["telemetry-odd"], periods["telemetry-over"]) == ("2026-03-04", None, None)
    assert None not in [period for uuid, period in periods.items() if not uuid.startswith(("telemetry-odd", "telemetry-bare", "telemetry-list", "telemetry-over"))]
    assert dict(warehouse.query("SELECT user_id, roles FROM dbt.user WHERE user_id IN ('org.couchdb.user:array', 'org.couchdb.user:text')")) \
        == {"org.couchdb.user:array": None, "org.couchdb.user:text": "chw"}
    # An id is a text of its own or in `_id`, never what else there is.
    assert set(warehouse.query("SELECT uuid, name, parent_uuid, place_id, contact_id FROM dbt.contact JOIN dbt.place USING (uuid) "
                               "WHERE uuid IN ('odd-place', 'odd-names', 'odd-empty', 'odd-flat')")) == {
        ("odd-place", LONG, None, LONG[:600], "uuid"), ("odd-names", None, None, "777", None), ("odd-empty", None, None, None, None),
        ("odd-flat", None, "odd-names", None, None)}
    assert warehouse.query("SELECT name, parent_uuid FROM dbt.contact WHERE uuid = 'odd-person'") == [(None, LONG[:600])]
    named = warehouse.query("SELECT uuid, contact_uuid, parent_uuid FROM dbt.data_record WHERE uuid IN ('odd-1', 'odd-3', 'odd-4', 'odd-5') ORDER BY 1")
    assert named == [("odd-1", "a text", None), ("odd-3", None, None), ("odd-4", None, "text"), ("odd-5", None, LONG[:600])]
    assert warehouse.column("SELECT contact_uuid FROM dbt.user WHERE user_id = 'org.couchdb.user:array'") == [None]
    assert where(warehouse, "odd-contact") == where(warehouse, "odd-kind") == {'dbt."document_metadata"', 'dbt."contact"', 'dbt."place"'}


@pytest.mark.parametrize("first", ["document_metadata", "document_metadata contact", "document_metadata data_record fct_report"])
def test_rows_that_come_between_models_are_not_missed(warehouse, first):
    """As if the changes came in while a run was between two models: selected models go first, then all."""
    row = warehouse.row("SELECT * FROM marts.rpt_data_record WHERE chw_name IS NOT NULL ORDER BY uuid LIMIT 1")
    one, two, three = warehouse.column("SELECT uuid FROM dbt.person WHERE uuid <> %s ORDER BY uuid LIMIT 3", row["chw_uuid"])
    warehouse.ingest([warehouse.document(one), warehouse.document(row["uuid"]), report("early"), {**warehouse.document(row["area_uuid"]), "name": "New area"}])
    warehouse.dbt("run", "--select", *first.split())
    # What was edited stays visible meanwhile.
    assert 'dbt."person"' in where(warehouse, one) and "marts.fct_report" in where(warehouse, row["uuid"])
    warehouse.ingest([{**warehouse.document(two), "name": "Second"}, report("late")], deleted=[three, "early"])
    warehouse.ingest([{**warehouse.document(one), "name": "First"}, report("last")])
    warehouse.dbt("run")
    in_step(warehouse)
    assert warehouse.column("SELECT name FROM dbt.contact WHERE uuid IN (%s, %s) ORDER BY name", one, two) == ["First", "Second"]
    assert where(warehouse, three) == where(warehouse, "early") == set()
    assert warehouse.column("SELECT DISTINCT area_name FROM marts.rpt_data_record WHERE area_uuid = %s", row["area_uuid"]) == ["New area"]


def test_kinds_that_the_settings_tell_late(warehouse):
    """Contacts came first; then the settings say that theirs is a person, and then that it is none."""
    settings = warehouse.document("settings")
    warehouse.ingest([{"_id": "late", "type": "contact", "contact_type": "patient", "patient_id": "77"}])
    warehouse.dbt("run")
    assert where(warehouse, "late") == {'dbt."document_metadata"', 'dbt."contact"', 'dbt."place"'}
    types = [*settings["settings"]["contact_types"], {"id": "patient", "person": True}]
    warehouse.ingest([{**settings, "settings": {**settings["settings"], "contact_types": types}}])
    warehouse.dbt("run")
    assert where(warehouse, "late") == {'dbt."document_metadata"', 'dbt."contact"', 'dbt."person"', 'dbt."patient"'}
    assert warehouse.value("SELECT count(*) FROM marts.dim_person WHERE uuid = 'late'") == 1
    warehouse.ingest([settings])
    warehouse.dbt("run")
    assert where(warehouse, "late") == {'dbt."document_metadata"', 'dbt."contact"', 'dbt."place"'}
    assert warehouse.column("SELECT id FROM dbt.contact_type WHERE id = 'patient'") == []


def test_a_report_about_a_household_that_becomes_something_else(warehouse):
    """By its shortcode, and by its id."""
    household, code = warehouse.query("SELECT uuid, place_id FROM dbt.place JOIN dbt.contact USING (uuid) WHERE contact_type = 'clinic' LIMIT 1")[0]
    warehouse.ingest([report("by-code", fields={"place_id": code}), report("by-id", fields={"place_id": household})])
    warehouse.dbt("run")
    asked = "SELECT household_uuid FROM marts.fct_report WHERE uuid IN ('by-code', 'by-id')"
    assert warehouse.column(asked) == [household] * 2
    warehouse.ingest([{**warehouse.document(household), "type": "contact", "contact_type": "shop"}])
    warehouse.dbt("run")
    assert warehouse.column(asked) == [None] * 2


def test_rows_that_what_an_edit_took_away_had_made(warehouse):
    """Keys come from what rows held before too: a shortcode, and an account's and a place's person."""
    patient, code = warehouse.query("SELECT uuid, patient_id FROM dbt.patient JOIN marts.dim_person USING (uuid) WHERE household_uuid IS NOT NULL LIMIT 1")[0]
    area = warehouse.value("SELECT min(uuid) FROM marts.dim_area")
    person = {"type": "person", "name": "Worker", "parent": {"_id": area}}
    account = {"_id": "org.couchdb.user:extra", "type": "user-settings", "contact_id": "worker"}
    warehouse.ingest([report("by-code", fields={"patient_id": code}), {"_id": "worker", **person}, account])
    warehouse.dbt("run")
    workers = "SELECT uuid FROM marts.dim_chw WHERE uuid = 'worker'"
    assert warehouse.column("SELECT patient_uuid FROM marts.fct_report WHERE uuid = 'by-code'") == [patient]
    assert warehouse.column(workers) == ["worker"]
    warehouse.ingest([{**warehouse.document(patient), "patient_id": "other"}, {**account, "contact_id": "nobody"}])
    warehouse.dbt("run")
    assert warehouse.column("SELECT patient_uuid FROM marts.fct_report WHERE uuid = 'by-code'") == [None]
    assert warehouse.column(workers) == []
