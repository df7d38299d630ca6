# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible itself says of an inventory, before any task of ours."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from playing import ROOT


@pytest.fixture
def inventory(tmp_path):
    """Like inventories/single_vm, with models and dashboards beside the hosts."""
    shutil.copytree(ROOT / "inventories/single_vm", tmp_path / "mysite")
    shutil.copytree(ROOT / "roles/superset/files/dashboards", tmp_path / "mysite/dashboards")
    shutil.copytree(ROOT / "tests/fixtures/country-package", tmp_path / "mysite/models")
    return tmp_path / "mysite"


def run(*command, config: Path = ROOT / "ansible.cfg"):
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(config), "ANSIBLE_NOCOLOR": "1"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("whose", ["ours", "their own"])
def test_models_and_dashboards_beside_the_hosts_are_no_inventory(inventory, tmp_path, whose):
    """With a configuration of one's own, by naming the file of the hosts, as the roles' READMEs say."""
    (tmp_path / "ansible.cfg").touch()
    named, config = (inventory, ROOT / "ansible.cfg") if whose == "ours" else (inventory / "hosts.yml", tmp_path / "ansible.cfg")
    done = run("ansible-inventory", "-i", named, "--list", config=config)
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout
    assert '"cht_sync_engine"' in done.stdout


@pytest.mark.parametrize("playbook", ["preflight", "secrets"])
def test_an_encrypted_file_without_its_password_names_the_option(inventory, tmp_path, playbook):
    secrets, password = inventory / "group_vars/all/secrets.yml", tmp_path / "password"
    secrets.write_text("couchdb_password: x\n")
    password.write_text("x")
    assert run("ansible-vault", "encrypt", "--vault-password-file", password, secrets).returncode == 0
    done = run("ansible-playbook", "-i", inventory, f"playbooks/{playbook}.yml")
    assert done.returncode != 0 and "no vault secrets" in done.stdout and "--ask-vault-pass" in done.stdout, done.stdout
