# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facilities, areas and households: the places of the default hierarchy."""

from __future__ import annotations

from datetime import timedelta
from typing import List

from cht_demo import names
from cht_demo.model import Area, Document, Place
from cht_demo.randomness import stream, uuid_for
from cht_demo.timeline import Span, epoch_ms, iso_day

AREAS_PER_FACILITY = 8
DOCUMENTS_PER_AREA = 500
ADMIN_USER = "admin"


def area_count(size: int) -> int:
    """Number of areas, and so of CHWs, in an instance of `size` documents."""
    return max(6, round(size / DOCUMENTS_PER_AREA))


def build_areas(seed: str, size: int, span: Span) -> List[Area]:
    """Return the areas with their facilities, still without CHW and households.

    About one CHW in ten falls silent 32 to 60 days before the end, one in eight synchronises slowly.
    """
    count = area_count(size)
    facilities = [_facility(seed, number, span) for number in range(max(2, round(count / AREAS_PER_FACILITY)))]
    areas = []
    silent = max(1, round(count * 0.1))
    for number in range(count):
        rng = stream(seed, "area", number)
        facility_number = number % len(facilities)
        facility = facilities[facility_number]
        place = Place(
            id=uuid_for(seed, "area", number), kind="health_center", name=names.area_name(number),
            place_id=str(20001 + number), parent=facility, created_by=ADMIN_USER,
            registered=span.start + timedelta(hours=8, seconds=number),
            latitude=facility.latitude + rng.uniform(-0.15, 0.15), longitude=facility.longitude + rng.uniform(-0.15, 0.15))
        areas.append(Area(
            place=place, facility=facility,
            activity=rng.uniform(0.3, 2.2), diligence=rng.uniform(0.55, 0.98),
            sync_factor=4.0 if number % 8 == 5 else rng.uniform(0.5, 1.5),
            facility_birth_share=0.60 + 0.06 * (facility_number % 5),
            silent_since=span.end - timedelta(days=rng.randint(32, 60)) if number % (count // silent) == 3 else None))
    return areas


def facilities_of(areas: List[Area]) -> List[Place]:
    """The distinct facilities, in the order of their first area."""
    return list({area.facility.id: area.facility for area in areas}.values())


def _facility(seed: str, number: int, span: Span) -> Place:
    rng = stream(seed, "facility", number)
    return Place(
        id=uuid_for(seed, "facility", number), kind="district_hospital", name=names.facility_name(number),
        place_id=str(1001 + number), parent=None, registered=span.start + timedelta(hours=7, seconds=number),
        created_by=ADMIN_USER, latitude=rng.uniform(-1.5, 0.5), longitude=rng.uniform(34.2, 36.5))


def build_household(seed: str, area: Area, number: int, span: Span) -> Place:
    """Return household `number` of an area; two thirds are registered in the first six weeks."""
    rng = stream(seed, "household", area.place.id, number)
    last_day = span.days - 3
    if area.silent_since is not None:
        last_day = (area.silent_since - span.start).days - 2
    day = rng.randint(1, 42) if rng.random() < 0.66 else rng.randint(43, last_day)
    moment = span.start + timedelta(days=day, hours=rng.randint(5, 15), minutes=rng.randrange(60), seconds=rng.randrange(60))
    return Place(
        id=uuid_for(seed, "household", area.place.id, number), kind="clinic", name="",
        place_id=str(int(area.place.place_id) * 1000 + number), parent=area.place, registered=moment,
        created_by=area.post_at(moment).user,
        latitude=area.place.latitude + rng.uniform(-0.02, 0.02), longitude=area.place.longitude + rng.uniform(-0.02, 0.02))


def place_document(place: Place) -> Document:
    """A place as the default configuration's contact forms save it."""
    document: Document = {
        "_id": place.id, "type": place.kind, "name": place.name, "place_id": place.place_id,
        "contact": {"_id": place.contact_id}, "reported_date": epoch_ms(place.registered),
        "is_name_generated": "true" if place.kind == "clinic" else "false", "external_id": "", "notes": "",
        "geolocation": {
            "latitude": round(place.latitude, 6), "longitude": round(place.longitude, 6), "altitude": None,
            "accuracy": 20, "altitudeAccuracy": None, "heading": None, "speed": None},
        "meta": {"created_by": place.created_by, "created_by_person_uuid": "", "created_by_place_uuid": ""},
        "created_on": iso_day(place.registered.date()),
    }
    if place.parent is not None:
        document["parent"] = place.parent.lineage()
    return document
