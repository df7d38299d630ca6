# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is answered in the forms of pregnancy: drawn at random, with a demo's frequencies.

Used by the generator for the past year and by the live writer for the present. Probabilities are between
0 and 1 and chosen so that every chart has something to show; they are no statistics.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any, Dict, List, Optional, Tuple

from cht_demo.forms.antenatal import DANGER_SIGNS, PRIMARY_RISKS, SECONDARY_RISKS
from cht_demo.forms.postnatal import MOTHER_SIGNS, PNC_VISITS

Facts = Dict[str, Any]


def signs(rng: random.Random, all_signs: Tuple[str, ...], probability: float) -> List[str]:
    """One or two danger signs with the given probability, else none."""
    if rng.random() >= probability:
        return []
    return sorted(rng.sample(all_signs, rng.choice((1, 1, 2))))


def registration(rng: random.Random, at: datetime, lmp: date, first_pregnancy: bool) -> Facts:
    """Answers of a pregnancy registration at `at`; `lmp` is the true one, the told one may differ."""
    method = rng.choices(("method_lmp", "method_approx", "method_edd", "method_none"), weights=(50, 30, 12, 8))[0]
    day = at.date()
    weeks = (day - lmp).days // 7
    told: Optional[date] = lmp
    if method == "method_none":
        told = None
    elif method == "method_approx":
        told = day - timedelta(days=7 * weeks)
    visits = min(rng.choices((0, 1, 2, 3), weights=(45, 30, 17, 8))[0], max(0, weeks // 6)) if told else 0
    facts: Facts = {
        "lmp": told, "method": method, "first_pregnancy": first_pregnancy,
        "risks": [risk for risk in PRIMARY_RISKS + SECONDARY_RISKS if rng.random() < 0.035],
        "previous_miscarriage": rng.random() < 0.06, "signs": signs(rng, DANGER_SIGNS, 0.09),
        "no_info_reason": rng.choice(("visibly_pregnant", "test_positive", "missed_periods")),
        "visit_dates": sorted(lmp + timedelta(days=rng.randint(30, (day - lmp).days)) for _visit in range(visits)),
        "appointment": _appointment(rng, at) if told else None}
    facts.update(_practices(rng))
    return facts


def home_visit(rng: random.Random, at: datetime, pregnancy_uuid: str, method: str, lmp_told: Optional[date],
               last_appointment: Optional[date], option: str = "yes", ended: Optional[date] = None,
               lmp_new: Optional[date] = None) -> Facts:
    """Answers of a home visit; `option` says whether the pregnancy goes on, `ended` when it did not."""
    going_on = option == "yes"
    due = last_appointment is not None and last_appointment <= at.date()
    facts: Facts = {
        "pregnancy_uuid": pregnancy_uuid, "visit_option": option, "method": method, "lmp_before": lmp_told, "lmp_new": lmp_new,
        "ended": ended, "last_appointment": last_appointment if due else None,
        "last_visit_attended": ("yes" if rng.random() < 0.72 else "no") if due and going_on else "",
        "other_visits": [at.date() - timedelta(days=rng.randint(2, 9))] if going_on and rng.random() < 0.15 else [],
        "signs": signs(rng, DANGER_SIGNS, 0.08) if going_on else [],
        "appointment": _appointment(rng, at) if going_on else None, "source": "task", "source_id": pregnancy_uuid}
    facts.update(_practices(rng))
    return facts


def reminder(rng: random.Random, pregnancy_uuid: str, appointment: date, source_id: str) -> Facts:
    """Answers of a reminder; `source_id` is the report that named the appointment."""
    return {"pregnancy_uuid": pregnancy_uuid, "appointment": appointment, "source": "task", "source_id": source_id,
            "remind_method": "in_person" if rng.random() < 0.6 else "by_phone"}


def danger_sign(rng: random.Random, pregnancy_uuid: str) -> Facts:
    """Answers of a danger sign report."""
    return {"pregnancy_uuid": pregnancy_uuid, "signs": signs(rng, DANGER_SIGNS, 1.0)}


def follow_up(rng: random.Random, all_signs: Tuple[str, ...], source_id: str, **reference: str) -> Facts:
    """Answers of any danger sign follow-up; `reference` names the pregnancy or the delivery."""
    return dict({"visited": rng.random() < 0.73, "signs": signs(rng, all_signs, 0.12), "source": "task",
                 "source_id": source_id}, **reference)


def delivery(rng: random.Random, at: datetime, born: date, facility_share: float, user: str, pregnancy_uuid: str) -> Facts:
    """Answers about the birth and the mother; the babies are added by the caller."""
    place = "health_facility"
    if rng.random() >= facility_share:
        place = rng.choices(("home", "other"), weights=(85, 15))[0]
    conductor = "skilled"
    if place != "health_facility":
        conductor = rng.choices(("traditional", "skilled", "other"), weights=(70, 15, 15))[0]
    mother_signs = signs(rng, MOTHER_SIGNS, 0.10)
    return {
        "pregnancy_uuid": pregnancy_uuid, "date": born, "place": place, "conductor": conductor, "user": user,
        "mode": "cesarean" if place == "health_facility" and rng.random() < 0.13 else "vaginal",
        "source": "task", "source_id": pregnancy_uuid, "signs": mother_signs,
        "woman_outcome": "alive_unwell" if mother_signs else "alive_well",
        "pnc_visits": _pnc_visits(rng, place, (at.date() - born).days)}


def baby(rng: random.Random, fate: str = "alive") -> Facts:
    """What is asked about one baby; `fate` is alive, stillborn or died."""
    return {
        "alive": fate == "alive", "sex": rng.choice(("female", "male")), "person": None, "signs": [],
        "weight_g": rng.randint(230, 400) * 10, "length_cm": rng.randint(46, 53), "breastfed_early": rng.random() < 0.8,
        "vaccines": rng.choices(("bcg_and_birth_polio", "bcg_only", "birth_polio_only", "none"), weights=(62, 12, 8, 18))[0]}


def _appointment(rng: random.Random, at: datetime) -> Optional[date]:
    return at.date() + timedelta(days=rng.randint(12, 40)) if rng.random() < 0.7 else None


def _practices(rng: random.Random) -> Dict[str, bool]:
    return {"llin": rng.random() < 0.75, "iron": rng.random() < 0.65, "dewormed": rng.random() < 0.5,
            "hiv_tested": rng.random() < 0.7, "tetanus": rng.random() < 0.6}


def _pnc_visits(rng: random.Random, place: str, days: int) -> List[str]:
    """Visits after birth that were due by the day of the report and were made."""
    chances = (0.85 if place == "health_facility" else 0.35, 0.6, 0.5, 0.5)
    due_days = (0, 3, 7, 42)
    return [visit for visit, chance, due in zip(PNC_VISITS, chances, due_days) if days >= due and rng.random() < chance]
