# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live writer: a CHT that is in use, one report every few seconds."""

from __future__ import annotations

import random
import threading
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, List, Optional, Tuple

from cht_demo import facts as answers
from cht_demo import names
from cht_demo.couch import Couch, CouchError, CouchUnavailable
from cht_demo.directory import Directory, OpenPregnancy, read_directory
from cht_demo.forms import report_document
from cht_demo.forms.postnatal import baby_profile
from cht_demo.instance import MEDIC, SENTINEL
from cht_demo.model import Area, Document, Person, Report
from cht_demo.people import person_document
from cht_demo.sentinel import info_document

LONGEST_PAUSE = 60  # seconds between attempts during an outage
# Relative frequency of what is reported.
KINDS = (("home_visit", 6), ("registration", 3), ("reminder", 2), ("danger_sign", 1), ("delivery", 2))


class Writer:
    """Adds plausible reports for people it found in CouchDB, dated now, with their info documents."""

    def __init__(self, couch: Couch, stop: threading.Event, say: Callable[[str], None] = print,
                 rng: Optional[random.Random] = None) -> None:
        self.couch = couch
        self.stop = stop
        self.say = say
        self.rng = rng or random.Random()
        self.written = 0

    def run(self, interval: float, count: int) -> int:
        """Write a report every `interval` seconds until stopped, or until `count` if that is not 0.

        Returns the number of reports written. Outages are waited out, other errors raised.
        """
        directory = self._persist(self._read)
        if directory is None:
            return 0
        if not directory.areas or not (directory.women or directory.pregnancies):
            raise CouchError(f"database {MEDIC} at {self.couch.url} has no CHWs and women to report on: load the demo data first")
        self.say(f"found {len(directory.areas)} CHWs, {len(directory.women)} women, "
                 f"{len(directory.pregnancies)} pregnancies going on")
        while not self.stop.is_set() and (count == 0 or self.written < count):
            report, people = self.next_report(directory, datetime.now(timezone.utc))
            if self._persist(lambda: self._write(report, people)) is None:
                break
            self.written += 1
            self.say(f"wrote {report.form} {report.id}")
            if count == 0 or self.written < count:
                self.stop.wait(interval)
        return self.written

    def _read(self) -> Directory:
        return read_directory(self.couch.all_documents(MEDIC), datetime.now(timezone.utc).date())

    def _persist(self, action: Callable[[], Any]) -> Any:
        """Repeat `action` through outages with growing pauses; None when stopped meanwhile."""
        pause = 1.0
        while not self.stop.is_set():
            try:
                return action()
            except CouchUnavailable as error:
                self.say(f"{error}; next attempt in {pause:.0f} s")
                self.stop.wait(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
        return None

    def _write(self, report: Report, people: List[Document]) -> bool:
        """Write what belongs together; ids are fixed, so a repeat after an unclear outage is harmless."""
        documents = [*people, report_document(report)]
        arrived = datetime.now(timezone.utc)
        infos = [info_document(document["_id"], document.get("form", "person"), arrived, "live") for document in documents]
        self.couch.bulk(MEDIC, documents)
        self.couch.bulk(SENTINEL, infos)
        return True

    def next_report(self, directory: Directory, now: datetime) -> Tuple[Report, List[Document]]:
        """Choose what is reported next, and the new people that come with it."""
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        kinds = [kind for kind, _weight in KINDS]
        weights = [weight for _kind, weight in KINDS]
        kind = self.rng.choices(kinds, weights=weights)[0]
        due = [one for one in directory.pregnancies if one.lmp and (now.date() - one.lmp).days >= 266]
        early = [one for one in directory.pregnancies if one not in due]
        reminded = [one for one in early if one.appointment and 0 <= (one.appointment - now.date()).days <= 7]
        if kind == "delivery" and due:
            return self._delivery(directory, self.rng.choice(due), now)
        if kind == "reminder" and reminded:
            return self._reminder(self.rng.choice(reminded), now), []
        if directory.women and (kind == "registration" or not early):
            return self._registration(directory, now), []
        chosen = self.rng.choice(early or due)
        if kind == "danger_sign":
            return self._report("pregnancy_danger_sign", chosen.area, chosen.woman, now,
                                answers.danger_sign(self.rng, chosen.uuid)), []
        return self._home_visit(chosen, now), []

    def _registration(self, directory: Directory, now: datetime) -> Report:
        woman = directory.women.pop(self.rng.randrange(len(directory.women)))
        area = directory.area_of(woman)
        lmp = now.date() - timedelta(days=self.rng.choice((self.rng.randint(35, 80), self.rng.randint(85, 230))))
        facts = answers.registration(self.rng, now, lmp, first_pregnancy=self.rng.random() < 0.25)
        report = self._report("pregnancy", area, woman, now, facts)
        pregnancy = OpenPregnancy(report.id, woman, area, facts["lmp"], facts["method"])
        pregnancy.appointment = facts["appointment"]
        directory.pregnancies.append(pregnancy)
        return report

    def _home_visit(self, pregnancy: OpenPregnancy, now: datetime) -> Report:
        facts = answers.home_visit(self.rng, now, pregnancy.uuid, pregnancy.method, pregnancy.lmp, pregnancy.appointment)
        report = self._report("pregnancy_home_visit", pregnancy.area, pregnancy.woman, now, facts)
        pregnancy.appointment, pregnancy.appointment_source = facts["appointment"], report.id
        return report

    def _reminder(self, pregnancy: OpenPregnancy, now: datetime) -> Report:
        facts = answers.reminder(self.rng, pregnancy.uuid, pregnancy.appointment, pregnancy.appointment_source)
        return self._report("pregnancy_facility_visit_reminder", pregnancy.area, pregnancy.woman, now, facts)

    def _delivery(self, directory: Directory, pregnancy: OpenPregnancy, now: datetime) -> Tuple[Report, List[Document]]:
        directory.pregnancies.remove(pregnancy)
        area, woman = pregnancy.area, pregnancy.woman
        born = now.date() - timedelta(days=self.rng.randint(0, 3))
        facts = answers.delivery(self.rng, now, born, area.facility_birth_share, area.posts[0].user, pregnancy.uuid)
        report = self._report("delivery", area, woman, now, facts)
        details = answers.baby(self.rng)
        name, short_name = names.person_name(self.rng, details["sex"])
        baby = Person(
            id=str(uuid.uuid4()), name=name, short_name=short_name, sex=details["sex"], born=born, parent=woman.parent,
            registered=now, patient_id=f"{woman.patient_id}8", created_by=area.posts[0].user)
        details["person"] = baby
        baby.birth_details = baby_profile(baby, details, born, now.date(), report.id)
        facts["babies"] = [details]
        return report, [person_document(baby)]

    def _report(self, form: str, area: Area, patient: Person, now: datetime, facts: Dict[str, Any]) -> Report:
        return Report(id=str(uuid.uuid4()), form=form, area=area, author=area.posts[0].person, patient=patient, at=now, facts=facts)
