# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of an instance: household members and health workers."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Callable, List, Optional

from cht_demo import names
from cht_demo.model import Area, Document, Person, Place, Post
from cht_demo.randomness import stream, uuid_for
from cht_demo.timeline import Span, epoch_ms, iso_day, years_between


def staff_member(seed: str, place: Place, role: str, number: int, span: Span) -> Person:
    """A health worker whose parent is an area or a facility."""
    rng = stream(seed, "staff", place.id, role, number)
    sex = "female" if rng.random() < 0.7 else "male"
    name, short_name = names.person_name(rng, sex)
    return Person(
        id=uuid_for(seed, "staff", place.id, role, number), name=name, short_name=short_name, sex=sex,
        born=span.start.date() - timedelta(days=rng.randint(22 * 365, 55 * 365)), parent=place,
        registered=place.registered + timedelta(minutes=20 + number), patient_id=f"{place.place_id}9{number}",
        role=role, phone=_phone(rng), created_by="admin")


def appoint_first_chw(seed: str, area: Area, span: Span) -> None:
    """Give the area its CHW and a user of that CHW."""
    person = staff_member(seed, area.place, "chw", 0, span)
    area.place.contact_id = person.id
    area.people.append(person)
    area.posts.append(Post(since=span.start, person=person, user=f"chw_{area.place.place_id}"))


def household_members(seed: str, area: Area, household: Place) -> List[Person]:
    """Return the members of a household and make one of them its contact.

    A mother of child-bearing age is nearly always there, mostly with a partner and children; some
    households have a second mother, a grandparent or another grown-up daughter.
    """
    rng = stream(seed, "members", household.id)
    today = household.registered.date()
    members: List[Person] = []

    def add(sex: str, born: date, phone: bool) -> Person:
        name, short_name = names.person_name(rng, sex)
        number = len(members)
        person = Person(
            id=uuid_for(seed, "person", household.id, number), name=name, short_name=short_name, sex=sex, born=born,
            parent=household, registered=household.registered + timedelta(minutes=2 * number + 1, seconds=rng.randrange(60)),
            patient_id=f"{household.place_id}{number}", phone=_phone(rng) if phone else "", created_by=household.created_by)
        members.append(person)
        return person

    mother: Optional[Person] = None
    if rng.random() < 0.92:
        mother_age = int(rng.triangular(16, 45, 24) * 365.25)
        mother = add("female", today - timedelta(days=mother_age + rng.randrange(365)), phone=rng.random() < 0.6)
        if rng.random() < 0.78:
            add("male", mother.born - timedelta(days=rng.randint(-400, 3600)), phone=rng.random() < 0.7)
        _add_children(rng, add, mother, today)
        if rng.random() < 0.4:
            second = add("female", today - timedelta(days=int(rng.triangular(16, 38, 23) * 365.25)), phone=rng.random() < 0.5)
            _add_children(rng, add, second, today)
    if mother is None or rng.random() < 0.18:
        sex = rng.choice(("female", "male"))
        add(sex, today - timedelta(days=rng.randint(50 * 365, 88 * 365)), phone=rng.random() < 0.3)
    if rng.random() < 0.35:
        add("female", today - timedelta(days=rng.randint(15 * 366, 26 * 365)), phone=rng.random() < 0.5)
    head = members[0]
    household.contact_id = head.id
    household.name = f"{head.name} Household"
    return members


def _add_children(rng: random.Random, add: Callable[..., Person], mother: Person, today: date) -> None:
    """Add children born since the mother was 15, spaced by 18 months or more, eldest first."""
    fertile_days = (today - mother.born).days - 16 * 365
    births = []
    days_ago = rng.randint(20, 2800)
    while days_ago < fertile_days and len(births) < rng.randint(1, 5):
        births.append(today - timedelta(days=days_ago))
        days_ago += rng.randint(600, 2000)
    for born in reversed(births):
        add(rng.choice(("female", "male")), born, phone=False)
    if births:
        mother.last_birth = births[0]


def is_of_reproductive_age(person: Person, day: date) -> bool:
    """A woman of 14 to 49 years who may be registered as pregnant."""
    return person.sex == "female" and 14 <= years_between(person.born, day) <= 46


def _phone(rng: random.Random) -> str:
    return f"+2547000{rng.randrange(100000):05d}"


def person_document(person: Person, notes: str = "") -> Document:
    """A person as the default configuration's contact forms save it, about 0.9 KB."""
    born = iso_day(person.born)
    document: Document = {
        "_id": person.id, "type": "person", "name": person.name, "short_name": person.short_name,
        "date_of_birth": born, "date_of_birth_method": "",
        "ephemeral_dob": {
            "dob_calendar": born, "dob_method": "", "ephemeral_months": "", "ephemeral_years": "",
            "dob_approx": "", "dob_raw": born, "dob_iso": born},
        "sex": person.sex, "phone": person.phone, "phone_alternate": "", "role": person.role, "external_id": "",
        "notes": notes, "patient_id": person.patient_id, "parent": person.parent.lineage(),
        "reported_date": epoch_ms(person.registered),
        "user_attribution": {"custom_phone": "", "custom_role": ""},
        "meta": {
            "created_by": person.created_by, "created_by_person_uuid": "",
            "created_by_place_uuid": person.parent.parent.id if person.parent.parent else ""},
    }
    if person.died is not None:
        document["date_of_death"] = iso_day(person.died)
    document.update(person.birth_details)
    return document
