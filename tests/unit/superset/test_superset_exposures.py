# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards read what dbt's project says they read, so that `dbt ls --select +exposure:<name>` tells what they hang on."""

import re
from pathlib import Path

import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"


def test_each_dashboard_is_an_exposure_of_the_marts_it_reads():
    told = yaml.safe_load((ROLES / "dbt/files/project/models/marts/exposures.yml").read_text())["exposures"]
    exposures = {exposure["name"]: {re.fullmatch(r"ref\('(\w+)'\)", model)[1] for model in exposure["depends_on"]} for exposure in told}
    read = {
        directory.name: {yaml.safe_load(dataset.read_text())["table_name"] for dataset in directory.glob("datasets/**/*.yaml")}
        for directory in (ROLES / "superset/files/dashboards").iterdir()
    }
    assert read and exposures == read
