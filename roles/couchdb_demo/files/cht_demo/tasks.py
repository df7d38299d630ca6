# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Task documents: what the app asked of each CHW, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import List, Optional, Tuple

from cht_demo.model import Area, Document, Person, Planned, Pregnancy, Report
from cht_demo.pregnancies import VISIT_WEEKS
from cht_demo.randomness import stream
from cht_demo.timeline import Span, epoch_ms, iso_day, midnight

LOOKAHEAD_DAYS = 60  # the app makes tasks so long before they are due
DRAFT, READY, CANCELLED, COMPLETED, FAILED = "Draft", "Ready", "Cancelled", "Completed", "Failed"
OPEN_STATES = (DRAFT, READY)
# event: (task name, title, days shown before the due date, days shown after)
EVENTS = {
    "pregnancy-home-visit": ("anc.pregnancy_home_visit.known_lmp", "task.anc.pregnancy_home_visit.title", 7, 14),
    "pregnancy-facility-visit-reminder": ("anc.facility_reminder", "task.anc.facility_reminder.title", 3, 7),
    "pregnancy-danger-sign-follow-up": ("anc.pregnancy_danger_sign_followup",
                                        "task.anc.pregnancy_danger_sign_followup.title", 3, 7),
    "delivery-reminder": ("anc.delivery", "task.anc.delivery.title", 28, 42),
    "pnc-danger-sign-follow-up-mother": ("pnc.danger_sign_followup_mother.report",
                                         "task.pnc.danger_sign_followup_mother.title", 3, 7),
    "pnc-danger-sign-follow-up-baby": ("pnc.danger_sign_followup_baby.contact",
                                       "task.pnc.danger_sign_followup_baby.title", 3, 7)}


@dataclass
class Task:
    """One task; `due` is the day it should be done, `history` its states with their moments."""

    id: str
    area: Area
    user: str
    requester: str
    patient: Person
    event: str
    emission_id: str
    due: date
    authored: datetime
    history: List[Tuple[str, datetime]]

    @property
    def state(self) -> str:
        """The state it has now."""
        return self.history[-1][0]


def candidate_tasks(pregnancies: List[Pregnancy], span: Span) -> List[Task]:
    """All tasks the pregnancies brought about, in the order they were made."""
    found = []
    for pregnancy in pregnancies:
        registration = pregnancy.registration
        cancelled = pregnancy.ended if pregnancy.outcome != "delivery" else None
        if pregnancy.lmp_told is not None:
            for week in VISIT_WEEKS:
                due = pregnancy.lmp_told + timedelta(days=7 * week)
                if due > registration.at.date() and (pregnancy.ended is None or due < pregnancy.ended + timedelta(days=14)):
                    found.append(_task(span, pregnancy, registration, registration.patient, "pregnancy-home-visit", due,
                                       pregnancy.visits, pregnancy.ended, f"-{week}"))
            due = pregnancy.lmp_told + timedelta(days=294)
            found.append(_task(span, pregnancy, registration, registration.patient, "delivery-reminder", due,
                               [pregnancy.delivery] if pregnancy.delivery else [], cancelled))
        for source in pregnancy.appointments:
            found.append(_task(span, pregnancy, source, source.patient, "pregnancy-facility-visit-reminder",
                               source.facts["appointment"],
                               [report for report in pregnancy.reminders if report.facts["source_id"] == source.id],
                               cancelled))
        for source in [registration, *pregnancy.visits, *pregnancy.danger_reports]:
            if source.facts["signs"]:
                found.append(_follow_up(span, pregnancy, source, source.patient, "pregnancy-danger-sign-follow-up", cancelled))
        if pregnancy.delivery is not None:
            delivery = pregnancy.delivery
            if delivery.facts["signs"]:
                found.append(_follow_up(span, pregnancy, delivery, delivery.patient, "pnc-danger-sign-follow-up-mother", None))
            for baby in delivery.facts["babies"]:
                if baby["signs"]:
                    found.append(_follow_up(span, pregnancy, delivery, baby["person"], "pnc-danger-sign-follow-up-baby", None))
    kept = [task for task in found if task is not None]
    return sorted(kept, key=lambda task: (task.authored, task.id))


def choose_tasks(seed: str, candidates: List[Task], count: int) -> List[Task]:
    """Keep `count` tasks: first the open ones, then those that failed or were cancelled, then a sample.

    Real instances purge old tasks as well.
    """
    if count >= len(candidates):
        return candidates
    rng = stream(seed, "tasks")
    ranked = sorted(candidates, key=lambda task: (task.state not in OPEN_STATES, rng.random()))
    chosen = {task.id for task in ranked[:max(0, count)]}
    return [task for task in candidates if task.id in chosen]


def planned_task(task: Task, recent: datetime) -> Planned:
    """The task as a document; one completed after `recent` was loaded while still open, then edited."""
    planned = Planned(id=task.id, kind="task", at=task.authored, area=task.area, render=lambda: task_document(task))
    if task.state == COMPLETED and task.history[-1][1] >= recent:
        earlier = Task(**{**task.__dict__, "history": task.history[:-1]})
        planned.render = lambda: task_document(earlier)
        final = task_document(task)
        planned.changes.append({"state": final["state"], "stateHistory": final["stateHistory"]})
    return planned


def task_document(task: Task) -> Document:
    """A task document, about 1 KB."""
    _name, title, before, after = EVENTS[task.event]
    return {
        "_id": task.id, "type": "task", "authoredOn": epoch_ms(task.authored), "user": f"org.couchdb.user:{task.user}",
        "requester": task.requester, "owner": task.patient.id, "state": task.state,
        "emission": {
            "_id": task.emission_id, "forId": task.patient.id, "icon": "icon-pregnancy", "title": title,
            "deleted": False, "resolved": task.state == COMPLETED,
            "actions": [{"type": "report", "form": task.event.replace("-", "_"), "label": title,
                         "content": {"source": "task", "source_id": task.requester, "contact": {"_id": task.patient.id}}}],
            "contact": {"_id": task.patient.id, "name": task.patient.name},
            "dueDate": iso_day(task.due), "startDate": iso_day(task.due - timedelta(days=before)),
            "endDate": iso_day(task.due + timedelta(days=after))},
        "stateReason": "", "stateHistory": [{"state": state, "timestamp": epoch_ms(at)} for state, at in task.history]}


def _follow_up(span: Span, pregnancy: Pregnancy, source: Report, patient: Person, event: str,
               cancelled: Optional[date]) -> Optional[Task]:
    done = [report for report in pregnancy.follow_ups
            if report.facts["source_id"] == source.id and report.patient.id == patient.id]
    return _task(span, pregnancy, source, patient, event, source.at.date() + timedelta(days=3), done, cancelled)


def _task(span: Span, pregnancy: Pregnancy, source: Report, patient: Person, event: str, due: date, done: List[Report],
          ended: Optional[date], suffix: str = "") -> Optional[Task]:
    """Work out the states of one task, None when it was never made within the span."""
    name, _title, before, after = EVENTS[event]
    area = pregnancy.area
    opens, closes = midnight(due - timedelta(days=before)), midnight(due + timedelta(days=after + 1))
    authored = max(source.at + timedelta(minutes=1), midnight(due) - timedelta(days=LOOKAHEAD_DAYS))
    if authored >= span.end or authored >= closes:
        return None
    history: List[Tuple[str, datetime]] = []
    if authored < opens:
        history.append((DRAFT, authored))
    ready = max(opens, authored)
    resolved = [report.at for report in done if authored <= report.at < closes and report.at >= opens]
    ended_at = midnight(ended) + timedelta(hours=12) if ended else None
    cancelled_at = ended_at if ended_at and authored < ended_at < closes and (not resolved or ended_at < resolved[0]) else None
    if ready < span.end and (cancelled_at is None or ready < cancelled_at):
        history.append((READY, ready))
        if resolved:
            history.append((COMPLETED, resolved[0] + timedelta(minutes=1)))
    if cancelled_at and history[-1][0] in OPEN_STATES and cancelled_at < span.end:
        history.append((CANCELLED, cancelled_at))
    elif history[-1][0] in OPEN_STATES and closes < span.end:
        history.append((FAILED, closes))
    user = area.post_at(authored).user
    emission_id = f"{source.id}~{event}{suffix}~{name}"
    if event == "pnc-danger-sign-follow-up-baby":
        emission_id = f"{patient.id}~{event}~{name}"
    return Task(
        id=f"task~org.couchdb.user:{user}~{emission_id}~{epoch_ms(authored)}", area=area, user=user, requester=source.id,
        patient=patient, event=event, emission_id=emission_id, due=due, authored=authored, history=history)
