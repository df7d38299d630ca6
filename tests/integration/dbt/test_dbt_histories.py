# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random histories of documents and runs: in the end every table holds what a full refresh would put there."""

import os

import hand_worked
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.once

# Some of them are of the hand-worked instance, with which histories begin.
FACILITIES, AREAS, HOUSEHOLDS = ["f1", "fac-1"], ["a1", "a2", "area-1"], ["h1", "h2", "h9"]
WORKERS, PATIENTS = ["w1", "chw-1"], ["p1", "p2", "5d1f2c34-9f0e-4c1b-8a53-2f8f1b7a9c01", "amina", "dina"]
REPORTS = ["r1", "r2", "r3", "r4", "r5", "preg-amina", "visit-a1", "follow-a2", "delivery-beth", "preg-dina", "death-dina", "undo-kito"]
TASKS, TARGETS, USERS = ["t1", "t2"], ["g1", "g2"], ["org.couchdb.user:u1", "org.couchdb.user:u2"]
INFOS, DEVICES = [f"{report}-info" for report in REPORTS[:5]], ["telemetry-2026-1-2-u-d", "telemetry-2026-1-3-u-d", "feedback-1", "feedback-2"]
PLACES, PERSONS = FACILITIES + AREAS + HOUSEHOLDS, WORKERS + PATIENTS
SETTINGS = ["settings"]
EVERYTHING = [*PLACES, *PERSONS, *REPORTS, *TASKS, *TARGETS, *USERS, *INFOS, *DEVICES, *SETTINGS]
# Two instances, whose users and short ids have the same names.
HERE, THERE = "cht.example.org", "there.example.org"

# Moments on both sides of months' ends in Nairobi, and of the areas' registration; as they are written, and wrong.
MOMENTS = st.sampled_from([
    1756670400000, 1756674000001, "1759265999000", "2025-09-30T21:30:00.000Z", "2025-12-01T00:00:00+03:00", 1767225600000, "soon", None])
DAYS = st.sampled_from([None, "2020-09-30", "2021-01-15", "2025-10-31", "2025-12-02", "2026-02-30", "1990-05-05", "", "x"])
CODES = st.sampled_from(["cp1", "cp2", "ch1", "", None])
ANSWERS = st.sampled_from(["yes", "yes", "no", "", None])
FORMS = ["pregnancy", "pregnancy_home_visit", "pregnancy_facility_visit_reminder", "pregnancy_danger_sign", "pregnancy_danger_sign_follow_up",
         "delivery", "pnc_danger_sign_follow_up_mother", "pnc_danger_sign_follow_up_baby", "death_report", "undo_death_report", "replace_user"]


def one_of(ids):
    """Mostly an id of these, sometimes of anything or of nothing."""
    return st.sampled_from([*ids * 6, *EVERYTHING[::3], "nobody", "", None])


def contact(kind, parents):
    return st.fixed_dictionaries({
        "type": st.sampled_from([kind] * 9 + ["contact"]), "contact_type": st.sampled_from([None, kind, "shop"]),
        "name": st.sampled_from(["Amina", "Baraka"]), "parent": one_of(parents).map(lambda uuid: uuid and {"_id": uuid}),
        "contact": one_of(WORKERS).map(lambda uuid: uuid and {"_id": uuid}), "place_id": CODES, "patient_id": CODES,
        "reported_date": MOMENTS, "muted": st.one_of(st.none(), st.none(), MOMENTS, st.sampled_from([True, "true", False, ""])),
        "date_of_birth": DAYS, "date_of_death": DAYS})


def group(**members):
    """A group of fields, which may be something else."""
    return st.one_of(*[st.fixed_dictionaries({}, optional=members)] * 9, st.sampled_from(["", [], None]))


# What the models read of any form: whoever reads a field that is not the form's is to be unimpressed.
FIELDS = {
    "patient_uuid": one_of(PATIENTS + HOUSEHOLDS[:1]), "place_id": one_of(HOUSEHOLDS), "visited_contact_uuid": one_of(HOUSEHOLDS + PATIENTS[:1]),
    "patient_age_in_years": st.sampled_from(["15", "25", "x"]),
    "lmp_date_8601": DAYS, "pregnancy_uuid_ctx": one_of(REPORTS), "context_vars": group(pregnancy_uuid_ctx=one_of(REPORTS)),
    "pregnancy_summary": group(visit_option=st.sampled_from(["yes", "miscarriage", "abortion", "refused"])),
    "pregnancy_ended": group(miscarriage_date=DAYS, clear_option=st.sampled_from(["clear_all", "clear_this"])),
    "anc_visits_hf": group(anc_visits_hf_past=group(
        visited_hf_count=st.sampled_from(["0", "1", "4", "x"]), last_visit_attended=ANSWERS, report_other_visits=ANSWERS)),
    "danger_signs": group(r_danger_sign_present=ANSWERS, visit_confirm=ANSWERS),
    "pnc_danger_sign_check": group(r_pnc_danger_sign_present=ANSWERS),
    "delivery_outcome": group(delivery_date=DAYS, delivery_place=st.sampled_from(["home", "health_facility"])),
    "pnc_visits": group(pnc_visits_attended=st.sampled_from(["none", "within_24_hrs 7_days", ""])),
    "babys_condition": group(baby_repeat=st.lists(group(baby_details=group(
        child_doc=one_of(PATIENTS), r_baby_danger_sign_present=ANSWERS, birth_weight=st.sampled_from(["2400", "3100", "x"]))), max_size=2)),
    "baby_death": group(baby_death_repeat=st.lists(group(stillbirth=ANSWERS, baby_death_profile_doc=one_of(PATIENTS)), max_size=2)),
    "death_details": group(date_of_death=DAYS), "inputs": group(source_id=one_of(REPORTS), contact=group(_id=one_of(HOUSEHOLDS + PATIENTS))),
    "data": group(meta=group(__pregnancy_uuid=one_of(REPORTS), __delivery_uuid=one_of(REPORTS)))}

KINDS = {
    tuple(FACILITIES): contact("district_hospital", [None]),
    tuple(AREAS): contact("health_center", FACILITIES),
    tuple(HOUSEHOLDS): contact("clinic", AREAS),
    tuple(WORKERS): contact("person", AREAS + FACILITIES),
    tuple(PATIENTS): contact("person", HOUSEHOLDS),
    tuple(REPORTS): st.fixed_dictionaries({
        "type": st.just("data_record"), "form": st.sampled_from(FORMS + ["pregnancy", "delivery"] * 3 + ["other", None]), "reported_date": MOMENTS,
        "errors": st.sampled_from([None, None, [], [{"code": "sys.missing_fields"}]]),
        "contact": st.builds(lambda who, place, above: {"_id": who, "parent": {"_id": place, "parent": {"_id": above}}},
                             one_of(WORKERS), one_of(AREAS), one_of(FACILITIES)),
        "fields": st.fixed_dictionaries({"patient_id": CODES}, optional=FIELDS)}),
    tuple(TASKS): st.fixed_dictionaries({
        "type": st.just("task"), "user": st.sampled_from(USERS), "owner": one_of(PATIENTS + HOUSEHOLDS),
        "state": st.sampled_from(["Ready", "Completed", "Failed"]), "emission": DAYS.map(lambda day: {"dueDate": day})}),
    tuple(TARGETS): st.fixed_dictionaries({
        "type": st.just("target"), "owner": one_of(WORKERS), "reporting_period": st.sampled_from(["2025-09", "2025-10", "x"]),
        "updated_date": MOMENTS,
        "targets": st.lists(st.fixed_dictionaries({"id": st.sampled_from(["x", "y", None]), "goal": st.sampled_from([5, "5", None]),
                                                   "value": st.just({"pass": 1, "total": 2})}), max_size=3)}),
    tuple(USERS): st.fixed_dictionaries({"type": st.just("user-settings"), "contact_id": one_of(WORKERS + PATIENTS)}),
    tuple(INFOS): st.fixed_dictionaries({"type": st.just("info"), "initial_replication_date": MOMENTS}),
    tuple(SETTINGS): st.builds(
        lambda types: {"type": "settings", "settings": {"contact_types": types}},
        st.lists(st.builds(lambda kind, person: {"id": kind, "person": person}, st.sampled_from(["shop", "clinic", "person"]), st.booleans()),
                 max_size=3)),
    tuple(DEVICES): st.fixed_dictionaries({
        "type": st.sampled_from(["telemetry", "feedback"]), "info": st.sampled_from([{"message": "x 1"}, {"message": "x 2"}, {}]),
        "metadata": st.fixed_dictionaries({"user": st.sampled_from(["u", "u", "u-d", "", None]), "year": st.sampled_from([2025, 2026, None])}),
        "meta": st.fixed_dictionaries({"time": MOMENTS, "source": st.sampled_from(["automatic", "manual", None]),
                                       "user": st.sampled_from([{"name": "u"}, {"name": "v"}, None])})}),
}


def world():
    """A document of each id, all as they should be: where histories begin."""
    def place(uuid, kind, parent=None):
        return {"_id": uuid, "type": kind, "name": f"Place {uuid}", "place_id": f"c{uuid}", "parent": {"_id": parent}, "contact": {"_id": "w1"},
                "reported_date": 1756670400000}

    def person(uuid, parent):
        return {"_id": uuid, "type": "person", "name": f"Person {uuid}", "patient_id": f"c{uuid}", "parent": {"_id": parent}, "sex": "female",
                "date_of_birth": "2021-01-15", "reported_date": 1759265999000}

    yield from (place(uuid, "district_hospital") for uuid in FACILITIES)
    yield from (place(uuid, "health_center", "f1") for uuid in AREAS)
    yield from (place(uuid, "clinic", area) for uuid, area in zip(HOUSEHOLDS, AREAS))
    yield from (person(uuid, area) for uuid, area in zip(WORKERS, AREAS))
    yield from (person(uuid, household) for uuid, household in zip(PATIENTS, HOUSEHOLDS * 2))
    for number, uuid in enumerate(REPORTS[:5]):
        yield {"_id": uuid, "type": "data_record", "form": "pregnancy", "reported_date": 1759265999000 + number * 86400000,
               "contact": {"_id": "w1", "parent": {"_id": "a1", "parent": {"_id": "f1"}}},
               "fields": [{"patient_uuid": "p1"}, {"patient_uuid": "p2"}, {"patient_id": "cp1"}, {"place_id": "h1"}, {"place_id": "ch2"}][number]}
        yield {"_id": f"{uuid}-info", "type": "info", "initial_replication_date": 1759352399000}
    for uuid, state in zip(TASKS, ("Completed", "Failed")):
        yield {"_id": uuid, "type": "task", "user": USERS[0], "owner": "p1", "state": state, "emission": {"dueDate": "2025-10-31"}}
    for uuid in TARGETS:
        yield {"_id": uuid, "type": "target", "owner": "w1", "reporting_period": "2025-10",
               "targets": [{"id": "x", "goal": 5, "value": {"pass": 1, "total": 2}}]}
    for uuid, worker in zip(USERS, WORKERS):
        yield {"_id": uuid, "type": "user-settings", "contact_id": worker}
    for uuid in DEVICES:
        yield {"_id": uuid, "type": uuid.split("-")[0], "info": {"message": "x 1"}, "metadata": {"user": "u", "year": 2026},
               "meta": {"time": "2026-01-02T03:04:05.000Z", "source": "automatic", "user": {"name": "u"}}}


# The hand-worked instance, which has reports of all forms, is a part of it.
WORLD = {document["_id"]: document for document in [*world(), *hand_worked.documents()["medic"]]}


def edited(uuid, body, members):
    """The world's document with one or two of its members changed."""
    return {**WORLD.get(uuid, {"_id": uuid}), **{sorted(body)[number % len(body)]: body[sorted(body)[number % len(body)]] for number in members}}


def there(value):
    """An id, or all in a document, as the other instance has it."""
    if isinstance(value, dict):
        return {key: there(member) for key, member in value.items()}
    if isinstance(value, list):
        return [there(member) for member in value]
    if value not in EVERYTHING or value in SETTINGS + USERS:
        return value
    return value.replace("-2026-1-", "-2026-2-") if value.startswith("telemetry") else f"there-{value}"


def settings_with(*kinds):
    return {"_id": "settings", "type": "settings", "settings": {"contact_types": [*kinds]}}


# Mostly an edit of a document as it should be; else a document at random, also of an id of another kind: then it becomes that.
DOCUMENTS = st.one_of(*(
    strategy for ids, bodies in ((list(ids), bodies) for ids, bodies in KINDS.items()) for strategy in [
        *[st.builds(edited, st.sampled_from(ids), bodies, st.lists(st.integers(0, 11), min_size=1, max_size=2))] * 3,
        st.builds(lambda uuid, body: {"_id": uuid, **body}, st.sampled_from([*ids * 8, *EVERYTHING[::5]]), bodies)]))
CHANGES = st.one_of(
    *[st.lists(DOCUMENTS, min_size=1, max_size=10).map(lambda documents: (documents, [], HERE))] * 3,
    st.lists(DOCUMENTS, min_size=1, max_size=10).map(lambda documents: (there(documents), [], THERE)),
    st.lists(st.sampled_from(EVERYTHING), min_size=1, max_size=4).map(lambda ids: ([], ids, HERE)),
    st.lists(st.sampled_from(USERS + SETTINGS + PATIENTS), min_size=1, max_size=4).map(lambda ids: ([], there(ids), THERE)),
    st.just(([], [*PATIENTS[:2], *AREAS[:1], *(f"unknown-{number}" for number in range(600))], HERE)))
# What runs see of the changes between them: all models, or some first.
RUNS = st.sampled_from([(), (), ("document_metadata",), ("document_metadata", "contact", "place"), ("dim_place", "fct_report"),
                        ("+dim_person",), ("agg_area_month",), ("path:models/marts",)])
HISTORIES = st.lists(st.tuples(st.lists(CHANGES, min_size=1, max_size=3), RUNS), min_size=2, max_size=4)


@pytest.fixture(scope="module")
def begun(server, copy, hand_worked_database):
    """Name of a database with the world, modelled; and the queries by which a full refresh fills each table."""
    warehouse = copy(hand_worked_database)
    known = set(warehouse.column("SELECT _id FROM v1.couchdb"))
    warehouse.ingest([document for uuid, document in WORLD.items() if uuid not in known])
    warehouse.query("INSERT INTO v1.source (source, engine) VALUES (%s, 'relay')", f"{THERE}/medic")
    warehouse.ingest([settings_with({"id": "kiosk"}), *map(there, world())], instance=THERE, kept=("id_collision",))
    warehouse.dbt("run")
    warehouse.dbt("compile", "--full-refresh", "--select", "resource_type:model")
    compiled = warehouse.target / "compiled/cht_sync/models"
    complete = {("marts" if "marts" in path.parts else "dbt", path.stem): path.read_text(encoding="utf-8")
                for path in sorted(compiled.rglob("*.sql")) if "views" not in path.parts and path.stem != "dbt_results" and path.parent.suffix != ".yml"}
    assert [name for name, rows in tables(warehouse, complete).items() if not rows] == []
    warehouse.connection.close()
    server.execute("ALTER DATABASE warehouse RENAME TO begun")
    return "begun", complete


def tables(warehouse, complete):
    return {name: sorted(warehouse.query('SELECT t::text FROM {}."{}" t'.format(*name))) for name in complete}


def complete_tables(warehouse, complete):
    """What a full refresh would put into each table, from what the tables below hold."""
    made = {}
    for (schema, name), query in complete.items():
        columns = ", ".join(f'"{column}"' for column in warehouse.column(
            "SELECT attname FROM pg_attribute WHERE attrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND attnum > 0 AND NOT attisdropped "
            "ORDER BY attnum", schema, name))
        made[schema, name] = sorted(warehouse.query(f"SELECT row({columns})::text FROM ({query}\n) t"))
    return made


def differences(found, wanted):
    return {f"{schema}.{name}": {"too many": sorted(set(rows) - set(wanted[schema, name])), "missing": sorted(set(wanted[schema, name]) - set(rows))}
            for (schema, name), rows in found.items() if rows != wanted[schema, name]}


def play(warehouse, history, complete):
    warehouse.query("SELECT set_config('cht.since', '-infinity', false), set_config('cht.until', 'infinity', false)")
    for changes, selected in history:
        for number, (documents, deleted, instance) in enumerate(changes):
            warehouse.ingest(documents, deleted=deleted, instance=instance, kept=("id_collision",))
            if selected and number == 0:
                warehouse.dbt("run", "--select", *selected)
        warehouse.dbt("run", "--exclude", "config.materialized:view")
        assert differences(tables(warehouse, complete), complete_tables(warehouse, complete)) == {}
        assert warehouse.query("SELECT * FROM dbt.stale") == []


def test_histories(copy, begun):
    """CHT_TEST_HISTORIES says how many; each time the same ones."""
    name, complete = begun

    @settings(max_examples=int(os.environ.get("CHT_TEST_HISTORIES", "4")), derandomize=True, deadline=None, database=None,
              phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(HISTORIES)
    def histories(history):
        warehouse = copy(name)
        play(warehouse, history, complete)
        warehouse.connection.close()

    histories()
    # What the queries say, a full refresh does.
    warehouse = copy(None)
    found = tables(warehouse, complete)
    warehouse.dbt("run", "--full-refresh")
    assert differences(found, tables(warehouse, complete)) == {}
    warehouse.connection.close()


def test_another_instances_settings_come_change_and_go(copy, begun):
    """And its user, of the name of one here."""
    name, complete = begun
    warehouse = copy(name)
    user, kind = USERS[0], {"id": "shop", "person": True}
    shop = {"_id": "there-shop", "type": "contact", "contact_type": "shop", "parent": {"_id": "there-h1"}, "reported_date": 1759265999000}
    here = {**shop, "_id": "shop", "parent": {"_id": "h1"}}

    def found():
        """Which shops are persons, and whose the tasks are that a user of one name has in both instances."""
        return (set(warehouse.column("SELECT uuid FROM dbt.person WHERE uuid LIKE '%%shop'")), set(warehouse.column(
            "SELECT uuid FROM dbt.place WHERE uuid LIKE '%%shop'")), dict(warehouse.query(
                "SELECT uuid, chw_uuid FROM marts.fct_task WHERE uuid IN ('t1', 'there-t1')")))

    # Beside it, a place that hangs on a person is moved with what is above that.
    odd = {**WORLD["h1"], "_id": "odd", "parent": {"_id": "w1"}}
    play(warehouse, [([([here, odd], [], HERE), ([shop, settings_with(kind)], [], THERE)], ())], complete)
    assert found() == ({"there-shop"}, {"shop"}, {"t1": "w1", "there-t1": "there-w1"})
    account = {"_id": user, "type": "user-settings", "contact_id": "there-chw-1"}
    moved = {**WORLD["a1"], "parent": {"_id": "fac-1"}}
    play(warehouse, [([([settings_with(kind), moved], [], HERE), ([settings_with({**kind, "person": False}), account], [], THERE)], ())], complete)
    assert found() == ({"shop"}, {"there-shop"}, {"t1": "w1", "there-t1": "there-chw-1"})
    # Two databases of an instance have the user: the newest document counts, and then the one that is left.
    warehouse.query("INSERT INTO v1.source (source, engine) VALUES (%s, 'relay')", f"{THERE}/copy")
    warehouse.ingest([{**account, "contact_id": "there-w1"}, {**account, "_id": USERS[1]}], "copy", instance=THERE, kept=("id_collision",))
    # The one who was first is gone.
    play(warehouse, [([([], [user], HERE), ([], ["settings"], THERE)], ())], complete)
    assert found() == ({"shop"}, {"there-shop"}, {"t1": None, "there-t1": "there-w1"})
    warehouse.ingest([], "copy", deleted=[user], instance=THERE, kept=("id_collision",))
    warehouse.query("SELECT v1.rename_source(%s, 'moved.example.org/medic', true)", f"{THERE}/medic")
    play(warehouse, [([], ())], complete)
    assert found() == ({"shop"}, {"there-shop"}, {"t1": None, "there-t1": "there-chw-1"})
    assert warehouse.column("SELECT instance FROM dbt.account WHERE user_id = %s", user) == ["moved.example.org"]
    warehouse.connection.close()
