# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a bundle can be deleted: what nothing else uses."""

import copy

import pytest
import yaml
from conftest import CHART, DASHBOARD, DATABASE, DATASET

from ansible_collections.cht.sync.plugins.module_utils._superset_absent import unused
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import parse_bundle

ALL = [("dashboards", DASHBOARD), ("charts", CHART), ("datasets", DATASET), ("databases", DATABASE)]
OTHER = "10000000-0000-4000-8000-000000000001"


@pytest.fixture
def stored(bundle):
    """All of one bundle, and an object that is not of it."""
    bundle.contents["databases/w.yaml"] = {
        "database_name": "w", "sqlalchemy_uri": "x://", "uuid": DATABASE, "version": "1.0.0"
    }

    def build(path=None, **changes):
        files = bundle.files()
        if path:
            files[f"{path.split('/')[0]}/other.yaml"] = yaml.safe_dump(
                {**copy.deepcopy(bundle.contents[path]), "uuid": OTHER, **changes}
            )
        return parse_bundle([{"source": "x", "files": files}])

    return build


def keys(assets):
    return [asset.key for asset in assets]


def test_nothing_else_there(stored):
    going, kept = unused(stored(), set(ALL))
    assert keys(going) == ALL and kept == []


@pytest.mark.parametrize(
    "path, changes, number",
    [
        ("dashboards/reports.yaml", {}, 1),
        ("dashboards/reports.yaml", {"position": {"ROOT_ID": {"type": "ROOT"}}}, 2),
        ("charts/reports.yaml", {}, 2),
        ("datasets/reports.yaml", {}, 3),
    ],
    ids=["another dashboard shows it", "another filter reads it", "another chart reads it", "another dataset uses it"],
)
def test_what_something_else_uses_stays(stored, path, changes, number):
    going, kept = unused(stored(path, **changes), set(ALL))
    kinds = [kind for kind, _ in ALL]
    users = [] if number == 2 and path.startswith("dash") else ALL[number + 1 :]
    assert ALL[number] in keys(kept)
    assert keys(going) == [key for key in ALL if key not in keys(kept)]
    # What that one is made of stays as well.
    assert set(users) <= set(keys(kept)) and all(kinds.index(kind) >= number for kind, _ in keys(kept))


def test_what_is_not_named_stays(stored):
    going, kept = unused(stored(), {("dashboards", DASHBOARD)})
    assert keys(going) == [("dashboards", DASHBOARD)] and kept == []


def test_what_is_not_there_is_fine(stored):
    assert unused(stored(), {("charts", OTHER)}) == ([], [])


def test_a_chart_without_a_dataset_goes_too(stored):
    """Superset lets a dataset be deleted that charts read."""
    objects = stored()
    next(asset for asset in objects if asset.kind == "charts").content.pop("dataset_uuid")
    going, kept = unused(objects, set(ALL))
    assert keys(going) == ALL and kept == []
