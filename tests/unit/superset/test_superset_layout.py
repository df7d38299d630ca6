# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories laid over one another, and where a chart goes that no position names."""

import copy

import pytest
import yaml
from conftest import CHART

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import parse_bundle
from ansible_collections.cht.sync.plugins.module_utils._superset_exchange import build_zip, parse_export
from ansible_collections.cht.sync.plugins.module_utils._superset_layout import charts_of, numbers_of, with_parents

OWN = [f"10000000-0000-4000-8000-00000000000{number}" for number in range(4)]


def parse(*layers):
    return {
        asset.key: asset
        for asset in parse_bundle([{"source": f"layer{number}", "files": files} for number, files in enumerate(layers)])
    }


def dashboard_of(assets):
    return next(asset.content for asset in assets.values() if asset.kind == "dashboards")


def charts_in(assets):
    return sorted(asset.uuid for asset in assets.values() if asset.kind == "charts")


@pytest.fixture
def own(bundle):
    """Charts of one's own, one file each."""
    return {
        f"charts/{number}.yaml": yaml.safe_dump({**bundle.chart, "uuid": uuid, "slice_name": f"Own {number}"})
        for number, uuid in enumerate(OWN)
    }


def test_a_chart_of_ones_own_is_one_file(bundle, own):
    assets = parse(bundle.files(), own)
    position = dashboard_of(assets)["position"]
    assert position["ROOT_ID"]["children"] == ["CHART-a", "GRID_ID"]
    first, second = position["GRID_ID"]["children"]
    assert position[first]["children"] == [f"CHART-{uuid}" for uuid in OWN[:3]]
    assert position[second]["children"] == [f"CHART-{OWN[3]}"]
    assert position[f"CHART-{OWN[3]}"]["parents"] == ["ROOT_ID", "GRID_ID", second]
    assert position[f"CHART-{OWN[3]}"]["meta"]["sliceName"] == "Own 3"
    numbers = numbers_of(dashboard_of(assets))
    assert numbers[CHART] == 7 and len(set(numbers.values())) == 5
    # Placed anew it is the same: no change at the next run.
    assert dashboard_of(parse(bundle.files(), own)) == dashboard_of(assets)
    assert dashboard_of(parse({**bundle.files(), **own})) == dashboard_of(assets)


def test_a_dashboard_without_any_position(bundle, own):
    bundle.dashboard["position"] = {}
    bundle.dashboard["metadata"] = {}
    position = dashboard_of(parse({**bundle.files(), **own}))["position"]
    assert position["DASHBOARD_VERSION_KEY"] == "v2" and position["ROOT_ID"]["children"] == ["GRID_ID"]
    assert len(position["GRID_ID"]["children"]) == 2


def test_in_the_last_tab(bundle, own):
    position = bundle.dashboard["position"]
    position["ROOT_ID"]["children"] = ["TABS-x"]
    position["TABS-x"] = {"type": "TABS", "id": "TABS-x", "children": ["TAB-1", "TAB-2"]}
    position["TAB-1"] = {"type": "TAB", "id": "TAB-1", "children": ["CHART-a"]}
    position["TAB-2"] = {"type": "TAB", "id": "TAB-2", "children": []}
    position = dashboard_of(parse(bundle.files(), own))["position"]
    assert len(position["TAB-2"]["children"]) == 2 and "GRID_ID" not in position


def test_the_later_one_of_two_counts_whatever_its_file_is_called(bundle):
    mine = yaml.safe_dump({**bundle.chart, "slice_name": "Mine"})
    assets = parse(bundle.files(), {"charts/other_name.yaml": mine})
    assert assets["charts", CHART].name == "Mine" and charts_in(assets) == [CHART]
    assert assets["charts", CHART].file == "layer1/charts/other_name.yaml"


def test_what_a_later_dashboard_no_longer_names_is_left_out(bundle, own):
    mine = copy.deepcopy(bundle.dashboard)
    mine["position"] = {}
    mine["metadata"] = {}
    later = {"dashboards/mine.yaml": yaml.safe_dump(mine), "charts/0.yaml": own["charts/0.yaml"]}
    assets = parse(bundle.files(), later)
    assert charts_in(assets) == [OWN[0]] == list(charts_of(dashboard_of(assets)).values())


def test_of_several_dashboards_none_is_chosen(bundle, own):
    other = yaml.safe_dump({**bundle.dashboard, "uuid": OWN[0], "slug": "other"})
    assets = parse({**bundle.files(), **own, "dashboards/other.yaml": other})
    assert charts_in(assets) == sorted([CHART, *OWN]) and list(charts_of(dashboard_of(assets)).values()) == [CHART]


def test_parents_are_the_way_from_the_root(bundle):
    position = with_parents(bundle.dashboard["position"])
    assert position["CHART-a"]["parents"] == ["ROOT_ID"] and "parents" not in position["ROOT_ID"]


def test_charts_that_superset_places_anew_at_each_export_are_the_same_each_time(bundle, own):
    """Added from the chart's own page: the dashboard's position lacks them, and the export makes a row for them."""
    bundle.dashboard["position"]["ROOT_ID"]["children"] = ["GRID_ID"]
    bundle.dashboard["position"]["GRID_ID"] = {"type": "GRID", "id": "GRID_ID", "children": ["CHART-a"]}

    def exported(random):
        other = copy.deepcopy(bundle.dashboard)
        other["position"]["GRID_ID"]["children"].append(f"ROW-N-{random}")
        other["position"][f"ROW-N-{random}"] = {
            "type": "ROW", "id": f"ROW-N-{random}", "children": [f"CHART-{random}"], "meta": {"0": "ROOT_ID"}
        }
        other["position"][f"CHART-{random}"] = {
            "type": "CHART", "id": f"CHART-{random}", "children": [], "meta": {"chartId": 12, "uuid": OWN[0], "sliceName": "Own 0"}
        }
        files = {**bundle.files(), **own, "dashboards/reports.yaml": yaml.safe_dump(other)}
        return dashboard_of({asset.key: asset for asset in parse_export(build_zip(list(parse(files).values())))})

    one = exported("AAAA")
    assert one["position"] == exported("BBBB")["position"] and numbers_of(one)[OWN[0]] == 12
