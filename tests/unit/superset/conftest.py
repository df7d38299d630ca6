# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle small enough to see through, and what Superset makes of it in its export."""

import copy

import pytest
import yaml

DATABASE = "00000000-0000-4000-8000-000000000001"
DATASET = "00000000-0000-4000-8000-000000000002"
CHART = "00000000-0000-4000-8000-000000000003"
DASHBOARD = "00000000-0000-4000-8000-000000000004"

CONTENTS = {
    "datasets/reports.yaml": {
        "table_name": "rpt_data_record",
        "schema": "marts",
        "uuid": DATASET,
        "database_uuid": DATABASE,
        "version": "1.0.0",
        "metrics": [{"metric_name": "reports", "expression": "COUNT(*)"}],
        "columns": [{"column_name": "form", "type": "TEXT"}, {"column_name": "day", "type": "DATE", "is_dttm": True}],
    },
    "charts/reports.yaml": {
        "slice_name": "Reports",
        "viz_type": "big_number_total",
        "params": {"metric": "reports"},
        "query_context": '{"queries": [{"metrics": ["reports"]}]}',
        "uuid": CHART,
        "dataset_uuid": DATASET,
        "version": "1.0.0",
    },
    "dashboards/reports.yaml": {
        "dashboard_title": "Reports",
        "slug": "reports",
        "published": True,
        "uuid": DASHBOARD,
        "version": "1.0.0",
        "position": {
            "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["CHART-a"]},
            "CHART-a": {"type": "CHART", "id": "CHART-a", "children": [], "meta": {"chartId": 7, "uuid": CHART}},
        },
        "metadata": {
            "native_filter_configuration": [
                {
                    "id": "NATIVE_FILTER-form",
                    "scope": {"rootPath": ["ROOT_ID"], "excluded": [7]},
                    "targets": [{"column": {"name": "form"}, "datasetUuid": DATASET}],
                }
            ]
        },
    },
}


class Bundle:
    """The files, to be spoilt at will."""

    def __init__(self):
        self.contents = copy.deepcopy(CONTENTS)

    @property
    def dataset(self):
        return self.contents["datasets/reports.yaml"]

    @property
    def chart(self):
        return self.contents["charts/reports.yaml"]

    @property
    def dashboard(self):
        return self.contents["dashboards/reports.yaml"]

    def files(self):
        return {path: yaml.safe_dump(content) for path, content in self.contents.items()}


@pytest.fixture
def bundle():
    return Bundle()


@pytest.fixture
def exported():
    """The same objects, as another server with other numbers and its own habits exports them."""
    other = Bundle()
    other.dataset.update(
        {
            "columns": [
                {"column_name": "day", "type": "DATE", "is_dttm": True, "is_active": True, "groupby": True, "extra": {}},
                {"column_name": "form", "type": "TEXT", "filterable": True, "verbose_name": None, "expression": ""},
            ],
            "extra": '{}',
            "offset": 0,
            "filter_select_enabled": True,
            "cache_timeout": None,
            "template_params": "",
        }
    )
    other.chart.update(
        {
            "params": {
                "metric": "reports",
                "datasource": "12__table",
                "slice_id": 99,
                "matrixify_mode_rows": "disabled",
                "matrixify_topn_value_rows": 10,
                "dashboards": [5],
                "annotation_layers": [{"annotationType": "EVENT", "value": 3}],
            },
            "query_context": '{"datasource": {"id": 12}, "form_data": {"slice_id": 99}, '
            '"queries": [{"url_params": {}, "metrics": ["reports"]}]}',
            "cache_timeout": None,
            "certified_by": "",
        }
    )
    other.dashboard["position"]["CHART-a"]["meta"]["chartId"] = 99
    other.dashboard["metadata"] = {
        "native_filter_configuration": [
            {
                "id": "NATIVE_FILTER-form",
                "scope": {"rootPath": ["ROOT_ID"], "excluded": [99]},
                "chartsInScope": [99],
                "tabsInScope": [],
                "targets": [{"column": {"name": "form"}, "datasetUuid": DATASET}],
            }
        ],
        "default_filters": "{}",
        "cross_filters_enabled": True,
        "refresh_frequency": 0,
        "color_scheme_domain": ["#fff"],
        "shared_label_colors": [],
        "map_label_colors": {"a": "b"},
        "chart_configuration": {"99": {"id": 99, "crossFilters": {"scope": "global", "chartsInScope": [1]}}},
        "global_chart_configuration": {
            "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
            "chartsInScope": [99],
        },
    }
    other.dashboard.update({"css": "", "description": None, "theme_uuid": None})
    return other
