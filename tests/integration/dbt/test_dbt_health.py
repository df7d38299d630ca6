# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms, pregnancies, births, danger signs and deaths: what reports say, and what becomes of it when they change."""

from datetime import date, timedelta

import hand_worked
import pytest
import yaml
from hand_worked import home_visit, lineage, person, place, pregnancy, report

pytestmark = pytest.mark.once

MARTS = hand_worked.PROJECT / "models/marts/tables"
FORMS = {model["name"].removeprefix("form_"): model["columns"]
         for model in yaml.safe_load((MARTS / "forms/forms.yml").read_text(encoding="utf-8"))["models"]}
TABLES = [*(f"form_{form}" for form in FORMS), "fct_pregnancy", "fct_baby", "fct_danger_sign", "fct_death", "fct_maternal_death", "agg_area_month"]
NONSENSE = ["text", 7, True, None, [], ["yes"], [{}], {"a": 1}, "2026-99-99", "2026-02-30", "-5", "99999999999", "1e9", "yes no", "x" * 5000]


@pytest.fixture
def worked(copy, hand_worked_database):
    """The hand-worked instance, modelled."""
    warehouse = copy(hand_worked_database)
    yield warehouse
    warehouse.connection.close()


def contents(warehouse):
    return {table: sorted(map(str, warehouse.query(f"SELECT * FROM marts.{table}"))) for table in TABLES}


def ended(warehouse):
    """How each pregnancy ended, and from when on it is not active."""
    return {uuid: (outcome, str(until)) for uuid, outcome, until in warehouse.query("SELECT uuid, outcome, active_until FROM marts.fct_pregnancy")}


def dead(warehouse):
    return set(warehouse.column("SELECT patient_uuid FROM marts.fct_death"))


def referrals(warehouse):
    """Of each referral, when it was first followed up, and whether the facility was visited."""
    return {uuid: (str(day), visited) for uuid, day, visited in warehouse.query("SELECT uuid, followed_up, visited_facility FROM marts.fct_danger_sign")}


def odd_reports():
    """For each form and kind of nonsense, a report whose every field holds it; and reports whose fields are nonsense as a whole."""
    for form, columns in FORMS.items():
        for number, nonsense in enumerate(NONSENSE):
            fields = {}
            for path in [column["config"]["meta"]["field"] for column in columns if column.get("config", {}).get("meta", {}).get("field")] \
                    + ["babys_condition.baby_repeat", "baby_death.baby_death_repeat"]:
                group = fields
                *groups, name = path.split(".")
                for outer in groups:
                    group = group.setdefault(outer, {})
                group[name] = nonsense
            yield report(form, f"odd-{form}-{number}", "2026-05-05", f"odd-{number}", fields)
            yield {**report(form, f"odder-{form}-{number}", "2026-05-05", "nobody", {}), "fields": nonsense}


# Column by column what the hand-worked reports hold: dates, numbers and answers as such, nothing for what was not answered.
VALUES = {
    "preg-amina": {"age_in_years": 25, "lmp": date(2026, 1, 13), "lmp_method": "method_lmp", "facility_visits": 1, "risk_factor": False,
                   "danger_sign": False, "next_visit": None},
    "preg-carol": {"lmp": None, "lmp_method": "method_none", "facility_visits": None},
    "visit-a2": {"pregnancy_uuid": "preg-amina", "visit_option": "yes", "last_visit_attended": True, "other_visits": True,
                 "other_facility_visits": 1, "danger_sign": False, "miscarriage_date": None, "clear_option": None},
    "visit-c": {"visit_option": "miscarriage", "miscarriage_date": date(2026, 5, 18), "abortion_date": None, "danger_sign": None},
    "visit-f": {"visit_option": "refused", "clear_option": "clear_all"},
    "remind-a": {"pregnancy_uuid": "preg-amina", "visit_date": date(2026, 5, 2), "remind_method": "in_person"},
    "sign-a": {"pregnancy_uuid": "preg-amina", "danger_sign": True},
    "follow-a2": {"source_uuid": "sign-a", "visited": False, "danger_sign": True},
    "delivery-beth": {
        "pregnancy_uuid": "preg-beth", "woman_outcome": "alive_well", "delivered": date(2026, 5, 28), "delivered_month": date(2026, 5, 1),
        "delivery_place": "health_facility", "delivery_mode": "vaginal", "delivery_conductor": None, "babies_delivered": 2, "babies_alive": 1,
        "babies_deceased": 1, "pnc_24_hours": True, "pnc_3_days": False, "pnc_7_days": True, "pnc_6_weeks": False, "danger_sign": True},
    "follow-b": {"delivery_uuid": "delivery-beth", "visited": True, "danger_sign": False, "patient_uuid": "baby-b"},
    "follow-m": {"delivery_uuid": "delivery-beth", "visited": False, "danger_sign": False, "patient_uuid": "beth"},
    "death-ruth": {"date_of_death": date(2026, 5, 11), "place_of_death": "home", "age_in_days": None},
    "replace-1": {"patient_uuid": "chw-3", "replacement_uuid": "chw-3b", "area_uuid": "area-3"}}


def test_fields_of_each_form(worked):
    seen = set()
    for uuid, expected in VALUES.items():
        form = worked.value("SELECT form FROM marts.fct_report WHERE uuid = %s", uuid)
        row = worked.row(f"SELECT * FROM marts.form_{form} WHERE uuid = %s", uuid)
        assert {name: row[name] for name in expected} == expected, uuid
        seen.add(form)
    assert seen == set(FORMS)


def test_new_pregnancies_are_one_number_wherever_they_are_counted(worked):
    """A pregnancy registered twice in a month, and again in the next one; of the first two the last counts."""
    def counted():
        return [worked.value(f"SELECT {what}") for what in (
            "sum(pregnancies_new) FROM marts.rpt_area_month", "count(*) FROM marts.rpt_pregnancy WHERE is_new AND area_uuid IS NOT NULL",
            "count(*) FROM marts.rpt_care_cascade WHERE stage = 'All registered' AND area_uuid IS NOT NULL")]

    (before, *others) = counted()
    assert others == [before, before]
    worked.ingest([person("twice", "h1", "2026-03-05", "2004-04-04"),
                   pregnancy("preg-first", "2026-05-03", "twice", "2026-03-08", "0", 22),
                   pregnancy("preg-second", "2026-05-20", "twice", "2026-03-08", "4", 22),
                   pregnancy("preg-third", "2026-06-02", "twice", "2026-03-08", "0", 22)])
    worked.dbt("run")
    assert counted() == [before + 2] * 3
    assert worked.column("SELECT uuid FROM marts.rpt_pregnancy WHERE NOT is_new") == ["preg-first"]
    assert worked.column("SELECT uuid FROM marts.rpt_care_cascade WHERE stage = 'At least 4 facility visits' AND registered_month = '2026-05-01'") \
        == ["preg-second"]


def test_changes_reach_whatever_they_concern(worked):
    """Reports about someone who is registered later, edits, deletions, moves: as if all had been known from the start."""
    unknown = {"patient_uuid": "", "patient_id": "code-late"}
    early, visit = pregnancy("preg-late", "2026-05-01", "late", "2026-03-01", "0", 22), home_visit("visit-late", "2026-06-01", "late", "")
    for document in (early, visit):
        document["fields"].update(unknown)
    odd = list(odd_reports())
    today = worked.value("SELECT (now() AT TIME ZONE 'Africa/Nairobi')::date")
    due = [pregnancy(f"due-{days}", str(today - timedelta(days=60)), f"woman-{days}", str(today + timedelta(days=days - 280)), "0", 22)
           for days in (-15, -14, -1, 0, 30, 31)]
    refused = [pregnancy("due-refused", str(today - timedelta(days=60)), "woman-refused", str(today - timedelta(days=270)), "0", 22),
               home_visit("visit-refused", str(today - timedelta(days=9)), "woman-refused", "due-refused", option="migrated",
                          ended={"clear_option": "clear_all"})]
    women = [person(document["fields"]["patient_uuid"], "h1", "2026-03-05", "2004-04-04") for document in [*due, refused[0]]]
    worked.ingest([early, visit, *odd, *due, *refused, *women])
    worked.dbt("run")
    # No field stops a run or loses a report.
    assert {form: worked.value(f"SELECT count(*) FROM marts.form_{form} WHERE uuid LIKE 'odd%%'") for form in FORMS} \
        == {form: 2 * len(NONSENSE) for form in FORMS}
    assert worked.row("SELECT patient_uuid, contacts FROM marts.fct_pregnancy WHERE uuid = 'preg-late'") == {"patient_uuid": "preg-late", "contacts": 1}
    assert ended(worked)["preg-carol"] == ("miscarriage", "2026-05-18")
    assert {uuid: tuple(row) for uuid, *row in worked.query(
        "SELECT uuid, days_until_due, is_due_within_30_days, is_active FROM marts.rpt_pregnancy WHERE uuid LIKE 'due-%%'")} == {
            "due--15": (-15, False, False), "due--14": (-14, False, False), "due--1": (-1, False, True), "due-0": (0, True, True),
            "due-30": (30, True, True), "due-31": (31, False, True), "due-refused": (10, False, True)}
    assert dead(worked) >= {"ruth", "lulu", "dina", "baby-d"} and not dead(worked) & {"kito", "still-b"}

    stored = worked.document
    beside = {**stored("visit-c")["fields"], "pregnancy_summary": {"visit_option": "yes"}, "pregnancy_ended": {}}
    followed = {**stored("follow-a2")["fields"], "danger_signs": {"visit_confirm": "yes", "danger_sign_present": "no", "r_danger_sign_present": "no"}}
    worked.ingest([
        person("late", "h1", "2026-07-01", "2004-04-04"),
        {**stored("visit-c"), "fields": beside},
        home_visit("visit-a4", "2026-06-20", "amina", "preg-amina", lmp="2026-01-06", updated="yes"),
        report("undo_death_report", "undo-ruth", "2026-06-30", "ruth", {"undo": {"undo_information": "yes"}}),
        {**stored("preg-fatuma"), "form": "pregnancy_of_another_country"},
        {**place("h4", "clinic", "2026-04-12"), "parent": lineage("area-2")},
        {**stored("follow-a2"), "fields": followed}], deleted=["delivery-dina", "death-lulu"])
    worked.dbt("run")
    assert worked.row("SELECT patient_uuid, contacts FROM marts.fct_pregnancy WHERE uuid = 'preg-late'") == {"patient_uuid": "late", "contacts": 2}
    now = ended(worked)
    assert "preg-fatuma" not in now
    assert now["preg-carol"] == (None, "2027-01-21")  # 294 days after the registration
    assert now["preg-amina"] == (None, "2026-10-27")  # after the corrected LMP
    assert now["preg-dina"] == ("death", "2026-06-20")
    assert now["preg-beth"] == ("delivery", "2026-05-28")
    # The contact of Ruth still has a date, until CHT has come to the report.
    assert not dead(worked) & {"ruth", "lulu"} and dead(worked) >= {"dina", "baby-d"}
    assert worked.value("SELECT area_uuid FROM marts.fct_death WHERE patient_uuid = 'dina'") == "area-2"
    assert worked.row("SELECT after, days_after FROM marts.fct_maternal_death WHERE patient_uuid = 'dina'") == {"after": "pregnancy", "days_after": 0}
    assert worked.column("SELECT DISTINCT delivery_uuid FROM marts.fct_baby WHERE uuid NOT LIKE 'odd%%'") == ["delivery-beth"]
    after = referrals(worked)
    assert not after.keys() & {"preg-fatuma", "follow-a2"}
    assert after["sign-a"] == ("2026-05-29", True)

    made = contents(worked)
    worked.dbt("run", "--full-refresh")
    anew = contents(worked)
    assert {table for table in TABLES if made[table] != anew[table]} == set()
