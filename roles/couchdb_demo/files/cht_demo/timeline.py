# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The twelve months an instance covers, and how its moments are written."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import List, Optional, Tuple

# Relative number of new pregnancies per calendar month, January first: a demo season, no statistic.
MONTH_WEIGHTS = (0.85, 0.80, 0.95, 1.10, 1.25, 1.30, 1.20, 1.05, 0.95, 0.90, 0.85, 0.80)
# Field work, in hours UTC: 08:00 to 18:59 at UTC+3.
FIRST_HOUR, LAST_HOUR = 5, 15
UTC_OFFSET_TEXT = "+03:00"


@dataclass(frozen=True)
class Span:
    """The covered time: `start` included, `end` excluded, both midnight UTC.

    `end` is the first moment of `today`, so nothing lies in the future of a load made on that day.
    """

    start: datetime
    end: datetime

    @property
    def days(self) -> int:
        """Number of whole days."""
        return (self.end - self.start).days

    @property
    def last(self) -> datetime:
        """The last usable moment."""
        return self.end - timedelta(milliseconds=1)

    def day(self, number: int) -> date:
        """The date of day `number`, counted from 0."""
        return (self.start + timedelta(days=number)).date()


def span_ending(today: date) -> Span:
    """Return the 365 days before `today`."""
    end = midnight(today)
    return Span(start=end - timedelta(days=365), end=end)


def midnight(day: date) -> datetime:
    """Return the first moment of `day` in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, CHT's `reported_date`."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def iso(moment: datetime) -> str:
    """UTC text with milliseconds, as JavaScript's toISOString writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def iso_day(day: Optional[date]) -> str:
    """`YYYY-MM-DD`, or the empty text an unanswered form field holds."""
    return day.isoformat() if day else ""


def local_midnight(day: date) -> str:
    """Local midnight as the form engine writes a calculated date-time."""
    return f"{day.isoformat()}T00:00:00.000{UTC_OFFSET_TEXT}"


def spoken_day(day: Optional[date]) -> str:
    """A day as the forms show it, for example `7 Mar, 2026`, independent of the locale."""
    if day is None:
        return ""
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day} {names[day.month - 1]}, {day.year}"


def years_between(earlier: date, later: date) -> int:
    """Completed years."""
    return later.year - earlier.year - ((later.month, later.day) < (earlier.month, earlier.day))


def months_between(earlier: date, later: date) -> int:
    """Completed months."""
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    return months - (later.day < earlier.day)


def working_moment(rng: random.Random, day: date) -> datetime:
    """A moment of field work on `day`."""
    return midnight(day) + timedelta(
        hours=rng.randint(FIRST_HOUR, LAST_HOUR), minutes=rng.randrange(60),
        seconds=rng.randrange(60), milliseconds=rng.randrange(1000))


def mostly_weekday(rng: random.Random, day: date, latest: date) -> date:
    """Move most weekend days to the Monday after them, as long as that is not past `latest`."""
    if day.weekday() >= 5 and rng.random() < 0.75:
        monday = day + timedelta(days=7 - day.weekday())
        if monday <= latest:
            return monday
    return day


def season_weight(span: Span, day: date) -> float:
    """Relative number of registrations on `day`: the season times a programme that grows."""
    progress = (day - span.start.date()).days / span.days
    return MONTH_WEIGHTS[day.month - 1] * (0.75 + 0.5 * progress)


def months(span: Span) -> List[Tuple[int, int]]:
    """All calendar months touched by `span` as (year, month)."""
    found = []
    year, month = span.start.year, span.start.month
    while (year, month) <= (span.last.year, span.last.month):
        found.append((year, month))
        year, month = next_month(year, month)
    return found


def next_month(year: int, month: int) -> Tuple[int, int]:
    """The month after this one."""
    return (year + 1, 1) if month == 12 else (year, month + 1)


def month_end(year: int, month: int) -> datetime:
    """First moment after the month."""
    year, month = next_month(year, month)
    return datetime(year, month, 1, tzinfo=timezone.utc)
