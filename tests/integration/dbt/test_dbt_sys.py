# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the system: what dashboards, exporters and status.yml read of it."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from unit.playing import refusals

from ansible_collections.cht.sync.plugins.module_utils._models import warnings

pytestmark = pytest.mark.once

PER_DAY = "SELECT day, instance, dbname, doc_type, documents FROM marts.sys_documents_per_day ORDER BY 1, 2, 3, 4"
COUNTED = """SELECT (saved_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'Africa/Nairobi')::date, split_part(source, '/', 1),
                    split_part(source, '/', 2), coalesce(doc ->> 'type', ''), count(*)
             FROM v1.couchdb WHERE NOT _deleted GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""


def last_run(warehouse, model):
    return warehouse.row("SELECT * FROM marts.sys_dbt_last_run WHERE model = %s", model)


def test_documents_per_day(warehouse):
    """Counted once, then kept by what changed: edits, deletions, new days and kinds; and anew where the triggers are gone."""
    assert warehouse.query(PER_DAY) == warehouse.query(COUNTED)
    warehouse.query("UPDATE v1.stamp SET last = last + interval '26 hours'")
    edited = [warehouse.document(uuid) for uuid in warehouse.column("SELECT uuid FROM dbt.data_record ORDER BY uuid LIMIT 5")]
    gone = warehouse.column("SELECT uuid FROM dbt.feedback")
    warehouse.ingest([*edited, {"_id": "odd"}, {"_id": "new", "type": "new-kind"}])
    warehouse.ingest([], "medic-users-meta", deleted=gone)
    edited[0]["form"] = "edited"
    warehouse.ingest(edited[:1])
    warehouse.dbt("run")
    counted = warehouse.query(COUNTED)
    assert len({row[0] for row in counted}) == 2 and not [row for row in counted if row[3] == "feedback"]
    assert warehouse.query(PER_DAY) == counted
    assert warehouse.value("SELECT count(*) FROM dbt.document_tally") == 0
    before = warehouse.query("SELECT xmin::text, ctid::text FROM marts.sys_documents_per_day ORDER BY ctid")
    warehouse.dbt("run", "--select", "document_metadata", "sys_documents_per_day")
    assert warehouse.query("SELECT xmin::text, ctid::text FROM marts.sys_documents_per_day ORDER BY ctid") == before
    warehouse.query("DROP TRIGGER document_tally_update ON dbt.document_metadata")
    warehouse.ingest([{"_id": "new", "type": "newer-kind"}], deleted=["odd"])
    warehouse.dbt("run", "--select", "document_metadata", "sys_documents_per_day")
    assert warehouse.query(PER_DAY) == warehouse.query(COUNTED)


def test_sync(warehouse, instance):
    rows = {row[0]: row[1:] for row in warehouse.query("SELECT dbname, documents, engine, pending, age_seconds < 3600 FROM marts.sys_sync")}
    counts = dict(warehouse.query("SELECT split_part(source, '/', 2), count(*) FROM v1.couchdb WHERE NOT _deleted GROUP BY 1"))
    assert rows == {name: (count, "relay", None, True) for name, count in counts.items()}
    assert len(rows) == 3


@pytest.mark.parametrize("view, moment, shown", [("sys_sync", "updated_at", "last_sync"), ("sys_dbt_run", "started", "began"),
                                                 ("sys_dbt_last_run", "started", "began")])
def test_times_to_be_shown_are_those_of_the_operators_zone(warehouse, view, moment, shown):
    rows = warehouse.query(f"SELECT {moment} AT TIME ZONE 'Africa/Nairobi', {shown} FROM marts.{view}")
    assert rows and [row[0] for row in rows] == [row[1] for row in rows]
    assert set(warehouse.column("SELECT time_zone FROM marts.sys_sync")) == {"Africa/Nairobi"}


def test_last_run_and_lag(warehouse):
    """Nothing waits after a run; a change waits for all models, and for a failed one after the next run, too."""
    models = warehouse.query("SELECT model, status, lag_seconds FROM marts.sys_dbt_last_run WHERE materialized <> 'view'")
    assert len(models) >= 14 and {row[1:] for row in models} == {("success", 0)}
    assert warehouse.value("SELECT count(*) FROM marts.sys_dbt_last_run WHERE materialized = 'view' AND lag_seconds IS NOT NULL") == 0
    warehouse.query("ALTER TABLE dbt.data_record ADD CONSTRAINT broken CHECK (form <> 'poison') NOT VALID")
    warehouse.ingest([{"_id": "r", "type": "data_record", "form": "poison", "fields": {}}])
    assert warehouse.value("SELECT count(*) FROM marts.sys_dbt_last_run WHERE materialized <> 'view' AND NOT lag_seconds > 0") == 0
    warehouse.dbt("run", check=False)
    failed, good = last_run(warehouse, "data_record"), last_run(warehouse, "contact")
    assert (failed["status"], good["status"], good["lag_seconds"]) == ("error", "success", 0)
    assert failed["lag_seconds"] > 0 and failed["succeeded"] < failed["started"]
    stored = warehouse.value("SELECT saved_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'Africa/Nairobi' FROM v1.couchdb WHERE _id = 'r'")
    assert (failed["lacks_since"], good["lacks_since"]) == (stored, None)
    assert last_run(warehouse, "rpt_data_record")["status"] == "skipped"
    # A run without document_metadata proves nothing of what was stored since.
    warehouse.query("ALTER TABLE dbt.data_record DROP CONSTRAINT broken")
    warehouse.ingest([{"_id": "s", "type": "data_record", "fields": {}}])
    warehouse.dbt("run", "--select", "data_record")
    assert last_run(warehouse, "data_record")["status"] == "success" and last_run(warehouse, "data_record")["lag_seconds"] > 0
    # A model that left the project is not listed any more, a new one is, though no view is made anew.
    warehouse.query("DELETE FROM dbt.project_model WHERE model = 'contact'; INSERT INTO dbt.project_model VALUES ('model.x.gone', 'dbt', 'gone', 'table')")
    warehouse.query("UPDATE dbt.project_model SET materialized = 'table' WHERE model = 'place'")
    warehouse.dbt("run", "--exclude", "config.materialized:view")
    listed = dict(warehouse.query("SELECT model, materialized FROM marts.sys_dbt_last_run"))
    assert "gone" not in listed and (listed["contact"], listed["place"], listed["sys_sync"]) == ("incremental", "incremental", "view")
    # As dbt's root left some for the next run.
    assert last_run(warehouse, "data_record")["lag_seconds"] == 0
    warehouse.query("UPDATE dbt.watermark SET saved_timestamp = saved_timestamp - interval '1 microsecond' WHERE model = 'document_metadata'")
    assert last_run(warehouse, "data_record")["lag_seconds"] > 0
    runs = warehouse.query("SELECT models > 0, tests, failed > 0, skipped > 0, seconds > 0 FROM marts.sys_dbt_run ORDER BY started")
    assert [run[2] for run in runs] == [False, True, False, False] and {run[:2] + run[4:] for run in runs} == {(True, 0, True)}
    assert [run[3] for run in runs] == [False, True, False, False]


@pytest.mark.parametrize("deleted", [False, True], ids=["document", "tombstone"])
def test_nothing_waits_whatever_the_newest_row_is(warehouse, deleted):
    warehouse.ingest([] if deleted else [{"_id": "newest", "type": "no model's"}], deleted=["newest"] if deleted else [])
    warehouse.dbt("run", "--select", "document_metadata")
    assert last_run(warehouse, "document_metadata")["lag_seconds"] == 0


def test_preflight_asks_what_kinds_of_contact_there_are(warehouse, empty, tmp_path):
    given = {"cht_sync_postgresql_host": "127.0.0.1", "dbt_db_port": warehouse.server.port, "cht_sync_database": warehouse.name,
             "cht_sync_timezone": "UTC", "cht_sync_dbt_password": "x"}
    hosts = {"good": {**given, "dbt_vars": {"area_types": ["clinic"], "household_types": []}},
             "typo": {**given, "dbt_vars": {"area_types": ["clinic", "health_centre"]}},
             "first": {**given, "dbt_db_name": empty, "dbt_vars": {"area_types": ["ward"]}}}
    told, output = refusals(tmp_path, hosts, [{"include_role": {"name": "cht.sync.dbt", "tasks_from": "preflight"}}], facts=True)
    assert set(told) == {"typo"}, told
    assert "dbt_vars: area_types names health_centre, but CHT has no such kind of contact" in told["typo"]
    assert told["typo"].endswith("There are: clinic, district_hospital, health_center, person")
    assert re.findall(r"ok: \[(\w+)\] =>[^\[]*Nothing is known yet", output) == ["first"]


def test_status_says_which_kinds_of_contact_there_are_not(warehouse):
    monitor = warehouse.server.connect(warehouse.name, "monitor")
    assert warnings(monitor) == []
    warehouse.query("SET session_replication_role = replica; DELETE FROM dbt.contact_type WHERE id = 'health_center'; "
                    "UPDATE dbt.contact SET contact_type = 'ward' WHERE contact_type = 'health_center'")
    (said,) = warnings(monitor)
    assert said.startswith("area_types names health_center, but CHT has no such kind of contact")
    assert said.endswith("kinds that there are: clinic, district_hospital, person")
    monitor.close()


# ---- devices, feedback, silence


def of_type(instance, kind):
    return [document for database in ("medic", "medic-users-meta") for document in instance.final(database) if document.get("type") == kind]


def telemetry(user, device, day, free=10**9, documents=100, **metadata):
    moment = {"year": int(day[:4]), "month": int(day[5:7]), "day": int(day[8:])}
    return {"_id": f"telemetry-{moment['year']}-{moment['month']}-{moment['day']}-{user}-{device}", "type": "telemetry",
            "metadata": {**moment, "user": user, "deviceId": device, "versions": {"app": "5.0"}, **metadata},
            "device": {"deviceInfo": {"storage": {"free": free}, "software": {"androidVersion": "14"}}}, "dbInfo": {"doc_count": documents}}


def feedback(number, day, message, source="automatic", user="u"):
    return {"_id": f"feedback-{number}", "type": "feedback", "meta": {"time": day, "source": source, "user": {"name": user}}, "info": {"message": message}}


def device(warehouse, user):
    return warehouse.row("SELECT * FROM marts.sys_device WHERE user_name = %s", user)


def test_devices_are_as_their_newest_telemetry_says(warehouse, instance):
    newest = {}
    for document in of_type(instance, "telemetry"):
        year, month, day = document["_id"].split("-")[1:4]
        newest.setdefault(document["metadata"]["user"], {})[(int(year), int(month), int(day))] = document
    newest = {user: max(days.items())[1] for user, days in newest.items()}
    # Supervisors have several facilities, their own first.
    places = {user["name"]: user.get("facility_id") for user in of_type(instance, "user-settings")}
    places = {name: place[0] if isinstance(place, list) else place for name, place in places.items()}
    rows = warehouse.query("SELECT user_name, device_id, app_version, android_version, storage_free, documents, at_risk, coalesce(area_uuid, facility_uuid) FROM marts.sys_device")
    assert {row[0]: row[1:] for row in rows} == {
        user: (found["metadata"]["deviceId"], found["metadata"]["versions"]["app"], found["device"]["deviceInfo"]["software"]["androidVersion"],
               found["device"]["deviceInfo"]["storage"]["free"], found["dbInfo"]["doc_count"],
               found["device"]["deviceInfo"]["storage"]["free"] <= 262144000 or found["dbInfo"]["doc_count"] > 10000, places[user])
        for user, found in newest.items()}
    assert len(rows) == len(newest) > 3 and {row[6] for row in rows} == {True, False}


# An error is shown up to what it may quote of a document.
ERRORS = {
    'Uncaught (in promise): Error saving {"name":"Amina Odhiambo","phone":"+254711222333","notes":"HIV positive"}': "Uncaught (in promise): Error saving",
    "Cannot read properties of undefined (reading 'contact')": "Cannot read properties of undefined",
    "QuotaExceededError: the storage quota has been exceeded": "QuotaExceededError: the storage quota has been exceeded",
    "Error fetching form: Amina Odhiambo": "Error fetching form",
    "Error saving «Amina»": "Error saving", "Error saving ‘Amina’": "Error saving", "Error saving `Amina`": "Error saving", "Error: [Amina]": "Error",
    "Http failure response for https://cht.example.org/medic/amina?startkey=Odhiambo: 504": "Http failure response for",
    "Conflict+254711222333": "Conflict", "Errors Errorsamina": "Errors", "Error: आमिना": "Error",
    "Amina Odhiambo is HIV positive": "other", "\nAmina": "other", "": "other"}


def test_feedback_by_day_and_error(warehouse):
    warehouse.ingest([
        feedback(1, "2031-03-01T20:59:59.000Z", "Failed 17 times for 0f1e2d3c-0000-4000-8000-1234567890ab\nat x"),
        feedback(2, "2031-03-01T21:00:00.000Z", "Failed 2 times for 0f1e2d3c-1111-4000-8000-1234567890ab", user="v"),
        feedback(3, "2031-03-02T10:00:00.000Z", "Failed 3 times for 0f1e2d3c-2222-4000-8000-1234567890ab"),
        feedback(4, "2031-03-02T10:00:00.000Z", "Amina, +254700095630, cannot sync", source="manual"),
        *(feedback(7 + number, f"2031-04-{number + 1:02}T10:00:00.000Z", message) for number, message in enumerate(ERRORS)),
        feedback(5, "yesterday", "Failed"), feedback(6, "2031-02-30T10:00:00.000Z", "Failed")], "medic-users-meta")
    warehouse.dbt("run")
    rows = "SELECT day::text, source, message, feedbacks, users FROM marts.sys_feedback WHERE day > '2031-%02d-01' AND day < '2031-%02d-01' ORDER BY 1, 2"
    assert warehouse.query(rows % (1, 4)) == [
        ("2031-03-01", "automatic", "Failed", 1, 1),
        ("2031-03-02", "automatic", "Failed", 2, 2),
        ("2031-03-02", "manual", "", 1, 1)]
    assert [row[2] for row in warehouse.query(rows.replace("day >", "day >=") % (4, 5))] == list(ERRORS.values())


def test_silent_chws(warehouse, instance):
    """By a report that was made, a report that was received, and a device that was used; a clock that is ahead tells nothing."""
    chws = warehouse.query("SELECT chw_uuid, area_uuid FROM marts.sys_silent_chw ORDER BY chw_uuid LIMIT 3")
    (chw, area), (other, _other_area), (third, _third_area) = chws
    users = {user.get("contact_id"): user["name"] for user in of_type(instance, "user-settings")}
    now = datetime.now(timezone.utc)
    # Nobody was heard of for long, whatever day it is today.
    warehouse.query("UPDATE marts.fct_report SET reported = reported - interval '20 years', received = received - interval '20 years'")
    warehouse.query("UPDATE marts.sys_device_state SET last_used = last_used - interval '20 years'")
    assert warehouse.column("SELECT DISTINCT silent FROM marts.sys_silent_chw") == [True]

    def milliseconds(days):
        return int((now - timedelta(days=days)).timestamp() * 1000)

    def report(uuid, days, by):
        return {"_id": uuid, "type": "data_record", "form": "x", "fields": {}, "reported_date": milliseconds(days),
                "contact": {"_id": by, "parent": {"_id": area}}}

    warehouse.ingest([report("ahead", -400, chw), report("old", 70.5, chw), report("older", 90, chw), report("late", 50.5, third)])
    warehouse.ingest([{"_id": "late-info", "type": "info", "doc_id": "late", "initial_replication_date": milliseconds(12.5)}], "medic-sentinel")
    warehouse.ingest([telemetry(users[other], "new-device", str((now - timedelta(days=20)).date()))], "medic-users-meta")
    warehouse.dbt("run")
    rows = {row[0]: row[1:] for row in warehouse.query(
        "SELECT chw_uuid, days_since_report, days_since_sync, silent FROM marts.sys_silent_chw WHERE chw_uuid IN (%s, %s, %s)", chw, other, third)}
    assert rows[chw][0] == 70 and rows[chw][2] is True
    assert rows[other][1] in (19, 20, 21) and rows[other][2] is False
    assert rows[third] == (50, 12, False)


def test_what_changes_later_leads_to_what_a_full_refresh_makes(warehouse, instance):
    """Newer telemetry, older, edited and deleted; odd names, ids and moments; feedback that moves to another day."""
    some = [document for document in of_type(instance, "telemetry") if document["metadata"].get("year")]
    by_user = {document["metadata"]["user"]: document["_id"] for document in sorted(some, key=lambda document: document["metadata"]["year"] * 400
                                                                                     + document["metadata"]["month"] * 31 + document["metadata"]["day"])}
    gone = list(by_user.values())[:2]
    errors = of_type(instance, "feedback")[:6]
    kept = ("sys_device_state", "sys_feedback", "sys_documents_per_day")
    warehouse.ingest([
        telemetry("a.b", "d.1", "2026-11-01"), telemetry("a.b", "d.2", "2026-11-02"), telemetry("a", "b-c", "2026-11-03", free="many"),
        telemetry("a-b", "c", "2026-11-03", documents=None), telemetry(None, "b-c", "2026-10-03"), {"_id": "telemetry-x", "type": "telemetry"},
        {"_id": "telemetry-2026-5-a-old", "type": "telemetry", "metadata": {"user": "a"}}], "medic-users-meta", deleted=gone)
    warehouse.dbt("run")
    warehouse.ingest([
        telemetry("a.b", "d.2", "2026-11-02", documents=20000), telemetry("a", "b-c", "2026-11-01"),
        *({**document, "meta": {**document["meta"], "time": "2026-02-03T04:05:06.000Z"}} for document in errors[:3]),
        {**errors[3], "meta": {}}, {**errors[4], "type": "something else"}], "medic-users-meta", deleted=[errors[5]["_id"], "telemetry-2026-11-1-a.b-d.1"])
    warehouse.dbt("run")
    assert device(warehouse, "a.b")["at_risk"] is True
    incremental = {table: sorted(map(str, warehouse.query(f"SELECT * FROM marts.{table}"))) for table in kept}
    warehouse.dbt("run", "--full-refresh", "--select", *(f"{table}+" for table in kept))
    assert {table: sorted(map(str, warehouse.query(f"SELECT * FROM marts.{table}"))) for table in kept} == incremental
