# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shipped dashboards have in common, and what the documentation tells of them."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = ROOT / "roles/superset/files"
CHARTS = sorted(FILES.glob("dashboards/*/charts/*.yaml"))
DASHBOARDS = sorted(FILES.glob("dashboards/*/dashboards/*.yaml"))
DATASETS = {dataset["uuid"]: dataset for dataset in (yaml.safe_load(path.read_text()) for path in FILES.glob("datasets/datasets/*.yaml"))}
MARTS = ROOT / "roles/dbt/files/project/models/marts"
MODELS = [model for path in MARTS.rglob("*.yml") for model in yaml.safe_load(path.read_text()).get("models", [])]


def load(path):
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.stem)
def test_a_chart_says_what_it_shows_and_docs_repeat_it(path):
    chart = load(path)
    assert f"| {chart['slice_name']} | {chart['description']} |" in (ROOT / "docs/dashboards.md").read_text()


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.stem)
def test_a_chart_uses_metrics_and_columns_that_its_dataset_has(path):
    chart = load(path)
    params, dataset = chart["params"], DATASETS[chart["dataset_uuid"]]
    columns = {column["column_name"] for column in dataset["columns"]}
    metrics = {metric["metric_name"] for metric in dataset["metrics"]}
    assert {*params.get("metrics", []), *filter(None, [params.get("metric")])} <= metrics
    named = [params.get("x_axis"), *params.get("groupby", []), *params.get("all_columns", []), *params.get("columns", [])]
    named += [entry["subject"] for entry in params["adhoc_filters"] if "subject" in entry]
    assert set(filter(None, named)) <= columns


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.stem)
def test_numbers_have_a_format_so_that_millions_can_be_read(path):
    """Superset shows those of a table's own columns with all their digits in a row."""
    chart = load(path)
    params, dataset = chart["params"], DATASETS[chart["dataset_uuid"]]
    formats = {metric["metric_name"]: metric.get("d3format") for metric in dataset["metrics"]}
    known = {column["column_name"]: column["type"] for column in dataset["columns"]}
    shown = params.get("all_columns", []) if params.get("query_mode") == "raw" else []
    for column in shown:
        if known[column] in ("BIGINT", "INTEGER", "DOUBLE PRECISION"):
            assert params["column_config"].get(column, {}).get("d3NumberFormat"), column
    dates = {metric for metric, how in params.get("column_config", {}).items() if "d3TimeFormat" in how}
    assert all(formats[metric] for metric in {*params.get("metrics", []), *filter(None, [params.get("metric")])} - dates)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_no_two_charts_color_one_name(path):
    """Superset would draw the whole page again after each chart."""
    names = Counter()
    for chart in map(load, path.parents[1].glob("charts/*.yaml")):
        shown = {metric["metric_name"]: metric["verbose_name"] for metric in DATASETS[chart["dataset_uuid"]]["metrics"]}
        if "color_scheme" in chart["params"] and not chart["params"]["groupby"]:
            names.update(shown[metric] for metric in chart["params"]["metrics"])
    assert [name for name, charts in names.items() if charts > 1] == []


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: dataset["table_name"])
def test_a_dataset_has_no_times_in_utc(dataset):
    """Superset shows in UTC what has a time zone, and its sessions' today is that of UTC."""
    types = {column["name"]: column["data_type"] for model in MODELS if model["name"] == dataset["table_name"] for column in model["columns"]}
    for column in dataset["columns"]:
        if "expression" not in column:
            assert types[column["column_name"]] != "timestamp with time zone", column["column_name"]
    expressions = " ".join(entry.get("expression", "") for entry in [*dataset["columns"], *dataset["metrics"]])
    assert not re.search(r"\b(current_\w+|now|clock_timestamp)\b", expressions, re.IGNORECASE)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_the_time_reaches_all_charts_but_those_that_have_none(path):
    dashboard = load(path)
    charts = {chart["uuid"]: chart for chart in map(load, path.parents[1].glob("charts/*.yaml"))}
    numbers = {node["meta"]["chartId"]: charts[node["meta"]["uuid"]] for node in dashboard["position"].values() if "chartId" in node_meta(node)}
    timeless = {
        number
        for number, chart in numbers.items()
        if not any(entry.get("operator") == "TEMPORAL_RANGE" for entry in chart["params"]["adhoc_filters"])
    }
    filters = {entry["id"]: entry for entry in dashboard["metadata"]["native_filter_configuration"]}
    assert set(filters["NATIVE_FILTER-time"]["scope"]["excluded"]) == timeless
    assert filters["NATIVE_FILTER-area"]["cascadeParentIds"] == ["NATIVE_FILTER-facility"]
    # A place filter that a dataset cannot apply would make its chart fail, or lie.
    placeless = {
        number
        for number, chart in numbers.items()
        if not any(column["column_name"] == "area_name" for column in DATASETS[chart["dataset_uuid"]]["columns"])
    }
    assert set(filters["NATIVE_FILTER-area"]["scope"]["excluded"]) == placeless


def node_meta(node):
    return node.get("meta", {}) if isinstance(node, dict) else {}


def test_the_dashboards_look_alike():
    assert len({load(path)["css"] for path in DASHBOARDS}) == 1
    assert {load(path)["metadata"]["color_scheme"] for path in DASHBOARDS} == {"supersetColors"}
