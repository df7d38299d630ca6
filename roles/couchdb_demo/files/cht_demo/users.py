# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""User-settings documents of CHWs, supervisors, facility managers and the administrator."""

from __future__ import annotations

from datetime import datetime
from typing import List, Union

from cht_demo.hierarchy import facilities_of
from cht_demo.model import Area, Document, Person, Planned, Place
from cht_demo.people import staff_member
from cht_demo.timeline import Span, epoch_ms


def facility_staff(seed: str, areas: List[Area], span: Span) -> List[Person]:
    """A manager and a supervisor for each facility; the manager becomes the facility's contact."""
    staff = []
    for facility in facilities_of(areas):
        manager = staff_member(seed, facility, "manager", 0, span)
        facility.contact_id = manager.id
        staff += [manager, staff_member(seed, facility, "chw_supervisor", 1, span)]
    return staff


def supervisor_user(facility: Place) -> str:
    """User name of a facility's supervisor."""
    return f"supervisor_{facility.place_id}"


def planned_users(areas: List[Area], staff: List[Person], span: Span) -> List[Planned]:
    """All users; `facility_id` is a string for most and an array for supervisors, as CHT 4.9 allows."""
    facilities = facilities_of(areas)
    documents: List[Document] = [
        {"_id": "org.couchdb.user:admin", "type": "user-settings", "name": "admin", "roles": ["_admin", "national_admin"],
         "known": True, "language": "en", "email": "", "phone": ""}]
    for person in staff:
        place = person.parent
        if person.role == "manager":
            documents.append(_document(f"manager_{place.place_id}", ["program_officer"], place.id, person))
        else:
            following = facilities[(facilities.index(place) + 1) % len(facilities)]
            documents.append(_document(supervisor_user(place), ["chw_supervisor"], [place.id, following.id], person))
    planned = [_planned(document, span.start) for document in documents]
    for area in areas:
        for post in area.posts:
            document = _document(post.user, ["chw"], area.place.id, post.person)
            entry = _planned(document, post.since)
            entry.area = area
            planned.append(entry)
    return planned


def _planned(document: Document, at: datetime) -> Planned:
    return Planned(id=document["_id"], kind="user-settings", at=at, render=lambda: dict(document))


def _document(name: str, roles: List[str], facility_id: Union[str, List[str]], person: Person) -> Document:
    return {
        "_id": f"org.couchdb.user:{name}", "type": "user-settings", "name": name, "fullname": person.name, "roles": roles,
        "facility_id": facility_id, "contact_id": person.id, "phone": person.phone, "email": "", "language": "en",
        "known": True, "reported_date": epoch_ms(person.registered)}
