# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deaths outside birth, their withdrawal, mutings, and the replacement of CHWs."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import List, Optional, Tuple

from cht_demo.model import Area, Person, Place, Post, Report
from cht_demo.people import staff_member
from cht_demo.pregnancies import Registry
from cht_demo.randomness import stream, uuid_for
from cht_demo.timeline import Span, mostly_weekday, working_moment, years_between

CAUSES = ("Fever for several days", "Old age", "Accident on the road", "Difficulty breathing", "After a long illness",
          "Diarrhoea and dehydration", "Unknown", "मृत्युको कारण थाहा छैन", "Décès à domicile")
NUL_INFORMATION = "Fell ill at night\u0000 and died before morning"


def replace_chws(seed: str, areas: List[Area], span: Span) -> List[Report]:
    """Replace about one CHW in fifteen in mid-year; returns the replace_user reports.

    Must run before households and reports are made, for these name the CHW of their day.
    """
    reports = []
    for number, area in enumerate(areas):
        if number % 15 != 4 or area.silent_since is not None:
            continue
        rng = stream(seed, "replacement", area.place.id)
        area.activity = max(area.activity, 1.2)  # so that both CHWs have reports
        at = working_moment(rng, span.day(rng.randint(150, 230)))
        old = area.posts[0]
        new = staff_member(seed, area.place, "chw", 1, span)
        new.registered, new.created_by = at, old.user
        report = Report(
            id=uuid_for(seed, "replace_user", area.place.id), form="replace_user", area=area, author=old.person,
            patient=old.person, at=at, facts={"new": new, "user": old.user})
        new.birth_details = {"created_by_doc": report.id}
        area.posts.append(Post(since=at + timedelta(hours=1), person=new, user=f"{old.user}_{rng.randint(1000, 9999)}"))
        area.people.append(new)
        reports.append(report)
    return reports


def newborn_and_maternal_deaths(seed: str, registry: Registry, span: Span) -> List[Report]:
    """Deaths within 28 days of birth, and a few women within 42 days; reported some days later."""
    reports = []
    births = [pregnancy for pregnancy in registry.pregnancies if pregnancy.delivery is not None]
    for number, pregnancy in enumerate(births):
        rng = stream(seed, "early death", pregnancy.registration.id)
        delivery = pregnancy.delivery
        patients = [baby["person"] for baby in delivery.facts["babies"] if baby["alive"]]
        if number % 45 == 7 and patients and not patients[0].has_reports:
            reports.append(_death(seed, span, delivery.area, patients[0], delivery.facts["date"] + timedelta(
                days=rng.randint(1, 28)), after=delivery.at))
        if number % 110 == 60 and not delivery.facts["signs"] and pregnancy.woman.died is None:
            reports.append(_death(seed, span, delivery.area, pregnancy.woman, delivery.facts["date"] + timedelta(
                days=rng.randint(3, 41)), after=delivery.at))
    return [report for report in reports if report is not None]


def other_deaths(seed: str, areas: List[Area], span: Span, count: int) -> List[Report]:
    """About `count` deaths of people without other reports: mostly the old, then small children.

    The first report carries a NUL character, as some real documents do.
    """
    pool = [(area, person) for area in areas for person in area.people
            if person.role == "patient" and not person.has_reports and person.died is None and not person.birth_details]
    weights = [_mortality(person, span.end.date()) for _area, person in pool]
    rng = stream(seed, "deaths")
    reports: List[Report] = []
    chosen = set()
    for _try in range(count * 4):
        if len(reports) == count:
            break
        area, person = rng.choices(pool, weights=weights)[0]
        earliest = max(person.registered + timedelta(days=1), span.start + timedelta(days=20))
        days = (span.end - earliest).days - 3
        if person.id in chosen or days < 1:
            continue
        report = _death(seed, span, area, person, (earliest + timedelta(days=rng.randint(0, days))).date(), after=earliest)
        if report is not None:
            chosen.add(person.id)
            reports.append(report)
    if reports:
        reports[0].facts["information"] = NUL_INFORMATION
    return reports


def undo_some(seed: str, deaths: List[Report], span: Span) -> List[Report]:
    """Withdraw a few of the given death reports; these people live, so `died` is reset."""
    reports = []
    for number, death in enumerate(deaths):
        if number % 12 != 5 or number == 0:
            continue
        rng = stream(seed, "undo", death.id)
        at = working_moment(rng, death.at.date() + timedelta(days=rng.randint(1, 4)))
        if at >= span.end or not death.area.works_at(at):
            continue
        death.facts["undone"] = at
        death.patient.died = None
        reports.append(Report(
            id=uuid_for(seed, "undo", death.id), form="undo_death_report", area=death.area,
            author=death.area.post_at(at).person, patient=death.patient, at=at, facts={}))
    return reports


def choose_muted(seed: str, areas: List[Area], span: Span, count: int) -> List[Tuple[Area, Person, datetime]]:
    """People who moved away: not the contact of their household, and without any report."""
    pool = _quiet_people(areas)
    rng = stream(seed, "muted")
    chosen = rng.sample(pool, min(count, len(pool)))
    return [(area, person, _later(rng, person.registered, span)) for area, person in chosen]


def choose_movers(seed: str, areas: List[Area], span: Span, count: int,
                  avoid: List[str]) -> List[Tuple[Area, Person, Place, datetime]]:
    """People without reports who move to another household of the same area."""
    pool = [(area, person) for area, person in _quiet_people(areas) if person.id not in avoid and len(area.households) > 1]
    rng = stream(seed, "movers")
    moves = []
    for area, person in rng.sample(pool, min(count, len(pool))):
        target = rng.choice([household for household in area.households if household.id != person.parent.id])
        moves.append((area, person, target, _later(rng, max(person.registered, target.registered), span)))
    return moves


def _quiet_people(areas: List[Area]) -> List[Tuple[Area, Person]]:
    return [(area, person) for area in areas for person in area.people
            if person.role == "patient" and not person.has_reports and person.died is None
            and not person.birth_details and person.parent.contact_id != person.id]


def _later(rng: random.Random, moment: datetime, span: Span) -> datetime:
    """A moment between `moment` and the end of the span."""
    return moment + timedelta(seconds=int((span.last - moment).total_seconds() * rng.uniform(0.2, 0.95)))


def _mortality(person: Person, day: date) -> float:
    age = years_between(person.born, day)
    if age >= 58:
        return 25.0
    return 1.2 if age < 5 else 0.5


def _death(seed: str, span: Span, area: Area, person: Person, died: date, after: datetime) -> Optional[Report]:
    """A death report, or None where the CHW no longer works or the span is over."""
    rng = stream(seed, "death", person.id)
    earliest = max(died, after.date() + timedelta(days=1))
    at = working_moment(rng, mostly_weekday(rng, earliest + timedelta(days=rng.randint(0, 4)), span.last.date()))
    if at >= span.end or not area.works_at(at):
        return None
    person.died = died
    person.has_reports = True
    return Report(
        id=uuid_for(seed, "death", person.id), form="death_report", area=area, author=area.post_at(at).person,
        patient=person, at=at, facts={
            "died": died, "information": rng.choice(CAUSES),
            "place": rng.choices(("home", "health_facility", "other"), weights=(60, 32, 8))[0]})
