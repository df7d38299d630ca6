# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What devices send about themselves: telemetry and feedback (database medic-users-meta)."""

from __future__ import annotations

import math
import random
from datetime import date, datetime, timedelta
from typing import Dict, List, Optional, Tuple

from cht_demo.hierarchy import facilities_of
from cht_demo.model import Area, Document, Planned
from cht_demo.randomness import sha256_for, stream, uuid_for
from cht_demo.timeline import Span, iso, midnight, working_moment
from cht_demo.users import supervisor_user

# App version and the share of the year after which devices get it; each device upgrades a little later.
APP_VERSIONS = (("4.10.0", 0.0), ("4.15.2", 0.35), ("4.21.1", 0.7))
ANDROID_APPS = ("v1.0.4", "v1.2.0", "v1.3.1")
HARDWARE = (("samsung", "SM-A105F", "10", 29, 2), ("TECNO", "TECNO BB2", "9", 28, 1), ("Xiaomi", "M2006C3MG", "11", 30, 3),
            ("samsung", "SM-A035F", "13", 33, 3), ("itel", "itel A509W", "8.1.0", 27, 1), ("Nokia", "Nokia C12", "12", 31, 2))
MEGABYTE = 1024 * 1024
METRICS = (
    "boot_time", "boot_time:1:to_first_code_execution", "boot_time:2:to_bootstrap", "boot_time:2_1:to_replication",
    "boot_time:2_2:to_purge_meta", "boot_time:3:to_angular_bootstrap", "boot_time:4:to_db_warmed",
    "enketo:reports:pregnancy:add:render", "enketo:reports:pregnancy:add:user_edit_time",
    "enketo:reports:pregnancy:add:save", "enketo:reports:pregnancy_home_visit:add:render",
    "enketo:reports:pregnancy_home_visit:add:save", "contact_list:load", "contact_detail:person:load",
    "report_list:load", "report_detail:pregnancy:load", "tasks:load", "tasks:refresh", "analytics:targets:load",
    "rules-engine:tasks:dirty-contacts", "rules-engine:targets:dirty-contacts", "rules-engine:all-contacts",
    "replication:medic:to:success", "replication:medic:from:success", "replication:meta:sync:success",
    "replication:medic:from:docs", "replication:medic:to:docs", "search:contacts", "search:reports")
ERRORS = (
    ("Failed to fetch", "TypeError: Failed to fetch\n    at replicate (main.js:1:48213)", 30),
    ("QuotaExceededError: the storage quota has been exceeded", "QuotaExceededError\n    at put (pouchdb.js:1:9120)", 22),
    ("Error fetching form: pregnancy", "Error: missing form\n    at FormService.render (main.js:1:771203)", 14),
    ("Cannot read properties of undefined (reading 'contact')", "TypeError\n    at rules (main.js:1:99120)", 14),
    ("Unexpected error rendering targets", "Error\n    at TargetAggregates (main.js:1:421903)", 8),
    ("Http failure response for /medic/_changes: 504 Gateway Timeout", "HttpErrorResponse\n    at xhr (main.js:1:1203)", 7),
    ("Failed to execute 'transaction' on 'IDBDatabase'", "InvalidStateError\n    at openTransaction (idb.js:1:220)", 5))


class Device:
    """A phone or tablet; what does not change from one telemetry document to the next."""

    def __init__(self, seed: str, user: str, number: int, area: Optional[Area]) -> None:
        rng = stream(seed, "device", user)
        self.user = user
        self.area = area
        self.id = uuid_for(seed, "device", user)
        self.hardware = rng.choice(HARDWARE)
        self.android_app = rng.choice(ANDROID_APPS)
        self.upgrade_delay = rng.uniform(0.0, 0.2)
        self.crowded = area is None and number == 0
        self.low_storage = number % 9 == 2
        self.supervisor = area is None
        self.boot_ms = rng.uniform(2500, 9000)


def devices(seed: str, areas: List[Area]) -> List[Device]:
    """One device per CHW user and per facility's supervisor; the first supervisor's is crowded."""
    found = [Device(seed, supervisor_user(facility), number, None) for number, facility in enumerate(facilities_of(areas))]
    for number, area in enumerate(areas):
        found += [Device(seed, post.user, number, area) for post in area.posts]
    return found


def planned_telemetry(seed: str, owners: List[Device], span: Span, count: int) -> List[Planned]:
    """About `count` telemetry documents, half of them from the last 60 days; one lacks `metadata.year`."""
    planned: List[Planned] = []
    share, rest = divmod(count, len(owners))
    for number, device in enumerate(owners):
        rng = stream(seed, "telemetry", device.user)
        first, last = _use(device, span)
        wanted = min(share + (number < rest), last - first)
        recent_from = max(first, span.days - 60)
        recent = rng.sample(range(recent_from, last), min(wanted // 2, last - recent_from)) if last > recent_from else []
        others = [day for day in range(first, last) if day not in set(recent)]
        days = sorted(recent + rng.sample(others, min(wanted - len(recent), len(others))))
        for day in days:
            date_of_use = span.day(day)
            name = f"telemetry-{date_of_use.year}-{date_of_use.month}-{date_of_use.day}-{device.user}-{device.id}"
            planned.append(Planned(
                id=name, kind="telemetry", at=midnight(date_of_use) + timedelta(hours=23), area=device.area,
                render=lambda device=device, day=date_of_use, name=name: telemetry_document(seed, device, day, name, span)))
    planned.sort(key=lambda entry: (entry.at, entry.id))
    broken = planned[len(planned) // 2]
    complete = broken.render

    def without_year() -> Document:
        document = complete()
        del document["metadata"]["year"]
        return document

    broken.render = without_year
    return planned


def _use(device: Device, span: Span) -> Tuple[int, int]:
    """First and last (excluded) day number on which a device was used."""
    if device.area is None:
        return 1, span.days
    since = [post.since for post in device.area.posts if post.user == device.user][0]
    later = [post.since for post in device.area.posts if post.since > since]
    until = min([*later, device.area.silent_since or span.end, span.end])
    return max(1, (since - span.start).days + 1), (until - span.start).days


def telemetry_document(seed: str, device: Device, day: date, name: str, span: Span) -> Document:
    """One day of a device, 3 to 7 KB; times in milliseconds, storage in bytes, network in kbit/s."""
    rng = stream(seed, "telemetry day", device.user, day.isoformat())
    progress = (day - span.start.date()).days / span.days
    app = [version for version, share in APP_VERSIONS if progress >= share + (device.upgrade_delay if share else 0)][-1]
    maker, model, android, api, ram_gb = device.hardware
    total = 16 * 1024 * MEGABYTE
    free = rng.randint(60, 240) * MEGABYTE if device.low_storage and progress > 0.5 else rng.randint(600, 9000) * MEGABYTE
    documents = int(700 + 2600 * progress + rng.randint(0, 200))
    if device.supervisor:
        documents += int(3200 * progress)
    if device.crowded:
        documents += 8500
    metrics = {metric: _metric(rng, device.boot_ms if metric.startswith("boot") else 400.0) for metric in METRICS}
    return {
        "_id": name, "type": "telemetry",
        "metrics": metrics,
        "device": {
            "userAgent": f"Mozilla/5.0 (Linux; Android {android}; {model}) AppleWebKit/537.36 (KHTML, like Gecko) "
                         f"Chrome/{110 + int(progress * 14)}.0.0.0 Mobile Safari/537.36 org.medicmobile.webapp.mobile/{device.android_app}",
            "hardwareConcurrency": 4 if ram_gb < 3 else 8, "screen": {"width": 360, "height": 760},
            "deviceInfo": {
                "app": {"version": device.android_app, "packageName": "org.medicmobile.webapp.mobile", "versionCode": 1200},
                "software": {"androidVersion": android, "osApiLevel": api, "osVersion": "4.14.113(21000)"},
                "hardware": {"device": model.lower().replace(" ", "_"), "model": model, "manufacturer": maker, "hardware": maker,
                             "cpuInfo": {"cores": 4 if ram_gb < 3 else 8, "arch": "armv7l"}},
                "storage": {"free": free, "total": total},
                "ram": {"free": rng.randint(200, 900) * MEGABYTE, "total": ram_gb * 1024 * MEGABYTE, "threshold": 150 * MEGABYTE},
                "network": {"downSpeed": rng.choice((900, 4500, 12000, 30000)), "upSpeed": rng.choice((500, 1500, 6000, 12000))}}},
        "metadata": {
            "year": day.year, "month": day.month, "day": day.day, "user": device.user, "deviceId": device.id,
            "versions": {"app": app, "settings": "3-" + sha256_for("settings", app)[:32],
                         "forms": {form: sha256_for(form, app) for form in ("pregnancy", "pregnancy_home_visit", "delivery")}}},
        "dbInfo": {"doc_count": documents, "update_seq": documents + rng.randint(100, 4000), "idb_attachment_format": "binary",
                   "db_name": f"medic-user-{device.user}", "auto_compaction": True, "adapter": "idb"}}


def _metric(rng: random.Random, typical: float) -> Dict[str, float]:
    """Sums by fsum: the built-in sum of floats differs between Python 3.11 and 3.12."""
    values = [round(typical * rng.uniform(0.4, 2.4), 3) for _time in range(rng.randint(1, 6))]
    return {"sum": round(math.fsum(values), 3), "min": min(values), "max": max(values), "count": len(values),
            "sumsqr": round(math.fsum(value * value for value in values), 3)}


def planned_feedback(seed: str, owners: List[Device], span: Span, count: int) -> List[Planned]:
    """`count` error reports over the year, a third of them in one bad week; the last is deleted again."""
    rng = stream(seed, "feedback")
    moments = []
    bad_week = span.days - 40
    for number in range(count):
        device = rng.choice(owners)
        first, last = _use(device, span)
        day = bad_week + rng.randrange(7) if number % 3 == 0 else rng.randrange(first, last)
        moments.append((working_moment(rng, span.day(max(first, min(day, last - 1)))), number, device))
    planned = []
    for at, number, device in sorted(moments, key=lambda entry: entry[:2]):
        name = f"feedback-{iso(at)}-{uuid_for(seed, 'feedback', number)}"
        planned.append(Planned(
            id=name, kind="feedback", at=at, area=device.area,
            render=lambda device=device, at=at, name=name: feedback_document(seed, device, at, name, span)))
    planned[-1].deleted = True
    return planned


def feedback_document(seed: str, device: Device, at: datetime, name: str, span: Span) -> Document:
    """One error report with the lines logged before it."""
    rng = stream(seed, "feedback document", name)
    message, stack, _weight = rng.choices(ERRORS, weights=[error[2] for error in ERRORS])[0]
    progress = (at - span.start).days / span.days
    version = [version for version, share in APP_VERSIONS if progress >= share][-1]
    log = [{"level": rng.choice(("info", "warn", "error")),
            "arguments": ["replication" if rng.random() < 0.5 else "enketo", f"step {step} took {rng.randint(3, 900)} ms"],
            "time": iso(at - timedelta(seconds=30 - step))} for step in range(rng.randint(3, 30))]
    return {
        "_id": name, "type": "feedback",
        "meta": {"time": iso(at), "user": {"name": device.user, "roles": ["chw_supervisor" if device.supervisor else "chw"]},
                 "url": f"https://cht.example.org/#/{rng.choice(('tasks', 'reports', 'contacts', 'analytics'))}",
                 "version": version, "source": "manual" if rng.random() < 0.1 else "automatic", "deviceId": device.id,
                 "language": "en", "app": "medic"},
        "info": {"message": message, "cause": message.split(":")[0], "stack": stack}, "log": log}
