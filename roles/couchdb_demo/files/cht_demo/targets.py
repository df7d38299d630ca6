# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Target documents: each CHW's own counts per month, worked out from the instance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Dict, List

from cht_demo.model import Area, Document, Person, Planned, Pregnancy, Report
from cht_demo.pregnancies import ACTIVE_DAYS
from cht_demo.timeline import Span, epoch_ms, midnight, month_end, months

# Ids of the default configuration. Its goals are -1 (none) but for 20 registrations, too many for the
# small areas of the demo: two goals are set here so that achievement can be charted.
GOALS = {
    "deaths-this-month": 0, "pregnancy-registrations-this-month": 2, "births-this-month": -1, "active-pregnancies": -1,
    "active-pregnancies-1+-visits": -1, "facility-deliveries": 80, "active-pregnancies-4+-visits": -1,
    "active-pregnancies-8+-contacts": -1}


def planned_targets(areas: List[Area], pregnancies: List[Pregnancy], span: Span) -> List[Planned]:
    """One document per CHW and month, until the CHW falls silent."""
    by_area: Dict[str, List[Pregnancy]] = {area.place.id: [] for area in areas}
    for pregnancy in pregnancies:
        by_area[pregnancy.area.place.id].append(pregnancy)
    planned = []
    for area in areas:
        for year, month in months(span):
            first = max(datetime(year, month, 1, tzinfo=span.start.tzinfo), span.start)
            end = min(month_end(year, month), span.end)
            if area.silent_since is not None:
                if area.silent_since <= first:
                    continue
                end = min(end, area.silent_since)
            document = _document(area, by_area[area.place.id], f"{year}-{month:02d}", first, end)
            planned.append(Planned(id=document["_id"], kind="target", at=end, area=area, render=lambda d=document: dict(d)))
    return planned


def _document(area: Area, pregnancies: List[Pregnancy], period: str, first: datetime, end: datetime) -> Document:
    post = area.post_at(end)
    user = f"org.couchdb.user:{post.user}"
    counts = _counts(area.people, pregnancies, first, end)
    targets = []
    for name, goal in GOALS.items():
        passed, total = counts[name]
        target: Document = {"id": name, "type": "count", "goal": goal, "value": {"pass": passed, "total": total}}
        if name == "facility-deliveries":
            target["type"] = "percent"
            target["value"]["percent"] = round(100 * passed / total) if total else 0
        targets.append(target)
    return {
        "_id": f"target~{period}~{post.person.id}~{user}", "type": "target", "user": user, "owner": post.person.id,
        "reporting_period": period, "updated_date": epoch_ms(end - timedelta(milliseconds=1)), "targets": targets}


def _counts(people: List[Person], pregnancies: List[Pregnancy], first: datetime, end: datetime) -> Dict[str, tuple]:
    active = [pregnancy for pregnancy in pregnancies if _active(pregnancy, end)]
    visits = [_facility_visits(pregnancy, end) for pregnancy in active]
    contacts = [1 + len(_until(pregnancy.visits, end)) + count for pregnancy, count in zip(active, visits)]
    deliveries = [pregnancy.delivery for pregnancy in pregnancies if pregnancy.delivery and pregnancy.delivery.at < end]
    registered = [pregnancy for pregnancy in pregnancies
                  if first <= pregnancy.registration.at < end and pregnancy.lmp_told is not None]
    born = [person for person in people if person.registered < end and first <= midnight(person.born) < end]
    died = [person for person in people if person.died and first <= midnight(person.died) < end]
    in_facility = [report for report in deliveries if report.facts["place"] == "health_facility"]

    def count(number: int) -> tuple:
        return number, number

    return {
        "deaths-this-month": count(len(died)), "pregnancy-registrations-this-month": count(len(registered)),
        "births-this-month": count(len(born)), "active-pregnancies": count(len(active)),
        "active-pregnancies-1+-visits": count(sum(number > 0 for number in visits)),
        "facility-deliveries": (len(in_facility), len(deliveries)),
        "active-pregnancies-4+-visits": count(sum(number > 3 for number in visits)),
        "active-pregnancies-8+-contacts": count(sum(number > 7 for number in contacts))}


def _until(reports: List[Report], end: datetime) -> List[Report]:
    return [report for report in reports if report.at < end]


def _active(pregnancy: Pregnancy, end: datetime) -> bool:
    registered = pregnancy.registration.at < end
    ended = pregnancy.ended is not None and midnight(pregnancy.ended) < end
    return registered and not ended and (end.date() - pregnancy.lmp).days <= ACTIVE_DAYS


def _facility_visits(pregnancy: Pregnancy, end: datetime) -> int:
    count = len(pregnancy.registration.facts["visit_dates"])
    for visit in _until(pregnancy.visits, end):
        count += (visit.facts["last_visit_attended"] == "yes") + len(visit.facts["other_visits"])
    return count
