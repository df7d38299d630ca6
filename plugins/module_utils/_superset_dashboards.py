# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the objects of a bundle into Superset: compares by meaning, imports on a difference, and looks again."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import MASK, Asset, datasets_of
from ansible_collections.cht.sync.plugins.module_utils._superset_exchange import build_zip, parse_export, paths
from ansible_collections.cht.sync.plugins.module_utils._superset_files import BundleError
from ansible_collections.cht.sync.plugins.module_utils._superset_normal import differences, normal

# What must be unique in Superset beside the uuid. An import of a second one fails, or takes the first one's place.
UNIQUE = {
    "databases": ("database_name",),
    "datasets": ("database_uuid", "catalog", "schema", "table_name"),
    "charts": (),
    "dashboards": ("slug",),
}


class ConvergeError(Exception):
    """Superset does not hold what the bundle says, though it took the import."""


def converge(superset: Superset, assets: list[Asset], passwords: dict, dry_run: bool) -> dict:
    """Returns the module's result. Raises BundleError, SupersetError or ConvergeError."""
    stored = parse_export(superset.export_assets())
    _check_against(assets, stored, passwords)
    before = _meanings(stored, assets)
    wanted = _meanings(assets, assets)
    found = _compare(before, wanted)
    if found and not dry_run:
        superset.import_assets(build_zip(assets), _passwords(assets, passwords))
        after = _meanings(parse_export(superset.export_assets()), assets)
        left = _compare(after, wanted)
        if left:
            raise ConvergeError(
                "Superset took the bundle, and still differs from it in: " + "; ".join(left)
                + ". Export the dashboard from Superset and compare these fields."
            )
    return {
        "changed": bool(found),
        "differences": found,
        "dashboards": [
            {
                "uuid": asset.uuid,
                "title": asset.name,
                "url": f"{superset.url}/superset/dashboard/{asset.content.get('slug') or asset.uuid}/",
            }
            for asset in assets
            if asset.kind == "dashboards"
        ],
        # Only what differs, so that the diff is readable.
        "before": {key: value for key, value in before.items() if value != wanted.get(key)},
        "after": {key: value for key, value in wanted.items() if value != before.get(key)},
    }


def _passwords(assets, passwords):
    """The passwords by path in the ZIP file."""
    return {
        path: passwords[asset.path] for path, asset in zip(paths(assets), assets) if asset.path in passwords
    }


def _meanings(assets, named):
    """What the objects mean that `named` names, by kind and uuid, with the file of `named` for people."""
    files = {asset.key: asset.file for asset in named}
    return {
        files[asset.key]: normal(asset) for asset in assets if asset.key in files
    }


def _compare(before, wanted):
    lines = []
    for path, meaning in sorted(wanted.items()):
        if path not in before:
            lines.append(f"{path}: is new")
        else:
            lines += [f"{path}: {field}" for field in differences(before[path], meaning)]
    return lines


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
