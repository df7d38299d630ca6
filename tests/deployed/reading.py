# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How somebody reads the four dashboards: which numbers are the same one for a reader, and which months follow one another."""

from __future__ import annotations

from datetime import datetime, timezone

from dashboard import Dashboard

MONTH = "%b '%y"


def total(dashboard: Dashboard, title: str, *columns: str) -> float:
    """The sum of what a chart shows, or of some of its columns or series."""
    rows = dashboard.data(title)
    return sum(row.get(column) or 0 for row in rows for column in columns or [name for name, value in row.items() if is_shown(name, value)])


def is_shown(name: str, value) -> bool:
    """Whether a value is a number, and not the time or the name that it is of."""
    return isinstance(value, (int, float)) and not name.endswith(("month", "day"))


def at(dashboard: Dashboard, title: str, month: datetime) -> dict:
    """What a chart shows of a month."""
    (row,) = (row for row in dashboard.data(title) for name, value in row.items() if name.endswith("month") and when(value) == month)
    return row


def when(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).replace(tzinfo=None)


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0


def community_health(dashboard: Dashboard, last: datetime) -> dict[str, list]:
    rates = at(dashboard, "Coverage and active CHWs by month", last)
    return {
        "reports": [total(dashboard, title) for title in ("Reports", "Reports by month and form", "Reports by form")],
        "deaths": [total(dashboard, title) for title in ("Deaths", "Deaths by month and age")],
        "people served": [at(dashboard, title, last)["people_served"] for title in ("People served", "People served by month")],
        **{
            column: [dashboard.data(title)[-1][column], rates[column]]
            for title, column in (
                ("Active CHWs", "active_chws_rate"),
                ("Household coverage", "coverage_rate"),
                ("CHWs meeting the target", "coverage_met_rate"),
            )
        },
    }


def chw_activity(dashboard: Dashboard, last: datetime) -> dict[str, list]:
    tasks = at(dashboard, "Tasks by month and state", last)
    return {
        "CHWs": [dashboard.data("CHWs")[-1]["chws"], len(dashboard.data("When CHWs were last heard of"))],
        "days to sync": [at(dashboard, title, last)["mean_delay"] for title in ("Days to sync", "Days to sync by month")],
        "tasks completed": [
            at(dashboard, "Tasks completed", last)["completed_rate"],
            share(tasks["Completed"], tasks["Completed"] + tasks["Failed"]),
        ],
    }


def maternal_child_health(dashboard: Dashboard, last: datetime) -> dict[str, list]:
    del last
    ages = "New pregnancies by gestational age"
    care = {row["stage"]: row["pregnancies"] for row in dashboard.data("Care of new pregnancies")}
    places, outcomes = "Deliveries by month and place", "Referrals for danger signs"
    return {
        "new pregnancies": [total(dashboard, "New pregnancies"), total(dashboard, ages), care["All registered"]],
        "early": [
            total(dashboard, "Registered before 12 weeks"),
            share(total(dashboard, ages, "under 12 weeks"), total(dashboard, ages) - total(dashboard, ages, "unknown")),
        ],
        "in a facility": [
            total(dashboard, "Deliveries in a health facility"),
            share(total(dashboard, places, "Health facility"), total(dashboard, places) - total(dashboard, places, "Not known")),
        ],
        "referrals completed": [
            total(dashboard, "Referrals completed"),
            share(total(dashboard, outcomes, "visited the facility"), total(dashboard, outcomes)),
        ],
        "due soon": [total(dashboard, "Due within 30 days"), len(dashboard.data("Pregnancies due within 30 days"))],
    }


def data_health(dashboard: Dashboard, last: datetime) -> dict[str, list]:
    del last
    return {
        "kept aside": [total(dashboard, "Changes kept aside"), total(dashboard, "Databases", "quarantined")],
        "devices at risk": [total(dashboard, "Devices at risk"), len(dashboard.data("Which devices are at risk"))],
        "devices": [total(dashboard, f"Devices by version of {name}") for name in ("the CHT app", "Android")],
        "documents": [total(dashboard, title) for title in ("Documents per day and database", "Documents by kind")],
    }


# Of each dashboard, numbers that a reader takes for the same one; `last` is the last month that is over.
SAME = {function.__name__: function for function in (community_health, chw_activity, maternal_child_health, data_health)}


def unequal(dashboard: Dashboard, name: str, last: datetime) -> dict[str, list]:
    """What of SAME differs by more than a sum of fractions does."""
    found = SAME[name](dashboard, last)
    return {what: numbers for what, numbers in found.items() if max(numbers) - min(numbers) > 1e-9}


def months(first: datetime, last: datetime) -> list[str]:
    """All months from one to another, as an axis names them."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    numbers = (first.year * 12 + first.month - 1 + number for number in range(count))
    return [datetime(number // 12, number % 12 + 1, 1).strftime(MONTH) for number in numbers]


def labels(dashboard: Dashboard, title: str) -> list[str]:
    """The months that a chart's axis names, in the order of time; none where it has no such axis."""
    return sorted(filter(is_month, dashboard.texts(title)), key=lambda text: datetime.strptime(text, MONTH))


def is_month(text: str) -> bool:
    try:
        return bool(datetime.strptime(text, MONTH))
    except ValueError:
        return False
