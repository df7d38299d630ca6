# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a difference between a bundle and what Superset holds, and what does not."""

import pytest

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import parse_bundle
from ansible_collections.cht.sync.plugins.module_utils._superset_differences import differences
from ansible_collections.cht.sync.plugins.module_utils._superset_normal import masked, normal


def fields(before, after):
    return [".".join(difference.path) for difference in differences(before, after)]


def meanings(bundle):
    return {asset.path: normal(asset) for asset in parse_bundle([{"source": "x", "files": bundle.files()}])}


def test_numbers_and_defaults_of_a_server_are_no_difference(bundle, exported):
    assert fields(meanings(bundle), meanings(exported)) == []


def edit_title(other):
    other.dashboard["dashboard_title"] = "Mine"
    return "dashboards/reports.yaml.dashboard_title"


def hide_dashboard(other):
    other.dashboard["published"] = False
    return "dashboards/reports.yaml.published"


def move_chart(other):
    other.dashboard["position"]["CHART-a"]["meta"]["width"] = 5
    return "dashboards/reports.yaml.position.CHART-a.meta.width"


def widen_scope(other):
    other.dashboard["metadata"]["native_filter_configuration"][0]["scope"]["excluded"] = []
    return "dashboards/reports.yaml.metadata.native_filter_configuration"


def narrow_cross_filter(other):
    entry = other.dashboard["metadata"]["chart_configuration"]["99"]
    entry["crossFilters"]["scope"] = {"rootPath": ["ROOT_ID"], "excluded": [99]}
    return "dashboards/reports.yaml.metadata.chart_configuration"


def rename_chart(other):
    other.chart["slice_name"] = "Zones"
    return "charts/reports.yaml.slice_name"


def change_params(other):
    other.chart["params"]["metric"] = "count"
    return "charts/reports.yaml.params.metric"


def change_query(other):
    other.chart["query_context"] = '{"queries": [{"metrics": ["count"]}]}'
    return "charts/reports.yaml.query_context.queries"


def describe_chart(other):
    other.chart["description"] = "by hand"
    return "charts/reports.yaml.description"


def let_filters_stay(other):
    other.dashboard["metadata"]["cross_filters_enabled"] = False
    return "dashboards/reports.yaml.metadata.cross_filters_enabled"


def make_a_matrix(other):
    other.chart["params"]["matrixify_enable"] = True
    return "charts/reports.yaml.params.matrixify_"


def add_column(other):
    other.dataset["columns"].append({"column_name": "extra"})
    return "datasets/reports.yaml.columns.extra"


def hide_column(other):
    other.dataset["columns"][1]["filterable"] = False
    return "datasets/reports.yaml.columns.form.filterable"


def change_metric(other):
    other.dataset["metrics"][0]["expression"] = "COUNT(1)"
    return "datasets/reports.yaml.metrics.reports.expression"


@pytest.mark.parametrize(
    "edit",
    [
        edit_title,
        hide_dashboard,
        move_chart,
        widen_scope,
        narrow_cross_filter,
        rename_chart,
        change_params,
        change_query,
        describe_chart,
        let_filters_stay,
        add_column,
        hide_column,
        change_metric,
    ],
)
def test_what_somebody_changed_is_named(bundle, exported, edit):
    where = edit(exported)
    found = fields(meanings(bundle), meanings(exported))
    assert len(found) == 1 and found[0].startswith(where)


def test_what_the_browser_spells_out_of_a_matrix_counts_where_there_is_one(bundle, exported):
    where = make_a_matrix(exported)
    found = fields(meanings(bundle), meanings(exported))
    assert len(found) == 3 and all(field.startswith(where) for field in found)


def test_a_default_that_is_not_the_value_is_a_difference(bundle, exported):
    bundle.dataset["offset"] = 3
    assert fields(meanings(bundle), meanings(exported)) == ["datasets/reports.yaml.offset"]


def test_normalizing_leaves_the_content_alone(exported):
    assets = parse_bundle([{"source": "x", "files": exported.files()}])
    before = [repr(asset.content) for asset in assets]
    for asset in assets:
        normal(asset)
    assert [repr(asset.content) for asset in assets] == before


@pytest.mark.parametrize(
    "uri, shown",
    [
        ("postgresql://u:p@h:5432/d?x=1", "postgresql://u:XXXXXXXXXX@h:5432/d?x=1"),
        ("postgresql://u:p%40q@h/d", "postgresql://u:XXXXXXXXXX@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_a_password_is_masked(uri, shown):
    assert masked(uri) == shown
