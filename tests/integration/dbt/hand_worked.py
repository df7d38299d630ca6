# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small instance whose every indicator can be worked out by hand: March to June 2026, Nairobi time.

Fields are those CHT's default forms write. Facility `fac-1` has the areas `area-1` (CHW chw-1, nearly all that
happens) and `area-2` (registered in April, its CHW never reports); facility `fac-2` has `area-3`, whose CHW is replaced.
"""

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

PROJECT = Path(__file__).parents[3] / "roles/dbt/files/project"
NAIROBI = timezone(timedelta(hours=3))
PARENTS = {"fac-1": None, "fac-2": None, "area-1": "fac-1", "area-2": "fac-1", "area-3": "fac-2",
           "h1": "area-1", "h2": "area-1", "h3": "area-1", "h4": "area-1", "h5": "area-3"}
CHWS = {"area-1": "chw-1", "area-2": "chw-2", "area-3": "chw-3"}
# person: household, born
PATIENTS = {
    "amina": ("h1", "2000-05-01"), "kito": ("h1", "2022-06-10"),
    "beth": ("h2", "2008-01-15"), "ruth": ("h2", "1950-02-02"),
    "carol": ("h3", "1990-07-07"), "juma": ("h3", "1985-03-03"), "fatuma": ("h3", "1992-09-09"),
    "dina": ("h4", "1995-12-12"), "lulu": ("h4", "2025-11-01"),
    "esther": ("h5", "1998-08-08")}


def moment(text):
    """Epoch milliseconds of `YYYY-MM-DD[ HH:MM]` in Nairobi, 10:00 where no time is given."""
    return int(datetime.strptime(f"{text} 10:00"[:16], "%Y-%m-%d %H:%M").replace(tzinfo=NAIROBI).timestamp() * 1000)


def lineage(place):
    return {"_id": place, **({"parent": lineage(PARENTS[place])} if PARENTS[place] else {})}


def place(uuid, kind, registered, contact=""):
    return {"_id": uuid, "type": kind, "name": f"Place {uuid}", "place_id": f"9{uuid}", "contact": {"_id": contact},
            "parent": lineage(PARENTS[uuid]) if PARENTS[uuid] else "", "reported_date": moment(registered)}


def person(uuid, parent, registered, born, sex="female", **members):
    return {"_id": uuid, "type": "person", "name": f"Name of {uuid}", "sex": sex, "date_of_birth": born, "phone": "",
            "patient_id": f"code-{uuid}", "role": "patient", "parent": lineage(parent), "reported_date": moment(registered), **members}


def report(form, uuid, at, patient, fields, area="area-1", chw=None):
    """A report about a patient; at `YYYY-MM-DD[ HH:MM]`."""
    about = {"patient_uuid": patient, "patient_id": f"code-{patient}", "patient_name": f"Name of {patient}"}
    return {"_id": uuid, "type": "data_record", "form": form, "content_type": "xml", "reported_date": moment(at), "from": "+254700000001",
            "contact": {"_id": chw or CHWS[area], "parent": lineage(area)}, "fields": {**about, **fields}}


def pregnancy(uuid, at, patient, lmp, visits, age, method="method_lmp", danger="no", **more):
    """`visits`: how often a facility was visited before."""
    dated = {"lmp_date_8601": lmp, "edd_8601": str(date.fromisoformat(lmp) + timedelta(days=280)) if lmp else ""}
    return report("pregnancy", uuid, at, patient, {
        **dated, "patient_age_in_years": str(age), "gestational_age": {"register_method": {"lmp_method": method}},
        "anc_visits_hf": {"anc_visits_hf_past": {"visited_hf_count": visits}},
        "risk_factors": {"r_risk_factor_present": "no"}, "danger_signs": {"r_danger_sign_present": danger},
        "t_danger_signs_referral_follow_up": danger}, **more)


def home_visit(uuid, at, patient, pregnancy_uuid, option="yes", attended="", others="", danger="no", ended=None, lmp="", updated="no"):
    """`others`: number of further visits to a facility; `ended`: members of pregnancy_ended."""
    return report("pregnancy_home_visit", uuid, at, patient, {
        "context_vars": {"pregnancy_uuid_ctx": pregnancy_uuid}, "pregnancy_summary": {"visit_option": option},
        "pregnancy_ended": ended or {}, "lmp_date_8601": lmp, "lmp_updated": updated,
        "anc_visits_hf": {"anc_visits_hf_past": {
            "last_visit_attended": attended, "report_other_visits": "yes" if others else "no", "visited_hf_count": others}},
        "danger_signs": {"r_danger_sign_present": danger if option == "yes" else ""}, "t_danger_signs_referral_follow_up": danger})


def follow_up(form, uuid, at, patient, visited, still, source, **references):
    return report(form, uuid, at, patient, {
        "inputs": {"source": "task", "source_id": source}, **references,
        "danger_signs": {"visit_confirm": visited, "danger_sign_present": still, "r_danger_sign_present": still},
        "t_danger_signs_referral_follow_up": still})


def delivery(uuid, at, patient, day, where, pregnancy_uuid, alive=(), dead=(), pnc="none", danger="no", outcome="alive_well"):
    """`alive`: (person, danger sign, grams) of each living baby; `dead`: (day, stillbirth, person) of each dead one."""
    days = (datetime.strptime(at[:10], "%Y-%m-%d").date() - date.fromisoformat(day)).days
    return report("delivery", uuid, at, patient, {
        "condition": {"woman_outcome": outcome}, "pnc_danger_sign_check": {"r_pnc_danger_sign_present": danger},
        "t_danger_signs_referral_follow_up": danger,
        "delivery_outcome": {
            "babies_delivered_num": str(len(alive) + len(dead)), "babies_alive_num": str(len(alive)), "babies_deceased_num": str(len(dead)),
            "delivery_date": day, "delivery_place": where, "delivery_mode": "vaginal" if where == "health_facility" else "",
            "delivery_conductor": "" if where == "health_facility" else "traditional"},
        "baby_death": {"baby_death_repeat": [
            {"baby_death_date": died, "baby_death_place": where, "stillbirth": still, "baby_death_profile_doc": baby}
            for died, still, baby in dead]},
        "babys_condition": {"baby_repeat": [
            {"baby_details": {"baby_n": str(number), "baby_condition": "alive_well", "baby_name": "Tiny", "baby_sex": "female",
                              "birth_weight_know": "yes", "birth_weight": weight, "breastfed_within_1_hour": "yes",
                              "vaccines_received": "bcg_only", "r_baby_danger_sign_present": sign, "child_doc": baby}}
            for number, (baby, sign, weight) in enumerate(alive, 1)]},
        "pnc_visits": {"pnc_visits_attended": pnc, "days": str(days)}, "data": {"meta": {"__pregnancy_uuid": pregnancy_uuid}}})


def death(uuid, at, patient, day, where="home"):
    return report("death_report", uuid, at, patient, {
        "patient_age_in_days": "", "death_details": {"date_of_death": day, "place_of_death": where, "death_information": "Told by the family"}})


def places():
    return [
        place("fac-1", "district_hospital", "2026-02-01"), place("fac-2", "district_hospital", "2026-02-01"),
        place("area-1", "health_center", "2026-03-01", "chw-1"), place("area-2", "health_center", "2026-04-10", "chw-2"),
        place("area-3", "health_center", "2026-03-01", "chw-3b"),
        place("h1", "clinic", "2026-03-05"), place("h2", "clinic", "2026-03-05"), place("h3", "clinic", "2026-03-06"),
        place("h4", "clinic", "2026-04-12"), place("h5", "clinic", "2026-03-07")]


def people():
    registered = {"h1": "2026-03-05", "h2": "2026-03-05", "h3": "2026-03-06", "h4": "2026-04-12", "h5": "2026-03-07"}
    known = {"ruth": {"date_of_death": "2026-05-11"}, "juma": {"muted": "2026-05-03T08:00:00.000Z", "sex": "male"},
             "kito": {"sex": "male"}, "dina": {"date_of_death": "2026-06-20"}}
    patients = [person(uuid, household, registered[household], born, **known.get(uuid, {}))
                for uuid, (household, born) in PATIENTS.items()]
    chws = [person(uuid, area, "2026-03-02" if area != "area-2" else "2026-04-11", "1988-01-01", role="chw", phone="+254700000001")
            for uuid, area in (("chw-1", "area-1"), ("chw-2", "area-2"), ("chw-3", "area-3"))]
    # Made by reports: the successor of chw-3, and the babies, of whom the stillborn one is a person, too.
    made = [person("chw-3b", "area-3", "2026-05-15", "1991-01-01", role="chw", created_by_doc="replace-1"),
            person("baby-b", "h2", "2026-06-05", "2026-05-28", created_by_doc="delivery-beth"),
            person("still-b", "h2", "2026-06-05", "2026-05-28", date_of_death="2026-05-28", sex="undefined", created_by_doc="delivery-beth"),
            person("baby-d", "h4", "2026-06-11", "2026-06-10", date_of_death="2026-06-15", created_by_doc="delivery-dina")]
    return patients + chws + made


def reports():
    return [
        # Amina: registered in week 8, visited often; followed up twice in May and June.
        pregnancy("preg-amina", "2026-03-10", "amina", "2026-01-13", "1", 25),
        home_visit("visit-a1", "2026-04-07", "amina", "preg-amina", attended="yes", danger="yes"),
        follow_up("pregnancy_danger_sign_follow_up", "follow-a1", "2026-04-10", "amina", "yes", "no", "visit-a1", pregnancy_uuid_ctx="preg-amina"),
        home_visit("visit-a2", "2026-05-05", "amina", "preg-amina", attended="yes", others="1"),
        report("pregnancy_danger_sign", "sign-a", "2026-05-25", "amina", {
            "pregnancy_uuid_ctx": "preg-amina", "danger_signs": {"r_danger_sign_present": "yes"}, "t_danger_signs_referral_follow_up": "yes"}),
        follow_up("pregnancy_danger_sign_follow_up", "follow-a2", "2026-05-29", "amina", "no", "yes", "sign-a", pregnancy_uuid_ctx="preg-amina"),
        home_visit("visit-a3", "2026-06-02", "amina", "preg-amina", attended="no"),
        follow_up("pregnancy_danger_sign_follow_up", "follow-a3", "2026-06-03", "amina", "yes", "no", "follow-a2", pregnancy_uuid_ctx="preg-amina"),
        report("pregnancy_facility_visit_reminder", "remind-a", "2026-04-30", "amina", {
            "inputs": {"source": "task", "source_id": "visit-a1", "source_visit_date": "2026-05-02"}, "pregnancy_uuid_ctx": "preg-amina",
            "facility_visit_reminder": {"remind_method": "in_person"}}),
        # Beth, 18: born in a facility at the end of May, told in June: one living girl, one stillborn.
        pregnancy("preg-beth", "2026-03-20", "beth", "2025-09-15", "2", 18),
        delivery("delivery-beth", "2026-06-05", "beth", "2026-05-28", "health_facility", "preg-beth", alive=[("baby-b", "yes", "3100")],
                 dead=[("2026-05-28", "yes", "still-b")], pnc="within_24_hrs 7_days", danger="yes"),
        follow_up("pnc_danger_sign_follow_up_mother", "follow-m", "2026-06-08", "beth", "no", "no", "delivery-beth",
                  data={"meta": {"__delivery_uuid": "delivery-beth"}}),
        follow_up("pnc_danger_sign_follow_up_baby", "follow-b", "2026-06-09", "baby-b", "yes", "no", "baby-b",
                  data={"meta": {"__delivery_uuid": "delivery-beth"}}),
        # Carol: no LMP, miscarried in May.
        pregnancy("preg-carol", "2026-04-02", "carol", "", "", 35, method="method_none"),
        home_visit("visit-c", "2026-05-20", "carol", "preg-carol", option="miscarriage", ended={"miscarriage_date": "2026-05-18"}),
        # Fatuma: early, refused in May and wants no more visits.
        pregnancy("preg-fatuma", "2026-04-05", "fatuma", "2026-02-01", "0", 33, danger="yes"),
        home_visit("visit-f", "2026-05-10", "fatuma", "preg-fatuma", option="refused", ended={"clear_option": "clear_all"}),
        # Dina: born at home, told the next day; baby and mother died.
        pregnancy("preg-dina", "2026-04-20", "dina", "2025-10-01", "0", 30),
        delivery("delivery-dina", "2026-06-11", "dina", "2026-06-10", "home", "preg-dina", alive=[("baby-d", "no", "2400")]),
        death("death-baby-d", "2026-06-16", "baby-d", "2026-06-15"),
        death("death-dina", "2026-06-21", "dina", "2026-06-20", "health_facility"),
        # Esther: in another area, nothing heard after her registration in week 38.
        pregnancy("preg-esther", "2026-03-15", "esther", "2025-06-20", "4", 27, area="area-3"),
        # Ruth was old; Kito's death was a mistake; Lulu's is not yet written into her contact.
        death("death-ruth", "2026-05-12", "ruth", "2026-05-11"),
        death("death-kito", "2026-06-01", "kito", "2026-05-30"),
        report("undo_death_report", "undo-kito", "2026-06-03", "kito", {"undo": {"undo_information": "yes"}}),
        death("death-lulu", "2026-06-26", "lulu", "2026-06-25"),
        # Whom it is about stands in the field of the shortcode there.
        {**report("replace_user", "replace-1", "2026-05-15", "", {}, area="area-3"),
         "fields": {"patient_id": "chw-3", "replacement_contact_id": "chw-3b"}}]


def task(name, due, state):
    return {"_id": f"task~org.couchdb.user:chw-1~{name}", "type": "task", "user": "org.couchdb.user:chw-1", "owner": "amina",
            "requester": "preg-amina", "state": state, "authoredOn": moment("2026-03-10"), "emission": {"title": "Visit", "dueDate": due}}


def work():
    """The CHW's user, tasks and targets."""
    return [
        {"_id": "org.couchdb.user:chw-1", "type": "user-settings", "name": "chw-1", "contact_id": "chw-1", "roles": ["chw"]},
        task("1", "2026-04-07", "Completed"), task("2", "2026-04-30", "Completed"), task("3", "2026-05-19", "Completed"),
        task("4", "2026-05-28", "Failed"), task("5", "2026-05-31", "Cancelled"), task("6", "2026-06-25", "Ready"),
        {"_id": "target~2026-05~chw-1~org.couchdb.user:chw-1", "type": "target", "user": "org.couchdb.user:chw-1", "owner": "chw-1",
         "reporting_period": "2026-05", "updated_date": moment("2026-05-31"), "targets": [
             {"id": "pregnancy-registrations-this-month", "type": "count", "goal": 2, "value": {"pass": 3, "total": 3}},
             {"id": "facility-deliveries", "type": "percent", "goal": 80, "value": {"pass": 1, "total": 2, "percent": 50}},
             {"id": "births-this-month", "type": "count", "goal": -1, "value": {"pass": 1, "total": 1}}]}]


def infos():
    """When the server received reports: after one day and two and a half; of one it does not know."""
    return [{"_id": f"{uuid}-info", "type": "info", "doc_id": uuid, "initial_replication_date": received}
            for uuid, received in (("preg-amina", "2026-03-11T07:00:00.000Z"), ("preg-beth", moment("2026-03-22 22:00")), ("visit-a1", "unknown"))]


def documents():
    """All documents by database, contacts first."""
    return {"medic": [*places(), *people(), *work(), *reports()], "medic-sentinel": infos()}
