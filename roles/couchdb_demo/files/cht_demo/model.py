# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The things an instance is made of, before they are written as documents.

Moments are timezone-aware UTC datetimes, days are dates. Documents are rendered from these only
when they are asked for, so that large instances need little memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Callable, Dict, List, Optional

Document = Dict[str, Any]


@dataclass
class Place:
    """A place of the hierarchy; `kind` is CHT's `type`."""

    id: str
    kind: str
    name: str
    place_id: str
    parent: Optional["Place"]
    registered: datetime
    contact_id: str = ""
    created_by: str = ""
    latitude: float = 0.0
    longitude: float = 0.0

    def lineage(self) -> Document:
        """The place and its ancestors as CHT nests them."""
        nested: Document = {"_id": self.id}
        if self.parent is not None:
            nested["parent"] = self.parent.lineage()
        return nested


@dataclass
class Person:
    """A person; `parent` is a household, or an area or facility for staff."""

    id: str
    name: str
    short_name: str
    sex: str
    born: date
    parent: Place
    registered: datetime
    patient_id: str
    role: str = "patient"
    phone: str = ""
    created_by: str = ""
    died: Optional[date] = None
    last_birth: Optional[date] = None
    has_reports: bool = False
    birth_details: Document = field(default_factory=dict)


@dataclass
class Post:
    """Who is the CHW of an area from `since` on, and with which user name."""

    since: datetime
    person: Person
    user: str


@dataclass
class Area:
    """One CHW's area with what makes this CHW differ from the others.

    `activity` is the relative number of pregnancies registered, `diligence` the share (0 to 1) of due
    visits that are made, `sync_factor` multiplies the time until a document reaches the server.
    """

    place: Place
    facility: Place
    activity: float
    diligence: float
    sync_factor: float
    facility_birth_share: float
    silent_since: Optional[datetime] = None
    posts: List[Post] = field(default_factory=list)
    households: List[Place] = field(default_factory=list)
    people: List[Person] = field(default_factory=list)

    def post_at(self, moment: datetime) -> Post:
        """The post held at `moment`."""
        current = self.posts[0]
        for post in self.posts[1:]:
            if post.since <= moment:
                current = post
        return current

    def works_at(self, moment: datetime) -> bool:
        """False once the CHW has fallen silent."""
        return self.silent_since is None or moment < self.silent_since


@dataclass
class Report:
    """A submitted form; `facts` is what the form's renderer needs beyond the patient."""

    id: str
    form: str
    area: Area
    author: Person
    patient: Person
    at: datetime
    facts: Document
    pregnancy: Optional["Pregnancy"] = None


@dataclass
class Pregnancy:
    """The course of a pregnancy; its `registration` is the pregnancy report.

    `lmp` is the true first day of the last menstrual period, `lmp_told` what the reports say (None
    when unknown). `ended` is the day of birth, loss or the last contact, None while it goes on.
    """

    woman: Person
    area: Area
    lmp: date
    lmp_told: Optional[date]
    registration: Report
    visits: List[Report] = field(default_factory=list)
    reminders: List[Report] = field(default_factory=list)
    danger_reports: List[Report] = field(default_factory=list)
    follow_ups: List[Report] = field(default_factory=list)
    appointments: List[Report] = field(default_factory=list)
    delivery: Optional[Report] = None
    outcome: str = "delivery"
    ended: Optional[date] = None


@dataclass
class Planned:
    """A document to be: its first revision, the changes of later revisions, and its end.

    Each entry of `changes` holds the members one edit sets (None removes a member). `area` says whose
    device the document comes from, `at` when it was made.
    """

    id: str
    kind: str
    at: datetime
    render: Callable[[], Document]
    changes: List[Document] = field(default_factory=list)
    deleted: bool = False
    area: Optional[Area] = None

    def document(self, edits: int = 0) -> Document:
        """The document after its first `edits` edits, without `_rev`."""
        rendered = self.render()
        for change in self.changes[:edits]:
            for member, value in change.items():
                if value is None:
                    rendered.pop(member, None)
                else:
                    rendered[member] = value
        return rendered
