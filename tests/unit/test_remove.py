# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""remove.yml asks for the name of the data that is to go, and for the machine it is on."""

import json
import os
import subprocess
import sys

import pytest
from playing import ROOT

HERE = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
HOSTS = {
    "all": {
        "vars": {**HERE, "cht_sync_database": "cht_sync", "cht_sync_postgresql_host": "192.0.2.7"},
        "children": {"postgresql": {"hosts": {"db.example.org": {}}}, "sync": {"hosts": {"db.example.org": {}}}},
    }
}


def asked(directory, value, hosts=HOSTS):
    """How it ends, and what it says, where it is only asked: no play after the first one has anything to do."""
    (directory / "hosts.json").write_text(json.dumps(hosts))
    done = subprocess.run(
        ["ansible-playbook", "-i", directory / "hosts.json", ROOT / "playbooks/remove.yml", "--tags", "asked", "-e", json.dumps({"remove_data": value})],
        cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return done.returncode, " ".join(done.stdout.split())


@pytest.mark.parametrize("value", [True, "cht_sync", "cht_sync@other.example.org"])
def test_data_goes_only_by_its_name_and_machine(tmp_path, value):
    code, said = asked(tmp_path, value)
    assert code == 2
    assert "-e remove_data=cht_sync@db.example.org" in said


@pytest.mark.parametrize("value", ["", "cht_sync@db.example.org"])
def test_the_right_name_or_none_goes_on(tmp_path, value):
    assert asked(tmp_path, value)[0] == 0


def test_an_external_server_is_named_as_the_inventory_has_it(tmp_path):
    hosts = {"all": {**HOSTS["all"], "children": {"sync": {"hosts": {"app.example.org": {}}}}}}
    assert asked(tmp_path, "cht_sync@192.0.2.7", hosts)[0] == 0
