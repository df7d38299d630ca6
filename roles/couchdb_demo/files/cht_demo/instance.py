# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the parts together: which documents, edits and deletions make one instance."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from typing import Dict, Iterator, List, Optional, Tuple

from cht_demo import admin_docs, devices, hierarchy, people, targets, tasks, users, vital_events
from cht_demo.forms import report_document
from cht_demo.model import Area, Document, Person, Place, Planned, Report
from cht_demo.pregnancies import Registry
from cht_demo.randomness import stream, uuid_for
from cht_demo.sentinel import arrival, info_document
from cht_demo.timeline import Span, epoch_ms, iso, span_ending

MEDIC, SENTINEL, USERS_META = "medic", "medic-sentinel", "medic-users-meta"
DATABASES = (MEDIC, SENTINEL, USERS_META)
EDIT_ROUNDS = 2  # no document is edited more often
MINIMUM_SIZE = 2000
DEFAULT_SIZE = 20000
DEFAULT_SEED = "cht-demo"
# Shares of `size`; tasks take what is left.
CONTACT_SHARE, REPORT_SHARE, FEEDBACK_SHARE = 0.235, 0.145, 0.0075
TELEMETRY_PER_AREA = 18


class Instance:
    """A whole instance. Documents are rendered while they are iterated; none carries `_rev`.

    `documents` are first revisions in the order they came about, places before people before reports.
    `edits(database, n)` are the documents with their n-th edit, `deletions` the ids that end as
    tombstones, `final` what remains.
    """

    def __init__(self, size: int, seed: str, today: date, planned: Dict[str, List[Planned]]) -> None:
        self.size = size
        self.seed = seed
        self.today = today
        self._planned = planned

    def documents(self, database: str) -> Iterator[Document]:
        """First revisions."""
        return (entry.document() for entry in self._planned[database])

    def edits(self, database: str, number: int) -> Iterator[Document]:
        """Whole documents after their edit `number` (1 to EDIT_ROUNDS), of those edited so often."""
        return (entry.document(number) for entry in self._planned[database] if len(entry.changes) >= number)

    def deletions(self, database: str) -> List[str]:
        """Ids of documents deleted at the end."""
        return [entry.id for entry in self._planned[database] if entry.deleted]

    def final(self, database: str) -> Iterator[Document]:
        """What remains after all edits and deletions."""
        return (entry.document(len(entry.changes)) for entry in self._planned[database] if not entry.deleted)

    def count(self, database: str) -> int:
        """Number of first revisions."""
        return len(self._planned[database])


def encode(document: Document) -> bytes:
    """The bytes a document is sent and measured as."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def generate(size: int = DEFAULT_SIZE, seed: str = DEFAULT_SEED, today: Optional[date] = None) -> Instance:
    """Generate an instance of about `size` documents over all databases (within 5 %).

    The twelve months end with the day before `today` (the current UTC date when None). The same
    arguments always give the same bytes.
    """
    if size < MINIMUM_SIZE:
        raise ValueError(f"size must be at least {MINIMUM_SIZE}, for all kinds of documents to be there")
    today = today or datetime.now(timezone.utc).date()
    span = span_ending(today)
    return Instance(size, seed, today, _Plan(size, seed, span).planned())


class _Plan:
    """Collects the planned documents of one instance."""

    def __init__(self, size: int, seed: str, span: Span) -> None:
        self.size = size
        self.seed = seed
        self.span = span
        self.medic: List[Planned] = []
        self.sentinel: List[Planned] = []
        self.contacts: Dict[str, Planned] = {}

    def planned(self) -> Dict[str, List[Planned]]:
        """All planned documents per database."""
        span, seed, size = self.span, self.seed, self.size
        areas = hierarchy.build_areas(seed, size, span)
        staff = users.facility_staff(seed, areas, span)
        for area in areas:
            people.appoint_first_chw(seed, area, span)
        reports = vital_events.replace_chws(seed, areas, span)
        self._settle(areas, round(size * CONTACT_SHARE) - len(staff) - 2 * len(areas))
        registry = Registry(seed, span, areas)
        deaths_wanted = max(8, size // 500)
        registry.fill(round(size * REPORT_SHARE) - deaths_wanted)
        early_deaths = vital_events.newborn_and_maternal_deaths(seed, registry, span)
        deaths = vital_events.other_deaths(seed, areas, span, deaths_wanted)
        undone = vital_events.undo_some(seed, deaths, span)
        reports += registry.reports + early_deaths + deaths + undone
        self._add_contacts(areas, staff)
        self._add_reports(reports)
        self._edit_contacts(areas, reports)
        self._add_mistakes(areas, registry)
        self._add_infos()
        owners = devices.devices(seed, areas)
        meta = admin_docs.users_meta_documents(span.start)
        meta += devices.planned_feedback(seed, owners, span, max(10, round(size * FEEDBACK_SHARE)))
        others = admin_docs.medic_documents(span.start) + users.planned_users(areas, staff, span)
        others += targets.planned_targets(areas, registry.pregnancies, span)
        sentinel = admin_docs.sentinel_documents(span.start) + self.sentinel
        telemetry = len(areas) * TELEMETRY_PER_AREA
        left = size - len(others) - len(self.medic) - len(sentinel) - len(meta) - telemetry
        candidates = tasks.candidate_tasks(registry.pregnancies, span)
        chosen = tasks.choose_tasks(seed, candidates, left)
        recent = span.end - timedelta(days=21)
        others += [tasks.planned_task(task, recent) for task in chosen]
        meta += devices.planned_telemetry(seed, owners, span, telemetry + max(0, left - len(chosen)))
        return {MEDIC: _in_order(self.medic + others), SENTINEL: sentinel, USERS_META: meta}

    def _settle(self, areas: List[Area], budget: int) -> None:
        """Fill the areas with households and people until `budget` contacts exist."""
        shares = {area.place.id: stream(self.seed, "settlement", area.place.id).uniform(0.35, 1.65) for area in areas}
        total = sum(shares.values())
        for area in areas:
            wanted = budget * shares[area.place.id] / total
            made = 0
            while made < wanted:
                household = hierarchy.build_household(self.seed, area, len(area.households), self.span)
                members = people.household_members(self.seed, area, household)
                area.households.append(household)
                area.people += members
                made += 1 + len(members)

    def _add_contacts(self, areas: List[Area], staff: List[Person]) -> None:
        for facility in hierarchy.facilities_of(areas):
            self._add_place(facility, None)
        for area in areas:
            self._add_place(area.place, area)
        for person in staff:
            self._add_person(person, None)
        for area in areas:
            for household in area.households:
                self._add_place(household, area)
            for person in area.people:
                self._add_person(person, area)

    def _add_place(self, place: Place, area: Optional[Area]) -> None:
        self._add(Planned(id=place.id, kind="place", at=place.registered, area=area,
                          render=lambda: hierarchy.place_document(place)), contact=True)

    def _add_person(self, person: Person, area: Optional[Area]) -> None:
        self._add(Planned(id=person.id, kind="person", at=person.registered, area=area,
                          render=lambda: people.person_document(person)), contact=True)

    def _add(self, planned: Planned, contact: bool = False) -> None:
        self.medic.append(planned)
        if contact:
            self.contacts[planned.id] = planned

    def _add_reports(self, reports: List[Report]) -> None:
        """Reports, some of which a supervisor marks as checked later."""
        rng = stream(self.seed, "verified")
        for report in reports:
            planned = Planned(id=report.id, kind=report.form, at=report.at, area=report.area,
                              render=lambda report=report: report_document(report))
            if report.form == "pregnancy" and rng.random() < 0.08:
                planned.changes.append({"verified": rng.random() < 0.9, "verified_date": self._later(report.at, 4)})
            self._add(planned)

    def _edit_contacts(self, areas: List[Area], reports: List[Report]) -> None:
        """Edits by people and by sentinel: deaths, withdrawn deaths, new CHWs, mutings, moves, corrections."""
        for report in reports:
            if report.form == "death_report":
                self._mark_dead(report)
            elif report.form == "replace_user":
                self.contacts[report.area.place.id].changes.append({"contact": {"_id": report.facts["new"].id}})
        count = max(4, self.size // 700)
        muted = vital_events.choose_muted(self.seed, areas, self.span, count)
        for _area, person, at in muted:
            self.contacts[person.id].changes.append({
                "muted": iso(at), "muting_history": {"server_side": {"muted": True, "date": epoch_ms(at)}, "client_side": [],
                                                     "last_update": "server_side"}})
        movers = vital_events.choose_movers(self.seed, areas, self.span, count, [person.id for _area, person, _at in muted])
        for _area, person, household, _at in movers:
            self.contacts[person.id].changes.append({"parent": household.lineage()})
        rng = stream(self.seed, "corrections")
        untouched = [entry for entry in self.medic if entry.kind == "person" and not entry.changes]
        for entry in rng.sample(untouched, min(2 * count, len(untouched))):
            entry.changes.append({"phone_alternate": f"+2547001{rng.randrange(100000):05d}"})

    def _mark_dead(self, death: Report) -> None:
        """The transition that follows a death report: the first revision of the person knew of no death."""
        entry = self.contacts[death.patient.id]
        living = entry.render

        def render() -> Document:
            document = living()
            document.pop("date_of_death", None)
            return document

        entry.render = render
        entry.changes.append({"date_of_death": death.facts["died"].isoformat()})
        if "undone" in death.facts:
            entry.changes.append({"date_of_death": None})

    def _add_mistakes(self, areas: List[Area], registry: Registry) -> None:
        """Documents made twice or by mistake and deleted again; nothing refers to them."""
        count = max(3, self.size // 4000)
        rng = stream(self.seed, "mistakes")
        visits = [report for report in registry.reports if report.form == "pregnancy_home_visit"]
        for report in rng.sample(visits, min(count, len(visits))):
            copy = Report(**{**report.__dict__, "id": uuid_for(self.seed, "twice", report.id),
                             "at": report.at + timedelta(seconds=50) if report.at + timedelta(seconds=50) < self.span.end
                             else report.at})
            self._add(Planned(id=copy.id, kind=copy.form, at=copy.at, area=copy.area, deleted=True,
                              render=lambda copy=copy: report_document(copy)))
        for area in rng.sample(areas, min(count, len(areas))):
            first = area.households[0]
            household = Place(**{**first.__dict__, "id": uuid_for(self.seed, "twice", first.id),
                                 "place_id": f"{area.place.place_id}999"})
            person = [member for member in area.people if member.parent.id == first.id][-1]
            twin = Person(**{**person.__dict__, "id": uuid_for(self.seed, "twice", person.id), "died": None,
                             "patient_id": f"{area.place.place_id}9999"})
            for entry in (
                    Planned(id=household.id, kind="place", at=household.registered, area=area, deleted=True,
                            render=lambda place=household: hierarchy.place_document(place)),
                    Planned(id=twin.id, kind="person", at=twin.registered, area=area, deleted=True,
                            render=lambda person=twin: people.person_document(person))):
                self._add(entry)

    def _add_infos(self) -> None:
        """Sentinel's document for each contact and report; it is edited and deleted with it."""
        latest = self.span.last - timedelta(minutes=1)  # leaves room for an edit
        for entry in _in_order(self.medic):
            factor = entry.area.sync_factor if entry.area else 0.3
            arrived = arrival(self.seed, entry.id, entry.at, factor, latest)
            info = Planned(
                id=f"{entry.id}-info", kind="info", at=arrived, area=entry.area, deleted=entry.deleted,
                render=lambda entry=entry, arrived=arrived: info_document(entry.id, entry.kind, arrived, self.seed))
            if entry.changes:
                info.changes.append({"latest_replication_date": self._later(arrived, 10)})
            self.sentinel.append(info)

    def _later(self, moment: datetime, days: int) -> int:
        """Epoch milliseconds some days after `moment`, within the span."""
        return epoch_ms(min(moment + timedelta(days=days), self.span.last))


def _in_order(entries: List[Planned]) -> List[Planned]:
    """By time; at the same moment places come before people before reports before the rest."""
    ranks: Dict[str, int] = {"settings": 0, "place": 1, "person": 2}

    def key(entry: Planned) -> Tuple[datetime, int, str]:
        return entry.at, ranks.get(entry.kind, 3), entry.id

    return sorted(entries, key=key)
