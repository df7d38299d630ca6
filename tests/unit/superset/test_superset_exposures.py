# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards read what dbt's project says they read, so that `dbt ls --select +exposure:<name>` tells what they hang on."""

import re
from pathlib import Path

import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"
FILES = ROLES / "superset/files"


def load(path):
    return yaml.safe_load(path.read_text())


def test_each_dashboard_is_an_exposure_of_the_marts_it_reads():
    told = load(ROLES / "dbt/files/project/models/marts/exposures.yml")["exposures"]
    exposures = {exposure["name"]: {re.fullmatch(r"ref\('(\w+)'\)", model)[1] for model in exposure["depends_on"]} for exposure in told}
    tables = {dataset["uuid"]: dataset["table_name"] for dataset in map(load, FILES.glob("datasets/datasets/*.yaml"))}
    read = {
        directory.name: {tables[uuid] for uuid in datasets_of(directory)} for directory in (FILES / "dashboards").iterdir()
    }
    assert read and exposures == read
    assert set().union(*read.values()) == set(tables.values())


def datasets_of(directory):
    """The uuids of the datasets that the charts and filters of a dashboard name."""
    for chart in map(load, directory.glob("charts/*.yaml")):
        yield chart["dataset_uuid"]
    for dashboard in map(load, directory.glob("dashboards/*.yaml")):
        for entry in dashboard["metadata"]["native_filter_configuration"]:
            yield from (target["datasetUuid"] for target in entry["targets"] if "datasetUuid" in target)
