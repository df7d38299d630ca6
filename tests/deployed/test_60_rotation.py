# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst day: while all secrets are changed, a power cut ends the run, and in the next one a part cannot be deployed. What can
be deployed is; what went wrong is summed up in the end; another run heals it.

The last of all: the machine has other secrets than its inventory afterwards."""

import json
import re

import pytest
from stack import changed_by, group, killed_playbook, machine, playbook, secrets, until

pytestmark = pytest.mark.one

SECRET_KEY = "another-secret-key-0123456789abcdefghijkl"
# The relay's command cannot be written while a directory stands in its place: as good as a full or a read-only disk.
OBSTACLE = "/usr/local/bin/cht-relay"
PACKAGE = {
    "dbt_project.yml": "name: country\nversion: 1.0.0\nconfig-version: 2\nprofile: default\n",
    "models/broken_model.sql": "{{ config(materialized='table') }} select 1 / count(*) as x from {{ ref('fct_report') }} where false\n",
}


def test_supersets_secret_key_is_changed_and_what_it_stored_still_works():
    only = ("--tags", "superset_configure,superset_service")
    changed = ("-e", f"superset_secret_key={SECRET_KEY}")
    refused = playbook("site", *only, *changed)
    assert refused.returncode != 0 and "give that old value as superset_previous_secret_key" in " ".join(refused.stdout.split())
    done = playbook("site", *only, *changed, "-e", f"superset_previous_secret_key={secrets()['superset_secret_key']}")
    assert done.returncode == 0, done.stdout[-3000:]
    # Each run tries the stored connections, and stores one that does not work anew.
    results = dict(re.findall(r"TASK \[cht.sync.superset : (.+?)\] \*+\n(\w+):", done.stdout))
    assert results["Encrypt them"] == "changed" and results["Connect Superset to the warehouse"] == "ok", results
    assert not machine("superset").file("/etc/cht-sync/superset/previous-secret-key").exists


@pytest.fixture(scope="module")
def new():
    """All secrets, changed."""
    changed = {name: f"rotated{position}" + "0123456789abcdefghijklmnopqrstuvwxyz" for position, name in enumerate(secrets())}
    changed["couchdb_demo_password"] = secrets()["couchdb_demo_password"]  # CouchDB's own
    changed["superset_secret_key"] = SECRET_KEY  # guarded: it has a way of its own, above
    return changed


@pytest.fixture(scope="module")
def given(new):
    """Them, as a playbook takes them."""
    return [word for name, value in new.items() for word in ("-e", f"{name}={value}")]


@pytest.fixture(scope="module")
def shows_none(new, given):
    """Fails if the output of a run holds a secret, new or old."""

    def look(said: str) -> None:
        for word in given[1::2]:
            said = said.replace(f"-e {word}", "")
        for values in (new, secrets()):
            assert [name for name, value in values.items() if value in said] == []

    return look


@pytest.fixture(scope="module")
def run(vm, given, tmp_path_factory):
    """A run of site.yml with a country's model that fails, an engine that cannot be deployed, and a change for Superset."""
    # The worst moment of a power cut: PostgreSQL has the new passwords, and nobody else has.
    killed_playbook("site", "The sync", *given)
    package = tmp_path_factory.mktemp("country")
    for name, text in PACKAGE.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(text)
    changes = {"dbt_packages": [{"name": "country", "path": str(package)}], "superset_cache_seconds": 11}
    assert vm.run("rm %s && mkdir %s", OBSTACLE, OBSTACLE).rc == 0
    yield playbook("site", "-vvv", "--diff", *given, "-e", json.dumps(changes))
    vm.run("rmdir %s", OBSTACLE)  # unless the last test has


def test_the_summary_says_of_each_part_how_it_is(run, shows_none):
    said, on = " ".join(run.stdout.split("TASK [Say how each part is]")[1].split()), group("sync")
    assert run.returncode == 2
    assert f"NOT WELL relay on {on}: " in said and "Is a directory" in said, said
    assert f"WARNING dbt on {on}: models of a package failed" in said and "broken_model" in said, said
    for part in ("the machine", "PostgreSQL", "the warehouse", "PostgREST", "Superset"):
        assert f"well {part} on {on}" in said, said
    assert "Not well: relay. " in said
    shows_none(run.stdout)


@pytest.mark.usefixtures("run")
def test_what_comes_after_the_failing_part_is_deployed(vm, new):
    assert '= _cache("data", 11)' in vm.file("/etc/cht-sync/superset/superset_config.py").content_string
    assert vm.file("/etc/cht-sync/dbt/password").content_string.strip() == new["cht_sync_dbt_password"]


@pytest.mark.usefixtures("run")
def test_a_models_failure_is_an_error_of_the_status(given):
    done = playbook("status", *given)
    assert done.returncode == 2 and "failed in their last run: broken_model" in " ".join(done.stdout.split()), done.stdout[-3000:]


def test_another_run_heals_it(run, vm, given, shows_none, couchdb, warehouse):
    assert vm.run("rmdir %s", OBSTACLE).rc == 0
    done = playbook("site", "-vvv", "--diff", *given)
    rotated = {name.split(" : ")[-1] for name in (*changed_by(run, 2), *changed_by(done))}
    assert {"Configure PostgREST", "Configure the relay", "Configure the runs of dbt", "Configure Superset"} <= rotated
    shows_none(done.stdout)
    assert not re.search("NOT WELL|WARNING dbt", done.stdout), done.stdout[-3000:]
    said = " ".join(done.stdout.split())
    assert "All 7 parts are deployed and well." in said and "Dashboards: http://127.0.0.1:8088/" in said and "playbooks/status.yml" in said
    assert vm.file(OBSTACLE).is_file
    id_ = couchdb.write()
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{id_}'"), 60, "arrival with the new secrets")
    assert playbook("status", *given).returncode == 0
