# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the live writer knows of an instance: read from CouchDB itself, kept small."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Dict, Iterable, List, Optional

from cht_demo.model import Area, Document, Person, Place, Post
from cht_demo.pregnancies import ACTIVE_DAYS

UNKNOWN_BIRTH = date(1990, 1, 1)
EPOCH = datetime.fromtimestamp(0, tz=timezone.utc)


class OpenPregnancy:
    """A pregnancy going on, as its reports tell it."""

    def __init__(self, uuid: str, woman: Person, area: Area, lmp: Optional[date], method: str) -> None:
        self.uuid = uuid
        self.woman = woman
        self.area = area
        self.lmp = lmp
        self.method = method
        self.appointment: Optional[date] = None
        self.appointment_source = uuid


class Directory:
    """Areas with their CHWs, women who may become pregnant, and pregnancies going on."""

    def __init__(self) -> None:
        self.areas: List[Area] = []
        self.women: List[Person] = []
        self.pregnancies: List[OpenPregnancy] = []

    def area_of(self, person: Person) -> Optional[Area]:
        """The area of a household member."""
        household = person.parent
        return next((area for area in self.areas if household.parent and area.place.id == household.parent.id), None)


def read_directory(documents: Iterable[Document], today: date) -> Directory:
    """Build the directory from all documents of the database medic."""
    places: Dict[str, Document] = {}
    people: Dict[str, Document] = {}
    users: Dict[str, str] = {}
    registrations: Dict[str, Document] = {}
    visits: List[Document] = []
    ended = set()
    for document in documents:
        kind = document.get("type")
        if kind == "person":
            people[document["_id"]] = _only(document, "_id", "name", "short_name", "sex", "date_of_birth", "parent", "patient_id",
                                            "phone", "date_of_death", "muted")
        elif kind in ("district_hospital", "health_center", "clinic"):
            places[document["_id"]] = _only(document, "_id", "type", "name", "place_id", "parent", "contact", "geolocation")
        elif kind == "user-settings" and document.get("contact_id"):
            users[document["contact_id"]] = document["name"]
        elif kind == "data_record":
            fields = document.get("fields", {})
            if document["form"] == "pregnancy":
                registrations[document["_id"]] = _pregnancy_facts(document)
            elif document["form"] == "delivery":
                ended.add(_reference(fields))
            elif document["form"] == "pregnancy_home_visit":
                visits.append(_pregnancy_facts(document))
                if fields.get("pregnancy_summary", {}).get("visit_option") != "yes":
                    ended.add(_reference(fields))
    return _assemble(places, people, users, registrations, visits, ended, today)


def _assemble(places: Dict[str, Document], people: Dict[str, Document], users: Dict[str, str],
              registrations: Dict[str, Document], visits: List[Document], ended: set, today: date) -> Directory:
    directory = Directory()
    built: Dict[str, Place] = {}
    areas: Dict[str, Area] = {}
    for place in places.values():
        if place["type"] != "health_center":
            continue
        chw = people.get((place.get("contact") or {}).get("_id", ""))
        parent = _place(places, built, (place.get("parent") or {}).get("_id"))
        if chw is None or parent is None:
            continue
        own = _place(places, built, place["_id"])
        area = Area(place=own, facility=parent, activity=1.0, diligence=1.0, sync_factor=1.0, facility_birth_share=0.72)
        area.posts.append(Post(since=EPOCH, person=_person(chw, own), user=users.get(chw["_id"], "chw")))
        areas[own.id] = area
        directory.areas.append(area)
    women: Dict[str, Person] = {}
    for person in people.values():
        household = _place(places, built, (person.get("parent") or {}).get("_id"))
        alive = not person.get("date_of_death") and not person.get("muted")
        if household is None or household.kind != "clinic" or not alive or person.get("sex") != "female":
            continue
        if household.parent is not None and household.parent.id in areas:
            women[person["_id"]] = _person(person, household)
    pregnant = set()
    for uuid, facts in registrations.items():
        woman = women.get(facts["patient_uuid"])
        if woman is None or uuid in ended:
            continue
        reference = facts["lmp"] or facts["reported"]
        if (today - reference).days > ACTIVE_DAYS:
            continue
        pregnancy = OpenPregnancy(uuid, woman, areas[woman.parent.parent.id], facts["lmp"], facts["method"])
        related = sorted([facts, *(visit for visit in visits if visit["pregnancy_uuid"] == uuid)], key=lambda one: one["at"])
        pregnancy.appointment = related[-1]["appointment"]
        pregnancy.appointment_source = related[-1]["_id"]
        pregnancy.lmp = related[-1]["lmp"] or facts["lmp"]
        directory.pregnancies.append(pregnancy)
        pregnant.add(woman.id)
    directory.women = [woman for woman in women.values()
                       if woman.id not in pregnant and 16 * 365 <= (today - woman.born).days <= 42 * 365]
    return directory


def _only(document: Document, *members: str) -> Document:
    return {member: document[member] for member in members if member in document}


def _reference(fields: Document) -> str:
    return fields.get("data", {}).get("meta", {}).get("__pregnancy_uuid", "")


def _pregnancy_facts(document: Document) -> Document:
    fields = document["fields"]
    method = fields.get("gestational_age", {}).get("register_method", {}).get("lmp_method", "method_lmp")
    return {"_id": document["_id"], "at": document["reported_date"], "patient_uuid": fields.get("patient_uuid", ""),
            "pregnancy_uuid": _reference(fields), "lmp": _day(fields.get("lmp_date_8601")), "method": method,
            "reported": datetime.fromtimestamp(document["reported_date"] / 1000, tz=timezone.utc).date(),
            "appointment": _day(fields.get("t_pregnancy_follow_up_date"))}


def _day(text: Optional[str]) -> Optional[date]:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def _place(places: Dict[str, Document], built: Dict[str, Place], place_id: Optional[str]) -> Optional[Place]:
    if place_id not in places:
        return None
    if place_id not in built:
        document = places[place_id]
        where = document.get("geolocation") or {}
        built[place_id] = Place(
            id=place_id, kind=document["type"], name=document.get("name", ""), place_id=document.get("place_id", ""),
            parent=_place(places, built, (document.get("parent") or {}).get("_id")), registered=EPOCH,
            latitude=where.get("latitude") or 0.0, longitude=where.get("longitude") or 0.0)
    return built[place_id]


def _person(document: Document, parent: Place) -> Person:
    return Person(
        id=document["_id"], name=document.get("name", ""), short_name=document.get("short_name", ""),
        sex=document.get("sex", ""), born=_day(document.get("date_of_birth")) or UNKNOWN_BIRTH, parent=parent,
        registered=EPOCH, patient_id=document.get("patient_id", ""), phone=document.get("phone", ""))
