# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of deaths and of a CHW's replacement."""

from __future__ import annotations

from cht_demo.forms.common import age_fields, blank, data_meta, inputs, patient_fields, yes_no
from cht_demo.model import Document, Report
from cht_demo.timeline import iso_day


def death_report(report: Report) -> Document:
    """Report of a death, about 2 KB."""
    facts = report.facts
    details = {
        "date_of_death": iso_day(facts["died"]), "place_of_death": facts["place"],
        "place_of_death_other": "On the road" if facts["place"] == "other" else "", "death_information": facts["information"]}
    return dict(
        {"inputs": inputs(report)}, **_vital_patient(report), death_details=details,
        group_review=dict(blank("submit r_summary_details r_patient_details r_death_info r_key_instruction blank_note "
                                "r_referral r_undo"), c_patient_age=_spoken_age(report)),
        data=dict({f"__{name}": value for name, value in details.items()}, meta=data_meta(report)))


def undo_death_report(report: Report) -> Document:
    """Withdrawal of a death reported by mistake."""
    return dict(
        {"inputs": inputs(report)}, **_vital_patient(report), undo={"undo_information": yes_no(True)},
        data={"__confirm_undo": yes_no(True), "meta": data_meta(report)})


def replace_user(report: Report) -> Document:
    """A supervisor hands a CHW's user over to a new person; `patient_id` is the former CHW's uuid."""
    facts = report.facts
    new, old, place = facts["new"], report.patient, report.area.place
    born = iso_day(new.born)
    lineage = {"_id": place.id, "parent": {"_id": report.area.facility.id}}
    return {
        "inputs": {
            "meta": {"location": {"lat": "", "long": "", "error": "", "message": ""}}, "source": "contact", "source_id": "",
            "user": {"contact_id": old.id, "facility_id": place.id, "name": facts["user"], "phone": old.phone},
            "contact": {"_id": old.id, "role": "chw", "parent": lineage}},
        "patient_id": old.id, "parent_1_id": place.id, "parent_2_id": report.area.facility.id, "parent_3_id": "",
        "user_phone": old.phone, "contact_role": "chw", "created_by": facts["user"], "created_by_person_uuid": old.id,
        "created_by_place_uuid": place.id,
        "intro": {"warning_header": "", "warning": "", "admin_code": "1234"},
        "new_contact": {
            "parent": lineage, "type": "person", "name": new.name, "short_name": new.short_name, "date_of_birth": born,
            "date_of_birth_method": "",
            "ephemeral_dob": dict(blank("age_label age_years age_months dob_method ephemeral_months ephemeral_years "
                                        "dob_approx dob_debug"), dob_calendar=born, dob_raw=born, dob_iso=born),
            "sex": new.sex, "phone_read_only": old.phone, "new_phone": new.phone, "phone": new.phone, "phone_alternate": "",
            "role": "chw", "external_id": "",
            "meta": {"created_by": facts["user"], "created_by_person_uuid": old.id, "created_by_place_uuid": place.id},
            "created_by_doc": report.id},
        "replacement_contact_id": new.id, "new_contact_name": new.name, "new_contact_phone": new.phone,
        "outro": {"warning_header": "", "warning": ""},
    }


def _vital_patient(report: Report) -> Document:
    fields = patient_fields(report)
    fields.pop("patient_short_name_start")
    fields.update(age_fields(report))
    fields["patient_display_name"] = f"{report.patient.name} ({report.patient.short_name})"
    return fields


def _spoken_age(report: Report) -> str:
    ages = age_fields(report)
    days, months = int(ages["patient_age_in_days"]), int(ages["patient_age_in_months"])
    if days < 31:
        return f"{days} days old"
    return f"{months} months old" if months < 12 else f"{months // 12} years old"
