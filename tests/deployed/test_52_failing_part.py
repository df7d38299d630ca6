# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part that fails leaves no other half changed; what goes wrong is summed up in the end; another run heals it."""

import json

import pytest
from stack import group, playbook

pytestmark = pytest.mark.one

# The relay's command cannot be written while a directory stands in its place: as good as a full or a read-only disk.
OBSTACLE = "/usr/local/bin/cht-relay"
PACKAGE = {
    "dbt_project.yml": "name: country\nversion: 1.0.0\nconfig-version: 2\nprofile: default\n",
    "models/broken_model.sql": "{{ config(materialized='table') }} select 1 / count(*) as x from {{ ref('fct_report') }} where false\n",
}


@pytest.fixture(scope="module")
def run(vm, tmp_path_factory):
    """A run of site.yml with a country's model that fails, an engine that cannot be deployed, and a change for Superset."""
    package = tmp_path_factory.mktemp("country")
    for name, text in PACKAGE.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(text)
    changes = {"dbt_packages": [{"name": "country", "path": str(package)}], "superset_cache_seconds": 11}
    assert vm.run("rm %s && mkdir %s", OBSTACLE, OBSTACLE).rc == 0
    yield playbook("site", "-e", json.dumps(changes))
    vm.run("rmdir %s", OBSTACLE)  # unless the last test has


def test_the_summary_says_of_each_part_how_it_is(run):
    said, machine = " ".join(run.stdout.split("TASK [Say how each part is]")[1].split()), group("sync")
    assert run.returncode == 2
    assert f"NOT WELL relay on {machine}: " in said and "Is a directory" in said, said
    assert f"WARNING dbt on {machine}: models of a package failed" in said and "broken_model" in said, said
    for part in ("the machine", "PostgreSQL", "the warehouse", "PostgREST", "Superset"):
        assert f"well {part} on {machine}" in said, said
    assert "Not well: relay. " in said


@pytest.mark.usefixtures("run")
def test_what_comes_after_the_failing_part_is_deployed(vm):
    assert "= _cache(\"data\", 11)" in vm.file("/etc/cht-sync/superset/superset_config.py").content_string


@pytest.mark.usefixtures("run")
def test_a_models_failure_is_an_error_of_the_status():
    done = playbook("status")
    assert done.returncode == 2 and "failed in their last run: broken_model" in " ".join(done.stdout.split()), done.stdout[-3000:]


@pytest.mark.usefixtures("run")
def test_another_run_heals_it(vm):
    assert vm.run("rmdir %s", OBSTACLE).rc == 0
    done = playbook("site")
    assert done.returncode == 0 and "NOT WELL" not in done.stdout and "WARNING " not in done.stdout, done.stdout[-3000:]
    said = " ".join(done.stdout.split())
    assert "All 7 parts are deployed and well." in said and "Dashboards: http://127.0.0.1:8088/" in said and "playbooks/status.yml" in said
    assert vm.file(OBSTACLE).is_file
    assert playbook("status").returncode == 0
