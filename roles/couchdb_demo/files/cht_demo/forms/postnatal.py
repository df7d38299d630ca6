# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of birth and the weeks after: delivery and the two danger sign follow-ups."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, List

from cht_demo.forms.common import (
    REFERRAL_DAYS, WOMAN_LABELS, blank, data_meta, inputs, patient_fields, referral_fields, signs_answered, yes_no)
from cht_demo.model import Document, Person, Report
from cht_demo.timeline import iso_day, local_midnight

MOTHER_SIGNS = ("fever", "severe_headache", "vaginal_bleeding", "vaginal_discharge", "convulsion")
BABY_SIGNS = ("infected_umbilical_cord", "convulsion", "difficulty_feeding", "vomit", "drowsy", "stiff", "yellow_skin",
              "fever", "blue_skin")
BABY_DATA_NAMES = {
    "infected_umbilical_cord": "__infected_umbilical_cord", "convulsion": "__convulsions",
    "difficulty_feeding": "__difficulty_feeding_or_drinking", "vomit": "__vomits_everything",
    "drowsy": "__drowsy_or_unconscious", "stiff": "__body_stiffness", "yellow_skin": "__yellow_skin_color",
    "fever": "__fever", "blue_skin": "__blue_skin_color"}
PNC_VISITS = ("within_24_hrs", "3_days", "7_days", "6_weeks")


def delivery(report: Report) -> Document:
    """Report of a birth, about 8 KB: the woman, the babies and the visits so far.

    `facts["babies"]` holds one entry per baby with `person` (None for a stillbirth), `alive`, `sex`,
    `weight_g`, `length_cm`, `vaccines`, `breastfed_early`, `signs`, and for the dead `died` and `place`.
    """
    facts = report.facts
    patient, household = report.patient, report.patient.parent
    signs, outcome, born = facts["signs"], facts["woman_outcome"], facts["date"]
    deceased = outcome == "deceased"
    alive = [baby for baby in facts["babies"] if baby["alive"]]
    dead = [baby for baby in facts["babies"] if not baby["alive"]]
    answers = blank(" ".join(MOTHER_SIGNS)) if deceased else signs_answered(MOTHER_SIGNS, signs)
    danger = "" if deceased else yes_no(bool(signs))
    delivered_num, alive_num, dead_num = str(len(facts["babies"])), str(len(alive)), str(len(dead))
    fields: Document = {"inputs": dict(inputs(report), user={
        "contact_id": report.author.id, "name": facts["user"], "phone": report.author.phone})}
    fields.update({"household_id": household.id, "area_id": report.area.place.id, "facility_id": report.area.facility.id})
    fields.update(patient_fields(report))
    fields.update(referral_fields(report, bool(signs)))
    fields["condition"] = {"woman_outcome": outcome}
    fields["pnc_danger_sign_check"] = dict({"pnc_danger_sign_note": ""}, **answers, r_pnc_danger_sign_present=danger)
    fields["death_info_woman"] = {
        "woman_death_date": iso_day(facts.get("woman_died")), "woman_death_place": facts["place"] if deceased else "",
        "woman_death_birth": "yes" if deceased else "", "woman_death_add_notes": "", "death_profile_note": "",
        "death_baby_note": "", "woman_death_report_doc": facts.get("woman_death_report", "")}
    fields["delivery_outcome"] = {
        "babies_delivered": delivered_num, "babies_delivered_other": "", "babies_alive": alive_num, "babies_alive_other": "",
        "babies_delivered_num": delivered_num, "babies_alive_num": alive_num, "babies_deceased_num": dead_num,
        "delivery_date": iso_day(born), "delivery_place": facts["place"],
        "delivery_place_other": "On the way to the facility" if facts["place"] == "other" else "",
        "delivery_mode": facts["mode"], "delivery_conductor": facts["conductor"],
        "delivery_conductor_other": "Relative" if facts["conductor"] == "other" else ""}
    fields["baby_death"] = {"baby_death_repeat_count": dead_num}
    if dead:
        fields["baby_death"]["baby_death_repeat"] = [_baby_death(report, baby) for baby in dead]
    any_baby_signs = any(baby["signs"] for baby in alive)
    fields["babys_condition"] = {"baby_repeat_note": "", "baby_repeat_count": alive_num}
    if alive:
        fields["babys_condition"]["baby_repeat"] = [
            {"baby_details": _baby_details(report, number, baby)} for number, baby in enumerate(alive, start=1)]
    fields["babys_condition"].update({
        "r_baby_danger_sign_present_joined": ", ".join(yes_no(bool(baby["signs"])) for baby in alive),
        "r_baby_danger_sign_present_any": yes_no(any_baby_signs)})
    fields["safe_postnatal_practices"] = blank(" ".join(f"safe_postnatal_practice_{number}" for number in range(1, 6)))
    visits: List[str] = facts["pnc_visits"]
    attended = "" if deceased and not alive else " ".join(visits) or "none"
    fields["pnc_visits"] = {
        "who_note": "", "pnc_visits_attended": attended, "pnc_visits_additional": "",
        "days": str((report.at.date() - born).days)}
    fields["summary"] = dict(
        blank("r_submit_note r_summary_details r_patient_details r_pregnancy_outcome r_woman_condition r_condition_well "
              "r_condition_unwell r_condition_deceased r_woman_death r_death_date r_death_place r_delivery_details "
              "r_delivery_date r_delivery_place r_babies_delivered_num r_babies_deceased_num r_danger_signs r_mom_fever "
              "r_mom_severe_headache r_mom_vaginal_bleeding r_mom_vaginal_discharge r_mom_convulsion r_pnc_visits "
              "r_pnc_visits_completed r_pnc_visit_24hrs r_pnc_visit_3days r_pnc_visit_7days r_pnc_visit_6weeks "
              "r_pnc_visit_none r_pnc_visits_add r_referrals r_refer_clinic_immediately r_refer_danger_sign "
              "r_mom_alive_unwell r_who_schedule_note r_pnc_schedule_note r_follow_up_tasks r_following_tasks "
              "r_fup_danger_sign r_fup_danger_sign_baby"),
        custom_translations=dict(
            WOMAN_LABELS, delivery_place_label_translator=facts["place"],
            delivery_place_label=facts["place"].replace("_", " ").capitalize(),
            woman_death_place_label_translator=facts["place"] if deceased else "", woman_death_place_label=""))
    fields["data"] = dict(
        {"__woman_condition": outcome, "__fever": answers["fever"], "__severe_headache": answers["severe_headache"],
         "__vaginal_bleeding": answers["vaginal_bleeding"], "__vaginal_discharge": answers["vaginal_discharge"],
         "__convulsions": answers["convulsion"], "__has_danger_sign": danger,
         "__woman_death_date": iso_day(facts.get("woman_died")), "__woman_death_place": facts["place"] if deceased else "",
         "__delivered_before_death": "yes" if deceased else "", "__woman_death_notes": "",
         "__babies_delivered": delivered_num, "__babies_deceased": dead_num, "__babies_alive": alive_num,
         "__delivery_date": iso_day(born), "__delivery_place": facts["place"],
         "__delivery_place_other": fields["delivery_outcome"]["delivery_place_other"], "__delivery_mode": facts["mode"],
         "__delivery_conductor": facts["conductor"],
         "__delivery_conductor_other": fields["delivery_outcome"]["delivery_conductor_other"]},
        **{f"__pnc_visit_{visit}": yes_no(visit in visits) for visit in PNC_VISITS},
        __pnc_visits_num_selected=str(len(visits)), __pnc_visits_additional="",
        meta=data_meta(report, __pregnancy_uuid=facts["pregnancy_uuid"]))
    return fields


def pnc_danger_sign_follow_up_mother(report: Report) -> Document:
    """Follow-up of a mother's danger signs after birth."""
    facts = report.facts
    answers = signs_answered(MOTHER_SIGNS, facts["signs"])
    data = {f"__{'convulsions' if sign == 'convulsion' else sign}": answer for sign, answer in answers.items()}
    return _pnc_follow_up(report, answers, data, {"custom_translations": dict(WOMAN_LABELS)})


def pnc_danger_sign_follow_up_baby(report: Report) -> Document:
    """Follow-up of a newborn's danger signs; the patient is the baby."""
    facts = report.facts
    answers = signs_answered(BABY_SIGNS, facts["signs"])
    data = {BABY_DATA_NAMES[sign]: answer for sign, answer in answers.items()}
    return _pnc_follow_up(report, answers, data, {})


def _pnc_follow_up(report: Report, answers: Document, data: Document, extra: Document) -> Document:
    facts = report.facts
    still = yes_no(bool(facts["signs"]))
    visited = yes_no(facts["visited"])
    return dict(
        {"inputs": inputs(report, delivery_uuid=facts["delivery_uuid"])}, **patient_fields(report),
        **referral_fields(report, bool(facts["signs"])),
        danger_signs=dict(
            {"visit_confirm": visited, "danger_sign_present": still, "danger_signs_question_note": ""}, **answers,
            r_danger_sign_present=still,
            **blank("congratulate_no_ds_note refer_patient_note_1 refer_patient_note_2"), **extra),
        data=dict({"__visited_hf": visited, "__still_experiencing_danger_sign": still}, **data, __has_danger_sign=still,
                  meta=data_meta(report, __delivery_uuid=facts["delivery_uuid"])))


def baby_profile(baby: Person, details: Document, delivered_on: Any, reported_on: Any, delivery_uuid: str) -> Document:
    """Members a delivery adds to the person it creates for a baby that lives.

    `delivered_on` and `reported_on` are the dates of the birth and of the report.
    """
    return {
        "vaccines_received": details["vaccines"],
        "t_danger_signs_referral_follow_up": yes_no(bool(details["signs"])),
        "t_danger_signs_referral_follow_up_date": local_midnight(reported_on + timedelta(days=REFERRAL_DAYS)),
        "measurements": {"weight": str(details["weight_g"]), "length": str(details["length_cm"])},
        "danger_signs": signs_answered(BABY_SIGNS, details["signs"]),
        "date_of_birth": iso_day(delivered_on), "name": baby.name, "created_by_doc": delivery_uuid}


def _baby_details(report: Report, number: int, baby: Document) -> Document:
    person: Person = baby["person"]
    answers = signs_answered(BABY_SIGNS, baby["signs"])
    profile = dict(baby_profile(person, baby, report.facts["date"], report.at.date(), report.id),
                   sex=baby["sex"], type="person", parent=person.parent.lineage())
    return dict(
        {"baby_n": str(number), "baby_condition": "alive_unwell" if baby["signs"] else "alive_well",
         "baby_name": person.name, "baby_sex": baby["sex"], "birth_weight_know": "yes",
         "birth_weight": str(baby["weight_g"]), "birth_length_know": "yes", "birth_length": str(baby["length_cm"]),
         "vaccines_received": baby["vaccines"], "imm_counsel_note": "", "breatfeeding": "yes",
         "breastfed_within_1_hour": yes_no(baby["breastfed_early"]), "baby_danger_sign_note": ""},
        **answers, r_baby_danger_sign_present=yes_no(bool(baby["signs"])), baby_profile=profile, child_doc=person.id)


def _baby_death(report: Report, baby: Document) -> Document:
    stillbirth = baby["person"] is None
    entry: Document = {
        "baby_death_date": iso_day(baby["died"]), "baby_death_place": baby["place"], "stillbirth": yes_no(stillbirth),
        "baby_death_add_notes": "", "baby_death_profile_doc": "" if stillbirth else baby["person"].id}
    if not stillbirth:
        person: Person = baby["person"]
        entry["baby_death_profile"] = {
            "type": "person", "name": person.name, "sex": person.sex, "date_of_birth": iso_day(report.facts["date"]),
            "date_of_death": iso_day(baby["died"]), "parent": person.parent.lineage(), "created_by_doc": report.id}
    return entry
