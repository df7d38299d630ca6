# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all forms share: the envelope of a report, its inputs, and small helpers."""

from __future__ import annotations

from datetime import timedelta
from typing import Dict, Iterable, List

from cht_demo.model import Document, Report
from cht_demo.randomness import sha256_for
from cht_demo.timeline import epoch_ms, iso_day, local_midnight, months_between, years_between

FORM_TIME_MS = 1746138522000  # when the demo's forms were "uploaded"; a constant, in epoch milliseconds
REFERRAL_DAYS = 3  # a danger sign is followed up after so many days, as in the default configuration

HIDDEN_GROUPS = ("inputs", "summary", "data", "meta", "custom_translations", "context_vars", "safe_practices_tips")
WOMAN_LABELS = {
    "custom_woman_label_translator": "woman", "custom_woman_label": "the woman",
    "custom_woman_start_label_translator": "woman-start", "custom_woman_start_label": "The woman"}


def blank(names: str) -> Document:
    """A group of unanswered fields, named in one space-separated text."""
    return {name: "" for name in names.split()}


def yes_no(answer: bool) -> str:
    """How forms write a truth value."""
    return "yes" if answer else "no"


def signs_answered(all_signs: Iterable[str], present: Iterable[str]) -> Dict[str, str]:
    """One yes or no for each danger sign."""
    present = list(present)
    return {sign: yes_no(sign in present) for sign in all_signs}


def envelope(report: Report, fields: Document) -> Document:
    """The members of a report around its `fields`."""
    fields["meta"] = {"instanceID": f"uuid:{report.id}"}
    place = report.area.place
    document: Document = {
        "_id": report.id, "type": "data_record", "form": report.form, "content_type": "xml",
        "reported_date": epoch_ms(report.at), "contact": {"_id": report.author.id, "parent": place.lineage()},
        "from": report.author.phone, "fields": fields, "hidden_fields": hidden_fields(fields),
        "form_version": {"time": FORM_TIME_MS, "sha256": sha256_for(report.form)},
        "geolocation": {"latitude": round(report.patient.parent.latitude, 6),
                        "longitude": round(report.patient.parent.longitude, 6), "altitude": None, "accuracy": 18.5,
                        "altitudeAccuracy": None, "heading": None, "speed": None},
    }
    document["geolocation_log"] = [{"timestamp": epoch_ms(report.at), "recording": document["geolocation"]}]
    return document


def hidden_fields(fields: Document, prefix: str = "") -> List[str]:
    """Dotted paths of what the app hides from the reader: calculated groups, notes and summaries."""
    paths: List[str] = []
    for name, value in fields.items():
        if name in HIDDEN_GROUPS or "note" in name or name.startswith(("r_", "t_", "patient_", "current_")):
            paths.append(prefix + name)
        elif isinstance(value, dict):
            paths += hidden_fields(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            paths += hidden_fields(value[0], f"{prefix}{name}.")
    return paths


def inputs(report: Report, **extra: str) -> Document:
    """The `inputs` group: who the report is about and where it was opened from."""
    patient = report.patient
    group: Document = {
        "meta": {"location": {"lat": "", "long": "", "error": "", "message": ""}},
        "source": report.facts.get("source", "contact"), "source_id": report.facts.get("source_id", "")}
    group.update(extra)
    group["contact"] = {
        "_id": patient.id, "name": patient.name, "short_name": patient.short_name, "patient_id": patient.patient_id,
        "date_of_birth": iso_day(patient.born), "sex": patient.sex,
        "parent": {"_id": patient.parent.id,
                   "parent": {"contact": {"chw_name": report.author.name, "phone": report.author.phone}}}}
    return group


def patient_fields(report: Report) -> Document:
    """Identity of the patient as every form calculates it."""
    patient = report.patient
    return {
        "patient_age_in_years": str(years_between(patient.born, report.at.date())), "patient_uuid": patient.id,
        "patient_id": patient.patient_id, "patient_name": patient.name, "patient_short_name": patient.short_name,
        "patient_short_name_start": patient.short_name}


def age_fields(report: Report) -> Document:
    """Age in months and days on the day of the report, as the vital event forms carry it."""
    born, day = report.patient.born, report.at.date()
    return {"patient_age_in_months": str(months_between(born, day)), "patient_age_in_days": str((day - born).days)}


def data_meta(report: Report, **references: str) -> Document:
    """The `data.meta` group: identifiers for analytics."""
    meta = {
        "__patient_uuid": report.patient.id, "__patient_id": report.patient.patient_id,
        "__household_uuid": report.patient.parent.id, "__source": report.facts.get("source", "contact"),
        "__source_id": report.facts.get("source_id", "")}
    meta.update(references)
    return meta


def referral_fields(report: Report, danger: bool) -> Document:
    """The two fields that make the app ask for a follow-up of danger signs."""
    return {
        "t_danger_signs_referral_follow_up_date": local_midnight(report.at.date() + timedelta(days=REFERRAL_DAYS)),
        "t_danger_signs_referral_follow_up": yes_no(danger)}
