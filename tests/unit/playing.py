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
    directory: Path, hosts: dict, tasks: list, facts: bool = False, arguments: tuple[str, ...] = ()
) -> subprocess.CompletedProcess:
    """Runs tasks once for each of the hosts with its variables, which all are this machine unless they name another one."""
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory, playbook = directory / "hosts.json", directory / "play.json"
    inventory.write_text(json.dumps({"all": {"hosts": {name: {**here, **values} for name, values in hosts.items()}}}))
    # All hosts are one machine: what it is like is looked up once.
    gather = [{"setup": {"gather_subset": ["!all", "hardware"]}, "run_once": True}] if facts else []
    content = {"hosts": "all", "gather_facts": False, "tasks": gather + tasks}
    playbook.write_text(json.dumps([content]))
    return subprocess.run(
        ["ansible-playbook", "-i", inventory, playbook, *arguments],
        cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip


def told(directory: Path, hosts: dict, tasks: list, **options) -> tuple[dict, str]:
    """By host, what tasks have set as the fact `told`, or None; and all that Ansible said. No handler runs: the services are not here."""
    hosts = {name: {"told": None, **values} for name, values in hosts.items()}
    by_host = "dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'told')))"
    # One file for all: one a host takes far longer.
    keep = {"copy": {"content": f"{{{{ {by_host} | to_json }}}}", "dest": f"{directory}/told.json"}, "run_once": True, "delegate_to": "localhost"}
    done = play(directory, hosts, [*tasks, keep, {"meta": "end_play"}], **options)
    assert done.returncode == 0, done.stdout
    return json.loads((directory / "told.json").read_text()), done.stdout


def refusals(directory: Path, hosts: dict, tasks: list, **options) -> tuple[dict, str]:
    """By host, what the task that stopped it says, for those that were stopped; and all that Ansible said."""
    failed = "ansible_failed_result.results | default([ansible_failed_result], true) | selectattr('failed', 'defined') | selectattr('failed')"
    rescue = {"set_fact": {"told": f"{{{{ {failed} | map(attribute='msg') | join(' ') }}}}"}}
    by_host, said = told(directory, hosts, [{"block": tasks, "rescue": [rescue]}], **options)
    return {name: text for name, text in by_host.items() if text is not None}, said


def evaluated(directory: Path, hosts: dict, expression: str) -> dict:
    """By host, the value of an expression of Jinja."""
    return told(directory, hosts, [{"set_fact": {"told": f"{{{{ {expression} }}}}"}}])[0]
