# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of pregnancy: registration, home visit, reminder, danger signs and their follow-up."""

from __future__ import annotations

from datetime import date, timedelta
from typing import List, Optional

from cht_demo.forms.common import (
    WOMAN_LABELS, blank, data_meta, inputs, patient_fields, referral_fields, signs_answered, yes_no)
from cht_demo.model import Document, Report
from cht_demo.timeline import iso_day, spoken_day

PREGNANCY_DAYS = 280  # from the last menstrual period to the expected date of delivery
DANGER_SIGNS = (
    "vaginal_bleeding", "fits", "severe_abdominal_pain", "severe_headache", "very_pale", "fever",
    "reduced_or_no_fetal_movements", "breaking_water", "easily_tired", "face_hand_swelling", "breathlessness")
PRIMARY_RISKS = ("heart_condition", "asthma", "high_blood_pressure", "diabetes")
SECONDARY_RISKS = ("previous_difficulties", "more_than_4_children", "last_baby_born_less_than_1_year_ago")


def edd(lmp: Optional[date]) -> Optional[date]:
    """Expected date of delivery, None when the LMP is not known."""
    return lmp + timedelta(days=PREGNANCY_DAYS) if lmp else None


def pregnancy(report: Report) -> Document:
    """Registration of a pregnancy, about 9 KB."""
    facts = report.facts
    lmp, method, day = facts["lmp"], facts["method"], report.at.date()
    risks, danger = facts["risks"], facts["signs"]
    known = method != "method_none"
    answers = signs_answered(DANGER_SIGNS, danger)
    has_risk = bool(risks) or facts["first_pregnancy"] or facts["previous_miscarriage"]
    weeks = (day - lmp).days // 7 if lmp else 0
    user = {"contact_id": report.author.id, "parent": {"_id": report.area.place.id}}
    fields: Document = {"inputs": dict(inputs(report), user=user)}
    fields.update(patient_fields(report))
    fields.update(_dating(lmp, day))
    fields.update({
        "lmp_method_approx": yes_no(method == "method_approx"), "hiv_status_known": yes_no(facts["hiv_tested"]),
        "deworming_med_received": yes_no(facts["dewormed"]), "tt_received": yes_no(facts["tetanus"]),
        "t_pregnancy_follow_up_date": iso_day(facts["appointment"]),
        "t_pregnancy_follow_up": yes_no(facts["appointment"] is not None) if known else ""})
    fields.update(referral_fields(report, bool(danger)))
    fields["gestational_age"] = {
        "register_method": {"register_note": "", "lmp_method": method},
        "method_lmp": {"u_lmp_date": iso_day(lmp) if method == "method_lmp" else ""},
        "method_approx": {
            "lmp_approx": "approx_weeks" if method == "method_approx" else "",
            "lmp_approx_weeks": str(weeks) if method == "method_approx" else "", "lmp_approx_months": ""},
        "method_edd": {"u_edd": iso_day(edd(lmp)) if method == "method_edd" else ""},
        "method_lmp_summary": blank(
            "lmp_check_note lmp_approx_weeks_check_note lmp_approx_months_check_note u_edd_note edd_note lmp_note "
            "edd_check_note"),
        "g_lmp_date_8601": iso_day(lmp), "g_lmp_date": spoken_day(lmp),
        "g_edd_8601": iso_day(edd(lmp)), "g_edd": spoken_day(edd(lmp)),
        "method_none": dict(
            blank("no_info_notice pregnancy_confirm_note"),
            no_info_pregnancy_reason="" if known else facts["no_info_reason"])}
    past = _past_visits(facts["visit_dates"])
    count = past.pop("visited_hf_count")
    fields["anc_visits_hf"] = {
        "anc_visits_hf_past": {
            "visited_hf_count": count if known else "",
            "visited_dates_group": dict(
                blank("visited_count_confim_note_single visited_count_confim_note_multiple"), **past)},
        "anc_visits_hf_next": _next_visit(facts["appointment"], known)}
    fields["risk_factors"] = {
        "risk_factors_history": {"first_pregnancy": yes_no(facts["first_pregnancy"]),
                                 "previous_miscarriage": yes_no(facts["previous_miscarriage"])},
        "risk_factors_present": {
            "primary_condition": " ".join(risk for risk in risks if risk in PRIMARY_RISKS) or "none",
            "secondary_condition": " ".join(risk for risk in risks if risk in SECONDARY_RISKS) or "none",
            "additional_risk_check": "no", "additional_risk": ""},
        "r_risk_factor_present": yes_no(has_risk)}
    fields["danger_signs"] = _danger_group(answers, danger)
    fields["safe_pregnancy_practices"] = dict(_practices(facts, "uses_llin"), request_services="")
    fields["summary"] = _summary(
        "r_risk_first_pregnancy r_risk_previous_miscarriage r_risk_previous_difficulties r_risk_more_than_4_children "
        "r_risk_last_baby_born_less_than_1_year_ago r_space_2 check-", lmp, facts["appointment"])
    data: Document = {
        "__lmp_method": method, "__no_lmp_registration_reason": "" if known else facts["no_info_reason"],
        "__lmp_date": iso_day(lmp), "__lmp_approx_weeks": str(weeks) if method == "method_approx" else "",
        "__lmp_approx_months": "", "__edd": iso_day(edd(lmp)), "__num_previous_anc_hf_visits": count if known else "",
        "__previous_anc_hf_visit_dates": ", ".join(iso_day(visit) for visit in facts["visit_dates"])}
    data.update(_data_next_visit(facts["appointment"], known))
    data.update({"__has_risk_factors": yes_no(has_risk), "__first_pregnancy": yes_no(facts["first_pregnancy"]),
                 "__previous_miscarriage": yes_no(facts["previous_miscarriage"])})
    data.update({f"__{risk}": yes_no(risk in risks) for risk in SECONDARY_RISKS + PRIMARY_RISKS})
    data.update({"__additional_high_risk_condition_to_report": "no", "__additional_high_risk_condition": ""})
    data.update(_data_signs(answers, danger))
    data.update(_data_practices(facts))
    data["meta"] = data_meta(report)
    fields["data"] = data
    return fields


def pregnancy_home_visit(report: Report) -> Document:
    """Home visit to a pregnant woman, about 10 KB; it may end the pregnancy or correct its dating."""
    facts = report.facts
    day, option, danger = report.at.date(), facts["visit_option"], facts["signs"]
    lmp_before, lmp_new = facts["lmp_before"], facts["lmp_new"]
    lmp = lmp_new or lmp_before
    going_on = option == "yes"
    answers = signs_answered(DANGER_SIGNS, danger) if going_on else blank(" ".join(DANGER_SIGNS))
    fields: Document = {"inputs": inputs(report)}
    fields.update(patient_fields(report))
    fields.update(_dating(lmp, day))
    fields.update({
        "lmp_method_approx": yes_no(facts["method"] == "method_approx"), "lmp_updated": yes_no(lmp_new is not None),
        "t_pregnancy_follow_up_date": iso_day(facts["appointment"]),
        "t_pregnancy_follow_up": yes_no(facts["appointment"] is not None) if going_on else ""})
    fields.update(referral_fields(report, bool(danger)))
    fields.update({"hiv_status_known": yes_no(facts["hiv_tested"]), "tt_received": yes_no(facts["tetanus"]),
                   "deworming_med_received": yes_no(facts["dewormed"])})
    fields["context_vars"] = {
        "lmp_date_8601_ctx": iso_day(lmp_before), "lmp_method_approx_ctx": yes_no(facts["method"] == "method_approx"),
        "pregnancy_follow_up_date_recent_ctx": iso_day(facts["last_appointment"]), "risk_factors_ctx": "",
        "risk_factor_extra_ctx": "", "hiv_tested_ctx": yes_no(facts["hiv_tested"]), "tt_received_ctx": yes_no(facts["tetanus"]),
        "deworming_med_received_ctx": yes_no(facts["dewormed"]), "edd_ctx": iso_day(edd(lmp_before)),
        "weeks_since_lmp_rounded_ctx": str((day - lmp_before).days // 7) if lmp_before else "",
        "pregnancy_uuid_ctx": facts["pregnancy_uuid"]}
    fields["pregnancy_summary"] = dict(
        blank("current_weeks_pregnant current_weeks_pregnant_unknown current_edd current_edd_unknown"),
        visit_option=option, g_age_correct=yes_no(lmp_new is None) if going_on and lmp_before else "")
    fields["pregnancy_ended"] = dict(
        blank("miscarriage_note abortion_note refusing_note migrated_note end_pregnancy_note cear_note submit_note back_note"),
        miscarriage_date=iso_day(facts["ended"]) if option == "miscarriage" else "",
        abortion_date=iso_day(facts["ended"]) if option == "abortion" else "",
        clear_option="clear_all" if option in ("refused", "migrated") else "")
    weeks_new = str((day - lmp_new).days // 7) if lmp_new else ""
    fields["update_g_age"] = {
        "update_method": {"g_age_update_method": "method_weeks" if lmp_new else "", "lmp_weeks_new": weeks_new,
                          "u_edd_new": ""},
        "update_summary": blank(
            "update_check_note previous_info previous_g_age previous_g_age_unknown previous_edd previous_edd_unknown "
            "new_info new_g_age new_edd edd_check_note"),
        "lmp_date_8601_new": iso_day(lmp_new), "lmp_date_new": spoken_day(lmp_new),
        "edd_8601_new": iso_day(edd(lmp_new)), "edd_new": spoken_day(edd(lmp_new))}
    attended = facts["last_visit_attended"] if going_on else ""
    other = facts["other_visits"] if going_on else []
    fields["anc_visits_hf"] = {
        "anc_visits_hf_past": dict(
            {"pregnancy_follow_up_date_recent": iso_day(facts["last_appointment"]), "last_visit_attended": attended,
             "report_other_visits": yes_no(bool(other)) if going_on else ""},
            **_past_visits(other)),
        "risk_factors": dict(
            blank("previous_risk_factors_note no_previous_risks_note first_pregnancy_note previous_miscarriage_note "
                  "previous_difficulties_note more_than_4_children_note last_baby_born_less_than_1_year_ago_note "
                  "heart_condition_note asthma_note high_blood_pressure_note diabetes_note extra_risk_note additional_risk"),
            new_risks="none" if going_on else "", additional_risk_check="no" if going_on else "",
            r_risk_factor_present="no" if going_on else ""),
        "anc_visits_hf_next": _next_visit(facts["appointment"], going_on)}
    fields["danger_signs"] = _danger_group(answers, danger)
    fields["safe_pregnancy_practices"] = dict(_practices(facts, "llin_use"), safe_pregnancy_practices="")
    fields["summary"] = _summary("r_follow_up_tasks", lmp, facts["appointment"])
    data: Document = {
        "__activity_to_report": option, "__gestational_age_correct": fields["pregnancy_summary"]["g_age_correct"],
        "__miscarriage_date": fields["pregnancy_ended"]["miscarriage_date"],
        "__abortion_date": fields["pregnancy_ended"]["abortion_date"],
        "__visit_task_clear_option": fields["pregnancy_ended"]["clear_option"],
        "__gestational_age_update_method": "method_weeks" if lmp_new else "", "__gestational_age_update_weeks": weeks_new,
        "__gestational_age_update_edd": "", "__lmp_updated": yes_no(lmp_new is not None), "__lmp_date_new": iso_day(lmp_new),
        "__edd_new": iso_day(edd(lmp_new)), "__last_visit_attended": attended,
        "__report_additional_anc_hf_visits": yes_no(bool(other)) if going_on else "",
        "__num_additional_anc_hf_visits": str(len(other)) if other else "",
        "__additional_anc_hf_visit_dates": ", ".join(iso_day(visit) for visit in other),
        "__has_risk_factors_not_previously_reported": "no" if going_on else ""}
    data.update(blank("__heart_condition __asthma __high_blood_pressure __diabetes "
                      "__additional_high_risk_condition_to_report __additional_high_risk_condition"))
    data.update(_data_next_visit(facts["appointment"], going_on))
    data.update(_data_signs(answers, danger))
    data.update(_data_practices(facts))
    data["meta"] = data_meta(report, __pregnancy_uuid=facts["pregnancy_uuid"])
    fields["data"] = data
    return fields


def pregnancy_facility_visit_reminder(report: Report) -> Document:
    """Reminder of the next visit to a health facility."""
    facts = report.facts
    return dict(
        {"inputs": inputs(report, source_visit_date=iso_day(facts["appointment"]))},
        **patient_fields(report),
        pregnancy_uuid_ctx=facts["pregnancy_uuid"], visit_date_for_task=spoken_day(facts["appointment"]),
        facility_visit_reminder={
            "remind_note": "", "remind_method": facts["remind_method"], "custom_translations": dict(WOMAN_LABELS)},
        data={"__how_reminded": facts["remind_method"],
              "meta": data_meta(report, __pregnancy_uuid=facts["pregnancy_uuid"])})


def pregnancy_danger_sign(report: Report) -> Document:
    """Danger signs reported between visits."""
    facts = report.facts
    answers = signs_answered(DANGER_SIGNS, facts["signs"])
    return dict(
        {"inputs": inputs(report)}, **patient_fields(report), **referral_fields(report, bool(facts["signs"])),
        pregnancy_uuid_ctx=facts["pregnancy_uuid"],
        danger_signs=dict(_danger_group(answers, facts["signs"]), custom_translations=dict(WOMAN_LABELS)),
        data=dict(_data_signs(answers, facts["signs"]),
                  meta=data_meta(report, __pregnancy_uuid=facts["pregnancy_uuid"])))


def pregnancy_danger_sign_follow_up(report: Report) -> Document:
    """Follow-up of danger signs: was the facility visited, and are signs still there?"""
    facts = report.facts
    danger = facts["signs"]
    answers = signs_answered(DANGER_SIGNS, danger) if danger else blank(" ".join(DANGER_SIGNS))
    return dict(
        {"inputs": inputs(report)}, **patient_fields(report), **referral_fields(report, bool(danger)),
        pregnancy_uuid_ctx=facts["pregnancy_uuid"],
        danger_signs=dict(
            {"visit_confirm": yes_no(facts["visited"]), "danger_sign_present": yes_no(bool(danger))},
            **blank("congratulate_no_ds_note refer_patient_note_1 refer_patient_note_2 danger_signs_question_note"),
            **answers, r_danger_sign_present=yes_no(bool(danger)), custom_translations=dict(WOMAN_LABELS)),
        data=dict(
            {"__visited_hf": yes_no(facts["visited"]), "__still_experiencing_danger_sign": yes_no(bool(danger))},
            **_data_signs(answers, danger), meta=data_meta(report, __pregnancy_uuid=facts["pregnancy_uuid"])))


def _dating(lmp: Optional[date], day: date) -> Document:
    if lmp is None:
        return blank("lmp_date_8601 edd_8601 days_since_lmp weeks_since_lmp weeks_since_lmp_rounded")
    days = (day - lmp).days
    return {"lmp_date_8601": iso_day(lmp), "edd_8601": iso_day(edd(lmp)), "days_since_lmp": str(days),
            "weeks_since_lmp": str(round(days / 7, 2)), "weeks_since_lmp_rounded": str(days // 7)}


def _past_visits(visits: List[date]) -> Document:
    """Earlier visits to a facility: one has a field of its own, several are a repeat group."""
    single = len(visits) == 1
    group: Document = {
        "visited_hf_count": str(len(visits)), "visited_date_ask_single": "yes" if single else "",
        "visited_date_single": iso_day(visits[0]) if single else "", "visited_dates_multiple_note": "",
        "visited_dates_multiple_note_section": "", "visited_dates_count": str(len(visits))}
    if len(visits) > 1:
        group["visited_dates"] = [{"visited_date_ask_multiple": "yes", "visited_date": iso_day(visit)} for visit in visits]
    return group


def _next_visit(appointment: Optional[date], asked: bool) -> Document:
    return {"anc_next_visit_date": {"appointment_date_known": yes_no(appointment is not None) if asked else "",
                                    "appointment_date": iso_day(appointment)},
            "anc_visit_advice_note": blank("who_recommends_note prenancy_age_note refer_note")}


def _danger_group(answers: Document, danger: List[str]) -> Document:
    return dict(
        blank("danger_signs_note danger_signs_question_note"), **answers,
        r_danger_sign_present=yes_no(bool(danger)),
        **blank("congratulate_no_ds_note refer_patient_note_1 refer_patient_note_2"))


def _practices(facts: Document, llin_field: str) -> Document:
    return {
        "malaria": {llin_field: yes_no(facts["llin"]), "llin_advice_note": "", "malaria_prophylaxis_note": ""},
        "iron_folate": {"iron_folate_daily": yes_no(facts["iron"]), "iron_folate_note": ""},
        "deworming": {"deworming_med": yes_no(facts["dewormed"]), "deworming_med_note": ""},
        "safe_practices_tips": blank("eat_more_note talk_softly_note respond_move_note deliver_hf_note"),
        "hiv_status": {"hiv_tested": yes_no(facts["hiv_tested"]), "hiv_importance_note": ""},
        "tetanus": {"tt_imm_received": yes_no(facts["tetanus"]), "tt_note_1": "", "tt_note_2": ""}}


def _summary(extra: str, lmp: Optional[date], appointment: Optional[date]) -> Document:
    """The summary page: notes without a value, and three calculated texts."""
    notes = ("r_submit_note r_summary_details r_patient_details r_summary r_pregnancy_details r_pregnancy_details_unknown "
             "r_risk_factors r_risk_heart_condition r_risk_asthma r_risk_high_blood_pressure r_risk_diabetes "
             "r_risk_additional r_danger_signs ")
    notes += " ".join(f"r_danger_sign_{sign}" for sign in DANGER_SIGNS)
    notes += (" r_space_1 r_referrals r_refer_clinic_immediately r_refer_danger_sign r_routine_anc r_request_services "
              "r_request_service_tt r_request_service_hiv_test r_request_service_deworming r_request_service_iron "
              "r_who_recommends r_refer_hf_appropriate_time r_refer_hf_immediately r_following_tasks r_fup_danger_sign "
              "r_fup_hf_visit r_fup_pregnancy_visit r_fup_pregnancy_visit_2_weeks ")
    return dict(blank(notes + extra), next_visit_weeks="2", edd_summary=spoken_day(edd(lmp)),
                next_appointment_date=spoken_day(appointment), custom_translations=dict(WOMAN_LABELS))


def _data_next_visit(appointment: Optional[date], asked: bool) -> Document:
    return {"__next_anc_hf_visit_date_known": yes_no(appointment is not None) if asked else "",
            "__next_anc_hf_visit_date": iso_day(appointment)}


def _data_signs(answers: Document, danger: List[str]) -> Document:
    data = {f"__{sign}": answer for sign, answer in answers.items()}
    data["__has_danger_sign"] = yes_no(bool(danger))
    return data


def _data_practices(facts: Document) -> Document:
    return {"__uses_llin": yes_no(facts["llin"]), "__takes_iron_folate_daily": yes_no(facts["iron"]),
            "__received_deworming_meds": yes_no(facts["dewormed"]),
            "__tested_for_hiv_in_past_3_months": yes_no(facts["hiv_tested"]),
            "__received_tetanus_toxoid_this_pregnancy": yes_no(facts["tetanus"])}
