# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the objects of a bundle out of Superset, as far as nothing else uses them."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import Asset, datasets_of
from ansible_collections.cht.sync.plugins.module_utils._superset_differences import label
from ansible_collections.cht.sync.plugins.module_utils._superset_exchange import parse_export
from ansible_collections.cht.sync.plugins.module_utils._superset_layout import charts_of
from ansible_collections.cht.sync.plugins.module_utils._superset_restore import ORDER_OF_DELETION, delete


def remove(superset: Superset, files: dict[tuple[str, str], str], dry_run: bool) -> dict:
    """Deletes the objects with these keys that nothing else uses; the values name their files for people.

    Returns the module's result; raises SupersetError.
    """
    stored = parse_export(superset.export_assets())
    for asset in stored:
        asset.file = files.get(asset.key, asset.uuid)
    going, kept = unused(stored, files.keys())
    if going and not dry_run:
        delete(superset, going)
    return {
        "changed": bool(going),
        "deleted": [label(asset) for asset in going],
        "kept": [label(asset) for asset in kept],
        "diff": {"before": "".join(f"{label(asset)}\n" for asset in going), "after": ""},
    }


def unused(stored: list[Asset], named: set[tuple[str, str]]) -> tuple[list[Asset], list[Asset]]:
    """Of the stored objects that are named, those that can go, and those that something else uses."""
    left = {asset.key: asset for asset in stored}
    going, kept = [], []
    for kind in ORDER_OF_DELETION:
        used = {key for asset in left.values() for key in _uses(asset)}
        for asset in [asset for asset in left.values() if asset.kind == kind and asset.key in named]:
            (kept if asset.key in used else going).append(asset)
        for asset in going:
            left.pop(asset.key, None)
    return going, kept


def _uses(asset):
    found = {("datasets", uuid) for uuid in datasets_of(asset).values()}
    if asset.kind == "dashboards":
        found |= {("charts", uuid) for uuid in charts_of(asset.content).values()}
    if asset.kind == "datasets":
        found.add(("databases", asset.content["database_uuid"]))
    return found
