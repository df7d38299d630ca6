# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook that finds no machine fails, and says what to give."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOKS = sorted(path.name for path in (ROOT / "playbooks").glob("*.yml"))


def run(playbook: str, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["ansible-playbook", f"playbooks/{playbook}", *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def refused(done: subprocess.CompletedProcess) -> str:
    said = " ".join(done.stdout.split())
    assert done.returncode == 2, said
    assert "No machine is in group" in said and "give yours with -i" in said
    return said


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_without_an_inventory_fails(playbook):
    refused(run(playbook))


def test_a_mistyped_inventory_is_named(tmp_path):
    assert "inventories/mysiet" in refused(run("preflight.yml", "-i", f"{tmp_path}/inventories/mysiet"))


def test_an_empty_group_is_named(tmp_path):
    (tmp_path / "hosts.yml").write_text("all: {children: {sync: {hosts: {}}, postgresql: {hosts: {db: {}}}}}")
    assert "group sync" in refused(run("site.yml", "-i", str(tmp_path)))
