# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of the collection, played by Ansible itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def play(
    directory: Path, hosts: dict, tasks: list, facts: bool = False, handlers: list | None = None, arguments: tuple[str, ...] = ()
) -> subprocess.CompletedProcess:
    """Runs tasks on this machine, once for each of the hosts with its variables."""
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory, playbook = directory / "hosts.json", directory / "play.json"
    inventory.write_text(json.dumps({"all": {"hosts": {name: {**here, **values} for name, values in hosts.items()}}}))
    content = {"hosts": "all", "gather_facts": facts, "gather_subset": ["!all", "hardware"], "tasks": tasks, "handlers": handlers or []}
    playbook.write_text(json.dumps([content]))
    return subprocess.run(
        ["ansible-playbook", "-i", inventory, playbook, *arguments],
        cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
