# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The course of pregnancies: registrations, visits, danger signs, births and what follows them.

Frequencies are chosen for a demo that shows every chart with something in it; they are no statistics.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any, Dict, List, Optional, Tuple

from cht_demo import facts as answers
from cht_demo import names
from cht_demo.forms.antenatal import DANGER_SIGNS
from cht_demo.forms.postnatal import BABY_SIGNS, MOTHER_SIGNS, baby_profile
from cht_demo.model import Area, Person, Pregnancy, Report
from cht_demo.people import is_of_reproductive_age
from cht_demo.randomness import stream, uuid_for
from cht_demo.timeline import Span, mostly_weekday, season_weight, working_moment, years_between

VISIT_WEEKS = (12, 20, 26, 30, 34, 36, 38, 40)  # the default configuration's schedule of home visits
EXTRA_WEEKS = (10, 14, 16, 18, 23, 28, 32, 35)  # visits between the scheduled ones, made by some CHWs
ACTIVE_DAYS = 294  # a pregnancy counts as active for so long after the LMP
MATERNAL_DEATH_EVERY = 90  # one woman in so many dies at birth


class Registry:
    """Plans pregnancies one after the other and collects the reports and babies they bring."""

    def __init__(self, seed: str, span: Span, areas: List[Area]) -> None:
        self.seed = seed
        self.span = span
        self.areas = areas
        self.pregnancies: List[Pregnancy] = []
        self.reports: List[Report] = []
        self.babies: List[Tuple[Area, Person]] = []
        self._births = 0

    def fill(self, budget: int) -> None:
        """Plan pregnancies until about `budget` reports exist or no woman is left."""
        candidates = {area.place.id: self._women(area) for area in self.areas}
        rng = stream(self.seed, "registry")
        while len(self.reports) < budget:
            weights = [area.activity * len(candidates[area.place.id]) for area in self.areas]
            if not any(weights):
                return
            area = rng.choices(self.areas, weights=weights)[0]
            woman = candidates[area.place.id].pop()
            self._plan(area, woman)

    def _women(self, area: Area) -> List[Person]:
        """Women of an area, in random order."""
        women = [person for person in area.people
                 if person.role == "patient" and is_of_reproductive_age(person, self.span.end.date())]
        stream(self.seed, "women", area.place.id).shuffle(women)
        return women

    def _plan(self, area: Area, woman: Person) -> None:
        rng = stream(self.seed, "pregnancy", woman.id)
        registered_on = self._registration_day(rng, area, woman)
        if registered_on is None:
            return
        weeks = rng.choices((rng.randint(5, 11), rng.randint(12, 24), rng.randint(25, 36)), weights=(42, 40, 18))[0]
        lmp = registered_on - timedelta(days=weeks * 7 + rng.randrange(7))
        if years_between(woman.born, lmp) < 13 or (woman.last_birth and (lmp - woman.last_birth).days < 90):
            return
        at = working_moment(rng, registered_on)
        if not self._possible(area, at):
            return
        pregnancy = self._register(rng, area, woman, lmp, at)
        self._decide_outcome(rng, pregnancy)
        self._follow(rng, pregnancy)
        self.pregnancies.append(pregnancy)
        if pregnancy.outcome == "delivery" and pregnancy.ended is not None:
            self._deliver(rng, pregnancy)

    def _registration_day(self, rng: random.Random, area: Area, woman: Person) -> Optional[date]:
        """A day after the woman's own registration, by season and growth of the programme.

        Four in ten are already pregnant when the CHW first comes to their household.
        """
        first = (woman.registered - self.span.start).days + 1
        last = self.span.days - 1
        if first >= last:
            return None
        if rng.random() < 0.4:
            return mostly_weekday(rng, self.span.day(min(last, first + rng.randint(0, 12))), self.span.last.date())
        for _try in range(20):
            day = self.span.day(rng.randint(first, last))
            if rng.random() * 1.7 < season_weight(self.span, day):
                return mostly_weekday(rng, day, self.span.last.date())
        return None

    def _possible(self, area: Area, moment: datetime) -> bool:
        return moment < self.span.end and area.works_at(moment)

    def _register(self, rng: random.Random, area: Area, woman: Person, lmp: date, at: datetime) -> Pregnancy:
        facts = answers.registration(rng, at, lmp, first_pregnancy=woman.last_birth is None)
        registration = self._report("pregnancy", area, woman, at, facts)
        woman.has_reports = True
        pregnancy = Pregnancy(woman=woman, area=area, lmp=lmp, lmp_told=facts["lmp"], registration=registration)
        registration.pregnancy = pregnancy
        if facts["appointment"]:
            pregnancy.appointments.append(registration)
        return pregnancy

    def _decide_outcome(self, rng: random.Random, pregnancy: Pregnancy) -> None:
        """Set how and when the pregnancy ends; an end after the span leaves it open."""
        registered_on = pregnancy.registration.at.date()
        chance = rng.random()
        ended = pregnancy.lmp + timedelta(days=max(190, min(294, round(rng.gauss(276, 11)))))
        if chance < 0.055:
            pregnancy.outcome = "miscarriage" if chance < 0.045 else "abortion"
            ended = registered_on + timedelta(days=rng.randint(5, 60))
            if (ended - pregnancy.lmp).days > 160:
                pregnancy.outcome = "delivery"
                ended = pregnancy.lmp + timedelta(days=278)
        elif chance < 0.105:
            pregnancy.outcome = "refused" if chance < 0.08 else "migrated"
            ended = registered_on + timedelta(days=rng.randint(10, 90))
        ended = max(ended, registered_on + timedelta(days=1))
        pregnancy.ended = ended if ended < self.span.last.date() else None

    def _follow(self, rng: random.Random, pregnancy: Pregnancy) -> None:
        """Add home visits, reminders and danger sign reports until the end."""
        area, woman = pregnancy.area, pregnancy.woman
        self._after_danger(rng, pregnancy, pregnancy.registration)
        self._remind(rng, pregnancy, pregnancy.registration)
        previous = pregnancy.registration
        last_day = pregnancy.ended or self.span.last.date()
        for week in sorted(VISIT_WEEKS + EXTRA_WEEKS):
            chance = area.diligence if week in VISIT_WEEKS else 0.6 * area.diligence
            day = mostly_weekday(rng, pregnancy.lmp + timedelta(days=7 * week + rng.randint(-5, 8)), last_day)
            if day <= previous.at.date() + timedelta(days=4) or day >= last_day or rng.random() > chance:
                continue
            visit = self._visit(rng, pregnancy, previous, working_moment(rng, day), "yes")
            if visit is None:
                break
            previous = visit
        if pregnancy.ended is not None and pregnancy.outcome != "delivery":
            at = working_moment(rng, mostly_weekday(rng, pregnancy.ended + timedelta(days=rng.randint(0, 5)), self.span.last.date()))
            if self._visit(rng, pregnancy, previous, at, pregnancy.outcome) is None:
                pregnancy.ended = None
        if rng.random() < 0.12:
            at = working_moment(rng, pregnancy.registration.at.date() + timedelta(days=rng.randint(3, 100)))
            if at.date() < last_day and self._possible(area, at):
                report = self._report("pregnancy_danger_sign", area, woman, at,
                                      answers.danger_sign(rng, pregnancy.registration.id), pregnancy)
                pregnancy.danger_reports.append(report)
                self._after_danger(rng, pregnancy, report)

    def _visit(self, rng: random.Random, pregnancy: Pregnancy, previous: Report, at: datetime,
               option: str) -> Optional[Report]:
        area = pregnancy.area
        if not self._possible(area, at) or at <= previous.at:
            return None
        lmp_new = None
        if option == "yes" and pregnancy.lmp_told is None and rng.random() < 0.35:
            lmp_new = pregnancy.lmp
        elif option == "yes" and pregnancy.lmp_told is not None and rng.random() < 0.04:
            lmp_new = pregnancy.lmp_told + timedelta(days=rng.choice((-14, -7, 7, 14)))
        facts = answers.home_visit(
            rng, at, pregnancy.registration.id, pregnancy.registration.facts["method"], pregnancy.lmp_told,
            previous.facts["appointment"], option, pregnancy.ended, lmp_new)
        visit = self._report("pregnancy_home_visit", area, pregnancy.woman, at, facts, pregnancy)
        pregnancy.visits.append(visit)
        if lmp_new is not None:
            pregnancy.lmp_told = lmp_new
        if facts["appointment"]:
            pregnancy.appointments.append(visit)
            self._remind(rng, pregnancy, visit)
        self._after_danger(rng, pregnancy, visit)
        return visit

    def _remind(self, rng: random.Random, pregnancy: Pregnancy, source: Report) -> None:
        appointment = source.facts["appointment"]
        if appointment is None or rng.random() > 0.5 * pregnancy.area.diligence:
            return
        at = working_moment(rng, appointment - timedelta(days=rng.randint(1, 3)))
        if self._possible(pregnancy.area, at) and (pregnancy.ended is None or at.date() < pregnancy.ended):
            pregnancy.reminders.append(self._report(
                "pregnancy_facility_visit_reminder", pregnancy.area, pregnancy.woman, at,
                answers.reminder(rng, pregnancy.registration.id, appointment, source.id), pregnancy))

    def _after_danger(self, rng: random.Random, pregnancy: Pregnancy, source: Report) -> None:
        if not source.facts["signs"] or rng.random() > 0.85 * pregnancy.area.diligence + 0.1:
            return
        at = working_moment(rng, source.at.date() + timedelta(days=rng.randint(2, 6)))
        if self._possible(pregnancy.area, at) and (pregnancy.ended is None or at.date() < pregnancy.ended):
            pregnancy.follow_ups.append(self._report(
                "pregnancy_danger_sign_follow_up", pregnancy.area, pregnancy.woman, at,
                answers.follow_up(rng, DANGER_SIGNS, source.id, pregnancy_uuid=pregnancy.registration.id), pregnancy))

    def _deliver(self, rng: random.Random, pregnancy: Pregnancy) -> None:
        """Report the birth, unless the woman was lost to follow-up or it is too recent."""
        area, woman, born = pregnancy.area, pregnancy.woman, pregnancy.ended
        lag = rng.choices((rng.randint(0, 2), rng.randint(3, 7), rng.randint(8, 20), rng.randint(43, 50)),
                          weights=(50, 30, 16, 4))[0]
        at = working_moment(rng, mostly_weekday(rng, born + timedelta(days=lag), self.span.last.date()))
        if rng.random() < 0.05 or not self._possible(area, at):
            return
        self._births += 1
        deceased = self._births % MATERNAL_DEATH_EVERY == 40
        facts = answers.delivery(
            rng, at, born, area.facility_birth_share, area.post_at(at).user, pregnancy.registration.id)
        if deceased:
            facts.update({"woman_outcome": "deceased", "signs": [], "woman_died": born})
        report = self._report("delivery", area, woman, at, facts, pregnancy)
        pregnancy.delivery = report
        facts["babies"] = self._babies(rng, report)
        if deceased:
            self._die_at_birth(report)
        else:
            self._follow_up_signs(rng, report, woman, "pnc_danger_sign_follow_up_mother", MOTHER_SIGNS, facts["signs"])
            woman.last_birth = born
        for baby in facts["babies"]:
            if baby["alive"]:
                self._follow_up_signs(rng, report, baby["person"], "pnc_danger_sign_follow_up_baby", BABY_SIGNS, baby["signs"])

    def _babies(self, rng: random.Random, report: Report) -> List[Dict[str, Any]]:
        """The babies of a delivery; some are stillborn, a few die before the report."""
        area, mother, born = report.area, report.patient, report.facts["date"]
        babies = []
        for number in range(rng.choices((1, 2, 3), weights=(965, 33, 2))[0]):
            fate = rng.choices(("alive", "stillborn", "died"), weights=(960, 28, 12))[0]
            baby = answers.baby(rng, fate)
            sex = baby["sex"]
            if fate != "alive":
                days = 0 if fate == "stillborn" else min(rng.randint(0, 6), (report.at.date() - born).days)
                baby.update({"died": born + timedelta(days=days), "place": report.facts["place"]})
            if fate != "stillborn":
                name, short_name = names.person_name(rng, sex)
                person = Person(
                    id=uuid_for(self.seed, "baby", report.id, number), name=name, short_name=short_name, sex=sex, born=born,
                    parent=mother.parent, registered=report.at, patient_id=f"{mother.patient_id}{7 + number}",
                    created_by=report.facts["user"], died=baby.get("died"))
                baby["person"] = person
                if fate == "alive":
                    baby["signs"] = answers.signs(rng, BABY_SIGNS, 0.11)
                    person.birth_details = baby_profile(person, baby, born, report.at.date(), report.id)
                else:
                    person.birth_details = {"created_by_doc": report.id}
                area.people.append(person)
                self.babies.append((area, person))
            babies.append(baby)
        return babies

    def _die_at_birth(self, delivery: Report) -> None:
        """The death report a delivery creates for a woman who died."""
        woman, died = delivery.patient, delivery.facts["woman_died"]
        report = self._report("death_report", delivery.area, woman, delivery.at, {
            "died": died, "place": delivery.facts["place"], "information": "Bleeding after birth",
            "source": "form", "source_id": delivery.id})
        woman.died = died
        delivery.facts["woman_death_report"] = report.id

    def _follow_up_signs(self, rng: random.Random, delivery: Report, patient: Person, form: str,
                         all_signs: Tuple[str, ...], signs: List[str]) -> None:
        if not signs or rng.random() > 0.8 * delivery.area.diligence + 0.15:
            return
        at = working_moment(rng, delivery.at.date() + timedelta(days=rng.randint(2, 6)))
        if self._possible(delivery.area, at):
            patient.has_reports = True
            report = self._report(form, delivery.area, patient, at, answers.follow_up(
                rng, all_signs, delivery.id, delivery_uuid=delivery.id), delivery.pregnancy)
            delivery.pregnancy.follow_ups.append(report)

    def _report(self, form: str, area: Area, patient: Person, at: datetime, facts: Dict[str, Any],
                pregnancy: Optional[Pregnancy] = None) -> Report:
        report = Report(
            id=uuid_for(self.seed, "report", form, patient.id, at.isoformat()), form=form, area=area,
            author=area.post_at(at).person, patient=patient, at=at, facts=facts, pregnancy=pregnancy)
        self.reports.append(report)
        return report
