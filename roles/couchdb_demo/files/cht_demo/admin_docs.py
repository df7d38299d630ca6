# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of the configuration: settings, forms, resources, translations and design documents.

They hold just enough to look like an instance and nothing that acts: no attachments, no
`validate_doc_update`, no update handlers.
"""

from __future__ import annotations

from datetime import datetime
from typing import List

from cht_demo.forms import FIELDS
from cht_demo.forms.common import FORM_TIME_MS
from cht_demo.model import Document, Planned
from cht_demo.randomness import sha256_for
from cht_demo.targets import GOALS
from cht_demo.tasks import EVENTS

CONTACT_TYPES = (
    {"id": "district_hospital", "name_key": "contact.type.district_hospital", "group_key": "contact.type.district_hospital.plural",
     "create_form": "form:contact:district_hospital:create", "edit_form": "form:contact:district_hospital:edit"},
    {"id": "health_center", "name_key": "contact.type.health_center", "group_key": "contact.type.health_center.plural",
     "create_form": "form:contact:health_center:create", "edit_form": "form:contact:health_center:edit",
     "parents": ["district_hospital"]},
    {"id": "clinic", "name_key": "contact.type.clinic", "group_key": "contact.type.clinic.plural",
     "create_form": "form:contact:clinic:create", "edit_form": "form:contact:clinic:edit", "parents": ["health_center"],
     "count_visits": True},
    {"id": "person", "name_key": "contact.type.person", "group_key": "contact.type.person.plural",
     "create_form": "form:contact:person:create", "edit_form": "form:contact:person:edit",
     "parents": ["district_hospital", "health_center", "clinic"], "person": True})


def medic_documents(at: datetime) -> List[Planned]:
    """Configuration documents of the database medic."""
    documents = [settings(), {"_id": "resources", "resources": {
        "icon-pregnancy": "icon-pregnancy.svg", "icon-infant": "icon-infant.svg", "icon-death-general": "icon-death-general.svg"}}]
    documents += [_form(f"form:{name}", name, name) for name in FIELDS]
    for kind in CONTACT_TYPES:
        documents += [_form(kind[member], kind[member][5:], kind["id"]) for member in ("create_form", "edit_form")]
    documents += [
        {"_id": "branding", "title": "CHT demo"}, {"_id": "partners", "resources": {}},
        {"_id": "extension-libs"}, {"_id": "messages-en", "type": "translations", "code": "en", "name": "English",
                                    "enabled": True, "generic": _labels("Health facility", "Area", "Household", "Person")},
        {"_id": "messages-fr", "type": "translations", "code": "fr", "name": "Français (French)", "enabled": True,
         "generic": _labels("Établissement de santé", "Zone", "Ménage", "Personne")},
        {"_id": "messages-ne", "type": "translations", "code": "ne", "name": "नेपाली (Nepali)", "enabled": True,
         "generic": _labels("स्वास्थ्य संस्था", "क्षेत्र", "घरधुरी", "व्यक्ति")}]
    documents += [
        _design("medic", {"docs_by_type": "emit(doc.type)"}),
        _design("medic-client", {"reports_by_form": "if (doc.form) { emit(doc.form); }",
                                 "contacts_by_parent": "if (doc.parent) { emit(doc.parent._id); }"})]
    return [_planned(document, at) for document in documents]


def sentinel_documents(at: datetime) -> List[Planned]:
    """Design document of the database medic-sentinel."""
    return [_planned(_design("sentinel", {"outbound_push_tasks": "if (doc.type === 'task:outbound') { emit(doc._id); }"}), at)]


def users_meta_documents(at: datetime) -> List[Planned]:
    """Design document of the database medic-users-meta."""
    return [_planned(_design("users-meta", {"feedback_by_date": "if (doc.type === 'feedback') { emit(doc.meta.time); }"}), at)]


def settings() -> Document:
    """The `settings` document: hierarchy, roles, tasks and targets of the default configuration."""
    return {
        "_id": "settings", "settings": {
            "locale": "en", "locale_outgoing": "en", "languages": [{"locale": "en", "enabled": True}],
            "contact_types": [dict(kind) for kind in CONTACT_TYPES], "place_hierarchy_types": ["district_hospital"],
            "roles": {
                "chw": {"name": "usertype.chw", "offline": True},
                "chw_supervisor": {"name": "usertype.chw_supervisor", "offline": True},
                "program_officer": {"name": "usertype.program_officer"}, "national_admin": {"name": "usertype.national_admin"}},
            "uhc": {"visit_count": {"month_start_date": 1, "visit_count_goal": 1}},
            "tasks": {"rules": "", "isDeclarative": True,
                      "schedules": [{"name": name, "title": title, "event": event}
                                    for event, (name, title, _before, _after) in EVENTS.items()],
                      "targets": {"enabled": True, "items": [{"id": name, "goal": goal} for name, goal in GOALS.items()]}},
            "transitions": {"generate_shortcode_on_contacts": True, "death_reporting": True, "muting": True,
                            "create_user_for_contacts": True},
            "death_reporting": {"mark_deceased_forms": ["death_report"], "undo_deceased_forms": ["undo_death_report"],
                                "date_field": "fields.death_details.date_of_death"}}}


def _form(doc_id: str, internal_id: str, title: str) -> Document:
    return {"_id": doc_id, "type": "form", "internalId": internal_id, "title": title, "context": {"person": True, "place": False},
            "xmlVersion": {"time": FORM_TIME_MS, "sha256": sha256_for(internal_id)}}


def _labels(facility: str, area: str, household: str, person: str) -> Document:
    return {"contact.type.district_hospital": facility, "contact.type.health_center": area, "contact.type.clinic": household,
            "contact.type.person": person}


def _design(name: str, views: Document) -> Document:
    return {"_id": f"_design/{name}", "language": "javascript",
            "views": {view: {"map": f"function(doc) {{ {body} }}"} for view, body in views.items()}}


def _planned(document: Document, at: datetime) -> Planned:
    kind = document.get("type") or ("design" if document["_id"].startswith("_design/") else document["_id"])
    return Planned(id=document["_id"], kind=kind, at=at, render=lambda: dict(document))
