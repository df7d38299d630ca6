# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of authorities lie on the controller, and the roles bring them to where they are looked for."""

from pathlib import Path

import yaml
from playing import ROOT, evaluated

# Of each engine, what its configuration names for each feed.
NAMED = {
    "relay": "{% for feed in __relay_feeds %}{{ (lookup('ansible.builtin.template', role ~ '/templates/feed.json.j2', template_vars={'item': feed})"
             " | from_json).couchdb_ca_file or 'none' }} {% endfor %}",
    "logstash": "{{ (lookup('ansible.builtin.template', role ~ '/templates/launcher.json.j2') | from_json).feeds"
                " | map(attribute='couchdb_ca_file') | map('default', 'none', true) | join(' ') }}",
}  # fmt: skip


def variables(role: str) -> dict:
    both = [yaml.safe_load((ROOT / f"roles/{role}/{folder}/main.yml").read_text()) for folder in ("defaults", "vars")]
    return {**both[0], **both[1], "role": f"{ROOT}/roles/{role}"}


def test_each_authority_is_brought_to_where_it_is_looked_for(tmp_path, authority):
    source = {"name": "own", "url": "https://a.example.org", "username": "u", "password": "p", "databases": ["medic", "medic-sentinel"]}
    sources = [{**source, "ca_file": authority.ca_file}, {**source, "name": "known", "url": "https://b.example.org"}]
    hosts = {engine: {**variables(engine), "cht_sync_sources": sources, "named": named} for engine, named in NAMED.items()}
    hosts["base"] = {**variables("base"), "base_ca_certificates": [authority.ca_file], "named": ""}
    found = evaluated(tmp_path, hosts, "[lookup('ansible.builtin.vars', '__' ~ inventory_hostname ~ '_authorities'), named]")

    content = Path(authority.ca_file).read_text()
    for engine in NAMED:
        path = f"/etc/cht-sync/{engine}/authorities/own.crt"
        assert found[engine][0] == [{"path": path, "content": content}]
        assert found[engine][1].split() == [path, path, "none", "none"]
    assert found["base"][0] == [{"path": "/usr/local/share/ca-certificates/cht-sync-authority.crt", "content": content}]
