# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""In what two meanings of an object differ, and how to tell people."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import Asset

SINGULAR = {"databases": "connection", "datasets": "dataset", "charts": "chart", "dashboards": "dashboard"}
# As much of a value as a line shows, in characters.
SHOWN = 80
# As many fields of an object as are told: a chart that somebody saves gets dozens, spelled out by the browser.
TOLD = 12


class Difference(NamedTuple):
    """A field, as the keys that lead to it, and its values; None where it is not there."""

    path: tuple
    before: Any
    after: Any

    @property
    def field(self) -> str:
        return ".".join(str(key) for key in self.path)


class Change(NamedTuple):
    """An object that differs. Without `differences` it is not there yet."""

    asset: Asset
    differences: list[Difference]

    @property
    def label(self) -> str:
        return label(self.asset)

    def lines(self) -> list[str]:
        """One line a field, those first that were there before; at the end how many more there are."""
        if not self.differences:
            return [f"{self.label} is new"]
        ordered = sorted(self.differences, key=lambda difference: difference.before is None)
        lines = [f"{one.field}: {shown(one.before)} -> {shown(one.after)}" for one in ordered[:TOLD]]
        if ordered[TOLD:]:
            lines.append(f"and {len(ordered) - TOLD} more fields")
        return [f"{self.label}: {line}" for line in lines]

    def entries(self) -> list[dict]:
        """One mapping a field, for a module's result; long values are left out."""
        known = {
            "kind": SINGULAR[self.asset.kind],
            "title": self.asset.name,
            "uuid": self.asset.uuid,
            "file": self.asset.file,
        }
        if not self.differences:
            return [{**known, "field": "", "before": None, "after": None}]
        return [
            {**known, "field": field.field, "before": _scalar(field.before), "after": _scalar(field.after)}
            for field in self.differences
        ]


def compare(before: dict, wanted: dict, assets: list[Asset]) -> list[Change]:
    """What differs between two sets of meanings, by key of the assets; what `wanted` lacks does not."""
    changes = []
    for asset in sorted((asset for asset in assets if asset.key in wanted), key=lambda asset: asset.file):
        if asset.key not in before:
            changes.append(Change(asset, []))
            continue
        found = differences(*_comparable(before[asset.key], wanted[asset.key]))
        if found:
            changes.append(Change(asset, found))
    return changes


def differences(before: Any, after: Any, path: tuple = ()) -> list[Difference]:
    """All values that differ; members of lists that have an id are compared by it."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            found
            for key in sorted(before.keys() | after.keys(), key=str)
            for found in differences(before.get(key), after.get(key), (*path, key))
        ]
    if before == after:
        return []
    if _has_ids(before) and _has_ids(after):
        found = differences(*({member["id"]: member for member in members} for members in (before, after)), path)
        # The same members in another order differ too.
        return found or [Difference(path, before, after)]
    return [Difference(path, before, after)]


def is_related(one: Difference, others: list[Difference]) -> bool:
    """Whether any of the others is in the same field, in one within it, or in one around it."""
    return any(
        one.path[: len(other.path)] == other.path or other.path[: len(one.path)] == one.path for other in others
    )


def label(asset: Asset) -> str:
    """What people know an object by."""
    return f'{SINGULAR[asset.kind]} "{asset.name}" ({asset.file})'


def shown(value: Any) -> str:
    """A value on a line, cut where it is long."""
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def as_diff(changes: list[Change]) -> dict:
    """The values of all fields that differ, as mappings for a diff."""
    return {
        "before": {change.label: _values(change, "before") for change in changes if change.differences},
        "after": {change.label: _values(change, "after") or "is new" for change in changes},
    }


def _values(change, side):
    return {difference.field: getattr(difference, side) for difference in change.differences}


def _comparable(before, wanted):
    # The browser makes it from the rest and stores it with a chart. Where the file has none, it is no difference.
    if "query_context" in wanted:
        return before, wanted
    return {key: value for key, value in before.items() if key != "query_context"}, wanted


def _has_ids(value):
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(member, dict) and "id" in member for member in value)
        and len({member["id"] for member in value}) == len(value)
    )


def _scalar(value):
    return value if isinstance(value, (str, int, float, bool)) and len(str(value)) <= SHOWN else None
