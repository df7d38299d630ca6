# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the objects of a bundle into Superset: compares by meaning, imports on a difference, and looks again."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import MASK, Asset, datasets_of
from ansible_collections.cht.sync.plugins.module_utils._superset_differences import as_diff, compare
from ansible_collections.cht.sync.plugins.module_utils._superset_drift import Record
from ansible_collections.cht.sync.plugins.module_utils._superset_exchange import build_zip, parse_export, paths
from ansible_collections.cht.sync.plugins.module_utils._superset_files import BundleError
from ansible_collections.cht.sync.plugins.module_utils._superset_normal import meanings
from ansible_collections.cht.sync.plugins.module_utils._superset_restore import restore

# What must be unique in Superset beside the uuid. An import of a second one fails, or takes the first one's place.
UNIQUE = {
    "databases": ("database_name",),
    "datasets": ("database_uuid", "catalog", "schema", "table_name"),
    "charts": (),
    "dashboards": ("slug",),
}


class ConvergeError(Exception):
    """Superset does not hold what the bundle says."""


def converge(
    superset: Superset,
    assets: list[Asset],
    passwords: dict,
    dry_run: bool,
    record: Record | None = None,
    keep_drift: bool = False,
) -> dict:
    """Returns the module's result. Raises BundleError, SupersetError, RecordError or ConvergeError.

    Where `record` tells that somebody changed an object in Superset, `keep_drift` leaves the whole bundle alone.
    """
    stored = parse_export(superset.export_assets())
    _check_against(assets, stored, passwords)
    live, wanted = meanings(stored, assets), meanings(assets, assets)
    found = compare(live, wanted, assets)
    drift = record.drift(live, wanted, assets) if record else []
    kept = bool(drift) and keep_drift
    if not dry_run and not kept:
        if record and found:
            record.begin(wanted)
        if found:
            _import(superset, assets, passwords, stored)
            live = meanings(parse_export(superset.export_assets()), assets)
        if record:
            record.finish(live)
        _check_arrived(live, wanted, assets)
    return {
        "changed": bool(found) and not kept,
        "differences": [entry for change in found for entry in change.entries()],
        "drift": [entry for change in drift for entry in change.entries()],
        "drift_lines": [line for change in drift for line in change.lines()],
        "dashboards": [
            {
                "uuid": asset.uuid,
                "title": asset.name,
                "url": superset.dashboard_url(asset.content.get("slug") or asset.uuid),
            }
            for asset in assets
            if asset.kind == "dashboards"
        ],
        "diff": as_diff(found),
    }


def _import(superset, assets, passwords, stored):
    try:
        superset.import_assets(build_zip(assets), _passwords(assets, passwords))
    except SupersetError as error:
        told = restore(superset, assets, stored, passwords)
        raise SupersetError(f"{error}. {told}", error.status) from error


def _check_arrived(live, wanted, assets):
    left = [line for change in compare(live, wanted, assets) for line in change.lines()]
    if left:
        raise ConvergeError(
            "Superset took the bundle, and still differs from it in: " + "; ".join(left)
            + ". Export the dashboard from Superset and compare these fields."
        )


def _passwords(assets, passwords):
    """The passwords by path in the ZIP file."""
    return {
        path: passwords[asset.path] for path, asset in zip(paths(assets), assets) if asset.path in passwords
    }


def _check_against(assets, stored, passwords):
    """Finds what an import would answer with "unknown reason", or would do to something that is not of the bundle."""
    known = {asset.key for asset in stored}
    coming = {asset.key for asset in assets}
    taken = {_unique_key(asset): asset for asset in stored if _unique_key(asset)}
    for asset in assets:
        twin = taken.get(_unique_key(asset))
        if twin and twin.uuid != asset.uuid and twin.key not in coming:
            raise BundleError(
                f'{asset.file}: {", ".join(UNIQUE[asset.kind])} is also that of "{twin.name}" in Superset, whose uuid is '
                f"{twin.uuid}: give that uuid to the bundle, or rename or delete the one in Superset"
            )
        if asset.kind == "datasets" and ("databases", asset.content["database_uuid"]) not in known | coming:
            raise BundleError(
                f"{asset.file}: Superset has no database connection with database_uuid {asset.content['database_uuid']}: "
                "make it with cht.sync.superset_database first"
            )
        for field, dataset in datasets_of(asset).items():
            if ("datasets", dataset) not in known | coming:
                raise BundleError(f"{asset.file}: {field} {dataset} is in no file of datasets/, and not in Superset either")
        if asset.kind == "databases" and MASK in asset.content["sqlalchemy_uri"]:
            if asset.key not in known and asset.path not in passwords:
                raise BundleError(f"{asset.file}: the connection is new, so database_passwords must hold its password")


def _unique_key(asset):
    values = tuple(asset.content.get(field) for field in UNIQUE[asset.kind])
    # The last field is the one that names the object: without it nothing can collide.
    return (asset.kind, *values) if values and values[-1] else None
