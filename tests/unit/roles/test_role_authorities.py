# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of authorities lie on the controller, and the roles bring them to where they are looked for."""

from pathlib import Path

import pytest
import yaml
from playing import ROOT, evaluated

# Of each engine, what its configuration names for each feed.
NAMED = {
    "relay": "{% for feed in __relay_feeds %}{{ (lookup('ansible.builtin.template', role ~ '/templates/feed.json.j2', template_vars={'item': feed})"
             " | from_json).couchdb_ca_file or 'none' }} {% endfor %}",
    "logstash": "{{ (lookup('ansible.builtin.template', role ~ '/templates/launcher.json.j2') | from_json).feeds"
                " | map(attribute='couchdb_ca_file') | map('default', 'none', true) | join(' ') }}",
}  # fmt: skip


# Of each role that connects to PostgreSQL, what it writes of that; and by which variables.
CONNECTS = {
    "postgrest": "lookup('ansible.builtin.template', role ~ '/templates/postgrest.conf.j2')",
    "relay": "lookup('ansible.builtin.template', role ~ '/templates/parity.json.j2', template_vars={'item': __relay_feeds[0]})",
    "dbt": "lookup('ansible.builtin.template', role ~ '/templates/cht-dbt.j2')",
    "superset": "__superset_db_options | urldecode",
    "init_db": "__init_db_connection.ca_cert",
}
CA_CERT, SSL_MODE = ({role: f"{role}{'' if role == 'init_db' else '_db'}_{name}" for role in CONNECTS} for name in ("ca_cert", "ssl_mode"))
BROUGHT = {role: f"/etc/cht-sync/{'parity' if role == 'relay' else role}/postgresql.crt" for role in CONNECTS}
SYSTEM = "/etc/ssl/certs/ca-certificates.crt"


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


def test_an_engine_is_restarted_when_an_authority_of_all_changes(tmp_path, authority):
    """Java reads them when it starts, and a connection that is kept was made with those of before."""
    source = {"name": "own", "url": "https://a.example.org", "username": "u", "password": "p", "databases": ["medic"]}
    hosts = {engine: {**variables(engine), "cht_sync_sources": [source], "files": []} for engine in NAMED}
    hosts["base"] = {**variables("base"), "base_ca_certificates": [authority.ca_file], "__base_services": [], "files": "{{ __base_authorities }}"}
    found = evaluated(tmp_path, hosts, "[files, lookup('ansible.builtin.vars', '__' ~ inventory_hostname ~ '_services')]")
    (directory,) = {str(Path(file["path"]).parent) for file in found["base"][0]}
    for engine in NAMED:
        assert all(directory in unit["reads"] for unit in found[engine][1])


@pytest.fixture(scope="module")
def connected(tmp_path_factory, authority):
    """By role and whether its authority is named: [the files that it brings, what it writes], for a server that is checked."""
    source = {"name": "own", "url": "https://a.example.org", "username": "u", "password": "p", "databases": ["medic"]}
    site = {"cht_sync_postgresql_host": "db.example.org", "cht_sync_database": "cht_sync", "cht_sync_timezone": "UTC", "cht_sync_sources": [source]}
    hosts = {}
    for role, written in CONNECTS.items():
        known = {**variables(role), **site, SSL_MODE[role]: "verify-full", "written": f"{{{{ {written} }}}}"}
        files = f"__{role}_{'db_' if role == 'relay' else ''}authorities"
        for name, file in {"named": authority.ca_file, "not": ""}.items():
            hosts[f"{role}-{name}"] = {**known, CA_CERT[role]: file, "files": f"{{{{ {files} }}}}"}
    return evaluated(tmp_path_factory.mktemp("connected"), hosts, "[files, written | string]")


@pytest.mark.parametrize("role", CONNECTS)
def test_the_authority_of_postgresql_is_brought_where_it_is_looked_for(connected, authority, role):
    files, written = connected[f"{role}-named"]
    assert files == [{"path": BROUGHT[role], "content": Path(authority.ca_file).read_text()}]
    assert BROUGHT[role] in written and authority.ca_file not in written
    files, written = connected[f"{role}-not"]
    assert files == [] and SYSTEM in written


def test_the_authority_of_postgrest_is_brought_beside_those_of_the_sources(tmp_path, authority):
    hosts = {engine: {**variables(engine), f"{engine}_postgrest_ca_file": authority.ca_file, "cht_sync_sources": []} for engine in NAMED}
    names = "'__' ~ inventory_hostname ~ '_authorities', '__' ~ inventory_hostname ~ '_postgrest_authority'"
    found = evaluated(tmp_path, hosts, f"query('ansible.builtin.vars', {names})")
    for engine in NAMED:
        path = f"/etc/cht-sync/{engine}/authorities/PostgREST.crt"
        assert found[engine] == [[{"path": path, "content": Path(authority.ca_file).read_text()}], path]
