# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard of the tests' own, and what a person does to it in the browser."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import yaml

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset
from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import Asset, parse_bundle
from ansible_collections.cht.sync.plugins.module_utils._superset_exchange import parse_export

# The connection that the role makes, and what is the tests' own.
WAREHOUSE = "5c0a1d0e-6f0b-4d57-9d0c-1f1c37b6a001"
DATASET = "3e77192d-019e-4c0f-a60f-080f4ded18ee"
NUMBER = "3f76ad48-6073-417b-a67f-b30033bf9c0e"
TABLE = "5d07c090-6587-4b03-90dd-951e89fd6810"
DASHBOARD = "55665d2c-4cb0-420e-9dd7-ee92a9f83ebe"
ADDED = "798f6fee-f91f-4b9c-9a7d-926b6dd0b4fc"
CONNECTION = "4edca6b1-4ee7-4bab-926f-f03ebde0735a"
OTHER = "73006118-a3d3-4383-bd51-c8a7eec274c0"
OWN = (DATASET, NUMBER, TABLE, DASHBOARD, ADDED, CONNECTION, OTHER)

DATASET_FILE = "datasets/numbers.yaml"
NUMBER_FILE = "charts/number.yaml"
TABLE_FILE = "charts/table.yaml"
DASHBOARD_FILE = "dashboards/numbers.yaml"


def chart(uuid: str, title: str, kind: str, **params) -> dict:
    """The content of a chart's file."""
    return {
        "slice_name": title,
        "viz_type": kind,
        "params": {"viz_type": kind, **params},
        "dataset_uuid": DATASET,
        "uuid": uuid,
        "version": "1.0.0",
    }


def shown(number: int, uuid: str) -> dict:
    """A node of a dashboard's position."""
    meta = {"chartId": number, "uuid": uuid, "width": 4, "height": 50}
    return {"type": "CHART", "id": f"CHART-{number}", "children": [], "meta": meta}


def connection(uuid: str, name: str, **fields) -> dict:
    """The content of a connection's file. Nobody listens there."""
    return {
        "database_name": name,
        "sqlalchemy_uri": "postgresql+psycopg2://nobody:XXXXXXXXXX@127.0.0.1:9/none",
        "extra": {},
        "uuid": uuid,
        "version": "1.0.0",
        **fields,
    }


CONTENTS = {
    DATASET_FILE: {
        "table_name": "cht_sync_test_numbers",
        "sql": "SELECT current_date AS day, 'a' AS kind, n FROM generate_series(1, 3) n",
        "main_dttm_col": "day",
        "database_uuid": WAREHOUSE,
        "metrics": [{"metric_name": "total", "expression": "SUM(n)", "d3format": ",d"}],
        "columns": [
            {"column_name": "day", "type": "DATE", "is_dttm": True},
            {"column_name": "kind", "type": "TEXT"},
            {"column_name": "n", "type": "INTEGER"},
        ],
        "uuid": DATASET,
        "version": "1.0.0",
    },
    NUMBER_FILE: chart(NUMBER, "Total of the test", "big_number_total", metric="total", header_font_size=0.5),
    TABLE_FILE: chart(TABLE, "Table of the test", "table", query_mode="aggregate", groupby=["kind"], metrics=["total"]),
    DASHBOARD_FILE: {
        "dashboard_title": "Test of cht.sync",
        "slug": "cht-sync-test",
        "uuid": DASHBOARD,
        "version": "1.0.0",
        "position": {
            "DASHBOARD_VERSION_KEY": "v2",
            "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
            "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": ["ROW-1"]},
            "ROW-1": {
                "type": "ROW", "id": "ROW-1", "children": ["CHART-1", "CHART-2"], "meta": {"background": "BACKGROUND_TRANSPARENT"}
            },
            "CHART-1": shown(1, NUMBER),
            "CHART-2": shown(2, TABLE),
        },
        "metadata": {
            "native_filter_configuration": [
                {
                    "id": "NATIVE_FILTER-kind",
                    "name": "Kind",
                    "filterType": "filter_select",
                    "type": "NATIVE_FILTER",
                    "scope": {"rootPath": ["ROOT_ID"], "excluded": [1]},
                    "targets": [{"column": {"name": "kind"}, "datasetUuid": DATASET}],
                    "controlValues": {},
                    "defaultDataMask": {"extraFormData": {}, "filterState": {}},
                    "cascadeParentIds": [],
                }
            ],
            "color_scheme": "supersetColors",
        },
    },
}  # fmt: skip


class Bundle:
    """The files, to be changed at will."""

    def __init__(self) -> None:
        self.contents: dict = copy.deepcopy(CONTENTS)

    def without_table(self) -> Bundle:
        """With one chart fewer."""
        del self.contents[TABLE_FILE]
        position = self.contents[DASHBOARD_FILE]["position"]
        del position["CHART-2"]
        position["ROW-1"]["children"] = ["CHART-1"]
        return self

    def assets(self) -> list[Asset]:
        """Its objects."""
        return parse_bundle([{"source": "bundle", "files": {path: yaml.safe_dump(content) for path, content in self.contents.items()}}])

    def write(self, directory: Path) -> Path:
        """Writes its files."""
        for path, content in self.contents.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(yaml.safe_dump(content), encoding="utf-8")
        return directory


class Person:
    """Works in the browser; what it sends is recorded from there."""

    def __init__(self, superset: Superset) -> None:
        self.superset = superset

    def number(self, kind: str, uuid: str) -> int:
        """The id in the address of an object's page."""
        found = self.superset.find(kind, uuid)
        assert found is not None, f"{kind} {uuid} is not there"
        return found

    def save_chart(self, uuid: str, title: str, **params) -> None:
        """Saves a chart under a title, with settings of its own; the browser spells out all others and adds the query."""
        number = self.number("charts", uuid)
        stored = self.superset.get(f"/api/v1/chart/{number}")["result"]
        form = {
            **json.loads(stored["params"]),
            "slice_id": number,
            "matrixify_enable": False,
            "matrixify_mode_columns": "disabled",
            "matrixify_dimension_columns": {"dimension": "", "values": []},
            "annotation_layers": [],
            "extra_form_data": {},
            "dashboards": [dashboard["id"] for dashboard in stored["dashboards"]],
            **params,
        }
        context = {"datasource": {"id": 1, "type": "table"}, "queries": [{"metrics": ["total"]}], "form_data": form}
        self.superset.put(
            f"/api/v1/chart/{number}",
            {"slice_name": title, "params": json.dumps(form), "query_context": json.dumps(context), "viz_type": stored["viz_type"]},
        )

    def save_dashboard(self, title: str) -> None:
        """Saves the dashboard under another title."""
        number = self.number("dashboards", DASHBOARD)
        stored = self.superset.get(f"/api/v1/dashboard/{number}")["result"]
        charts = [self.number("charts", uuid) for uuid in (NUMBER, TABLE)]
        metadata = json.loads(stored["json_metadata"])
        for native_filter in metadata["native_filter_configuration"]:
            native_filter.update(chartsInScope=charts[1:], tabsInScope=[])
        position = json.loads(stored["position_json"])
        for key, parents in {"GRID_ID": [], "ROW-1": ["GRID_ID"], "CHART-1": ["GRID_ID", "ROW-1"]}.items():
            position[key]["parents"] = ["ROOT_ID", *parents]
        metadata.update(
            {
                "positions": position,
                "cross_filters_enabled": True,
                "chart_configuration": {
                    str(chart): {"id": chart, "crossFilters": {"scope": "global", "chartsInScope": charts}} for chart in charts
                },
                "global_chart_configuration": {"scope": {"rootPath": ["ROOT_ID"], "excluded": []}, "chartsInScope": charts},
                "chart_customization_config": [],
                "color_scheme_domain": ["#1FA8C9"],
                "map_label_colors": {},
                "expanded_slices": {},
                "label_colors": {},
                "shared_label_colors": [],
                "timed_refresh_immune_slices": [],
                "default_filters": "{}",
                "filter_scopes": {},
            }
        )
        self.superset.put(
            f"/api/v1/dashboard/{number}",
            {
                "dashboard_title": title,
                "slug": stored["slug"],
                "css": "",
                "certified_by": "",
                "certification_details": "",
                "json_metadata": json.dumps(metadata),
            },
        )

    def charts_on_dashboard(self) -> list[str]:
        """The titles that the dashboard shows."""
        number = self.number("dashboards", DASHBOARD)
        return sorted(found["slice_name"] for found in self.superset.get(f"/api/v1/dashboard/{number}/charts")["result"])


def contents(superset: Superset, own: bool) -> dict:
    """All that Superset exports of the tests' own objects, or of all others."""
    return {asset.key: asset.content for asset in parse_export(superset.export_assets()) if (asset.uuid in OWN) == own}
