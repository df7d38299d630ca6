# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's templates rendered by Ansible itself, for several inventories in one run."""

from __future__ import annotations

from pathlib import Path

import yaml
from cht_front import Authority
from playing import told

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles/logstash"
SECRET = "tell-nobody-" * 4
HOSTILE = 'a"b\\ ${HOME} %{id} => }\n# é'
FILES = ("logstash.yml", "log4j2.properties", "launcher.json", "cht-sync-logstash.service")


def source(**changed) -> dict:
    entry = {"name": "district", "url": "https://cht.example.org", "username": "analytics", "password": SECRET}
    return {**entry, "databases": ["medic", "medic-sentinel", "medic-users-meta"], **changed}


# What an operator may write, by a name for each.
INVENTORIES = {
    "usual": {"cht_sync_sources": [source()]},
    "hostile": {"cht_sync_sources": [source(username=HOSTILE, password=SECRET + HOSTILE)]},
    "several": {
        "cht_sync_sources": [
            source(url="http://10.0.0.7:5984/"),
            source(name="north", url="https://north.example.org:6984", databases=["medic"], source_prefix="n"),
        ],
        "logstash_api_port": 9700,
        "logstash_heap": "1536m",
        "logstash_java_home": "/usr/lib/jvm/java-17",
        "logstash_postgrest_url": "https://api.example.org/rest/",
        "logstash_log_level": "warn",
    },
}


def variables(changed: dict) -> dict:
    """All that the templates read; what begins with __ is the role's own and stays."""
    both = [yaml.safe_load((ROLE / name).read_text()) for name in ("defaults/main.yml", "vars/main.yml")]
    return {**both[0], **both[1], "cht_sync_jwt_secret": SECRET, **changed}


def render(directory: Path) -> None:
    """Writes <directory>/<inventory>/<file> for each inventory."""
    ca_file = Authority(directory, "north").ca_file
    hosts = {name: variables(changed) for name, changed in INVENTORIES.items()}
    usual, north = hosts["several"]["cht_sync_sources"]
    hosts["several"]["cht_sync_sources"] = [usual, {**north, "ca_file": ca_file}]
    hosts["several"]["logstash_postgrest_ca_file"] = ca_file
    # By lookups: the module, which puts the same text in its place on a machine, takes a second for two files.
    tasks = [
        {"set_fact": {"told": _added("item", f"'{ROLE}/templates/' ~ item ~ '.j2'")}, "loop": list(FILES)},
        {"set_fact": {"told": _added("item.unit ~ '.conf'", f"'{ROLE}/templates/pipeline.conf.j2'")}, "loop": "{{ __logstash_feeds }}"},
    ]
    for inventory, files in told(directory, hosts, tasks)[0].items():
        (directory / inventory).mkdir()
        for name, text in files.items():
            (directory / inventory / name).write_text(text, encoding="utf-8")


def _added(name: str, template: str) -> str:
    return f"{{{{ told | default({{}}, true) | combine({{{name}: lookup('ansible.builtin.template', {template})}}) }}}}"
