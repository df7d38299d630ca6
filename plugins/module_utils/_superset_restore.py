# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undoes what a failed import left behind: Superset keeps the connections of one, whatever happens to the rest."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import Asset
from ansible_collections.cht.sync.plugins.module_utils._superset_differences import compare, label
from ansible_collections.cht.sync.plugins.module_utils._superset_exchange import build_zip, parse_export
from ansible_collections.cht.sync.plugins.module_utils._superset_normal import meanings

# What is shown comes before what it is made of.
ORDER_OF_DELETION = ("dashboards", "charts", "datasets", "databases")


def delete(superset: Superset, assets: list[Asset]) -> None:
    """Deletes the objects, those that use others first; one that is gone already is fine."""
    for asset in sorted(assets, key=lambda asset: ORDER_OF_DELETION.index(asset.kind)):
        number = superset.find(asset.kind, asset.uuid)
        if number is not None:
            superset.delete(f"{superset.path_of(asset.kind)}{number}")


def restore(superset: Superset, assets: list[Asset], before: list[Asset], passwords: dict) -> str:
    """Brings the objects of the bundle back to what the export `before` says, and deletes those it lacks.

    Returns a sentence about it, for the message that tells of the failure.
    """
    try:
        now = parse_export(superset.export_assets())
        made, changed = _left_behind(assets, before, now)
        if changed:
            superset.import_assets(build_zip([asset for asset in before if asset.key in changed]), {})
        delete(superset, [asset for asset in assets if asset.key in made])
        made_still, changed_still = _left_behind(assets, before, parse_export(superset.export_assets()))
    except SupersetError as error:
        return f"What it changed before that could not be undone: {error}."
    left = [label(asset) for asset in assets if asset.key in made_still | changed_still]
    if left:
        return f"What it changed before that could not be undone in: {', '.join(left)}."
    undone = [label(asset) for asset in assets if asset.key in made | changed]
    told = f"What it did before that was undone: {', '.join(undone)}." if undone else "Nothing was changed."
    replaced = [label(asset) for asset in assets if asset.kind == "databases" and asset.path in passwords and asset.key not in made]
    if replaced:
        return f"{told} Only the password of {', '.join(replaced)} may be that of the bundle now: no export holds the old one."
    return told


def _left_behind(assets, before, now):
    """Keys of the bundle's objects that are new since `before`, and of those that differ from it."""
    then, since = meanings(before, assets), meanings(now, assets)
    made = since.keys() - then.keys()
    return set(made), {change.asset.key for change in compare(since, then, assets)}
