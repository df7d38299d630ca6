# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role writes is what Logstash 8.19 takes: parsed, and compared with its recorded options."""

import functools
import json
import re
from pathlib import Path

import pytest
import yaml
from logstash_pipeline_parser import Pipeline
from rendering import FILES, INVENTORIES, ROOT, SECRET, render

OPTIONS = yaml.safe_load((ROOT / "tests/fixtures/logstash-8.19/options.yml").read_text())
PLUGINS = {
    ("input", "couchdb_changes"): ("input_couchdb_changes",),
    ("filter", "ruby"): ("filter_ruby", "filter_common"),
    ("output", "http"): ("output_http",),
}
# What the plugin needs and the table cannot say: without these it loses documents, or reads too much again.
INPUT = {"heartbeat": 10000, "always_reconnect": True, "keep_id": True, "keep_revision": True}
OUTPUT = {
    "http_method": "post", "format": "json_batch", "content_type": "text/plain", "follow_redirects": False,
    "socket_timeout": 300, "request_timeout": 330, "pool_max": 1, "pool_max_per_route": 1,
}  # fmt: skip


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    directory = tmp_path_factory.mktemp("rendered")
    render(directory)
    return directory


def feeds(rendered, inventory):
    return json.loads((rendered / inventory / "launcher.json").read_text())["feeds"]


@functools.cache  # the parser takes its time
def pipelines(rendered):
    """(inventory, feed, text, {(section, plugin): {option: value}}) of each pipeline of each inventory."""
    return list(parsed(rendered))


def parsed(rendered):
    for inventory in INVENTORIES:
        for feed in feeds(rendered, inventory):
            text = (rendered / inventory / f"{feed['pipeline']}.conf").read_text()
            plugins = {}
            for section, found in Pipeline(text).parse():
                for plugin, options in found:
                    assert len({name for name, _ in options}) == len(options), "an option is there twice"
                    plugins[section, plugin] = {name: values[0] for name, values in options}
            yield inventory, feed, text, plugins


def table(*keys):
    rows = [row for key in keys for rows in OPTIONS[key].values() if isinstance(rows, list) for row in rows]
    return {name: (kind, required, status) for name, kind, _default, required, status in rows}


def fits(value, kind: str) -> bool:
    if kind.startswith("enum "):
        return str(value) in kind[5:].split("|")
    if kind.startswith("list of "):
        return isinstance(value, list) and all(fits(item, kind[8:]) for item in value)
    if kind == "hash":
        return isinstance(value, list) and all(len(pair) == 2 for pair in value)
    if kind in ("number", "boolean"):
        return type(value) is {"number": int, "boolean": bool}[kind]
    if kind == "path":
        return isinstance(value, (str, Path)) and str(value).startswith("/")
    return kind in ("string", "password") and not isinstance(value, (int, list))


def test_each_pipeline_has_the_three_plugins_and_nothing_else(rendered):
    count = 0
    for *_, plugins in pipelines(rendered):
        assert list(plugins) == list(PLUGINS)
        count += 1
    assert count == 3 + 3 + 4


def test_every_option_is_known_of_the_right_type_and_not_deprecated(rendered):
    for *_, plugins in pipelines(rendered):
        for plugin, options in plugins.items():
            known = table(*PLUGINS[plugin])
            for name, value in options.items():
                kind, _required, status = known[name]
                assert status == "ok", f"{name} is {status}"
                assert fits(value, kind), f"{name} is {value!r}, not {kind}"
            assert {name for name, (_, required, _) in known.items() if required is True} <= set(options)


def test_what_keeps_documents_from_being_lost_is_set(rendered):
    for _inventory, feed, _text, plugins in pipelines(rendered):
        source, sink = plugins["input", "couchdb_changes"], plugins["output", "http"]
        assert INPUT.items() <= source.items() and OUTPUT.items() <= sink.items()
        assert "timeout" not in source and "initial_sequence" not in source
        assert str(source["sequence_path"]) == f"/var/lib/cht-logstash/seq/{feed['pipeline']}"
        assert sink["retryable_codes"] == list(range(300, 600))
        assert str(plugins["filter", "ruby"]["path"]) == "/etc/cht-sync/logstash/cht_event.rb"


def test_no_two_databases_ask_couchdb_again_in_the_same_moment(rendered):
    """A changed password would be refused to all of them before anybody can stop them."""
    for inventory in INVENTORIES:
        delays = [plugins["input", "couchdb_changes"]["reconnect_delay"] for name, _feed, _text, plugins in pipelines(rendered) if name == inventory]
        assert delays == [30 + 7 * number for number in range(len(delays))]


def test_each_pipeline_speaks_of_its_own_source_and_takes_secrets_from_the_environment(rendered):
    for _inventory, feed, text, plugins in pipelines(rendered):
        number = feed["number"]
        source, sink = plugins["input", "couchdb_changes"], plugins["output", "http"]
        assert source["username"] == f"${{CHT_USERNAME_{number}}}" and source["password"] == f"${{CHT_PASSWORD_{number}}}"
        assert {name: values[0] for name, values in sink["headers"]} == {
            "Authorization": "Bearer ${CHT_TOKEN}", "X-CHT-Source": feed["source"], "X-CHT-Lease": f"${{CHT_LEASE_{number}}}"}  # fmt: skip
        code = "".join(line for line in text.splitlines(True) if not line.lstrip().startswith("#"))
        assert set(re.findall(r"\$\{(.*?)\}", code)) == {"CHT_TOKEN", *(f"CHT_{kind}_{number}" for kind in ("USERNAME", "PASSWORD", "LEASE"))}
        assert source["db"] == feed["database"]


def test_numbers_and_ids_are_unique(rendered):
    for inventory in INVENTORIES:
        found = feeds(rendered, inventory)
        assert [feed["number"] for feed in found] == list(range(1, len(found) + 1))
    for inventory in INVENTORIES:
        ids = [options["id"] for name, _, _, plugins in pipelines(rendered) if name == inventory for options in plugins.values()]
        assert len(ids) == len(set(ids)) == 3 * len(feeds(rendered, inventory))


@pytest.mark.parametrize(
    ("inventory", "pipeline", "host", "port", "secure", "ca_file"),
    [
        ("usual", "district.medic", "cht.example.org", 443, True, "/etc/ssl/certs/ca-certificates.crt"),
        ("several", "district.medic", "10.0.0.7", 5984, False, None),
        ("several", "north.medic", "north.example.org", 6984, True, "/etc/cht-sync/logstash/authorities/north.crt"),
    ],
)
def test_the_address_of_couchdb(rendered, inventory, pipeline, host, port, secure, ca_file):
    (found,) = [p["input", "couchdb_changes"] for i, f, _, p in pipelines(rendered) if (i, f["pipeline"]) == (inventory, pipeline)]
    assert (str(found["host"]), found["port"], found["secure"]) == (host, port, secure)
    assert ca_file == (str(found["ca_file"]) if "ca_file" in found else None)


def test_the_address_of_postgrest(rendered):
    for inventory, _feed, _text, plugins in pipelines(rendered):
        sink = plugins["output", "http"]
        if inventory == "several":
            assert sink["url"] == "https://api.example.org/rest/rpc/ingest"
            assert [str(path) for path in sink["ssl_certificate_authorities"]] == ["/etc/cht-sync/logstash/authorities/PostgREST.crt"]
        else:
            assert sink["url"] == "http://127.0.0.1:3000/rpc/ingest" and "ssl_certificate_authorities" not in sink


def test_settings_are_known(rendered):
    known = {row[0] for row in OPTIONS["settings"]}
    for inventory in INVENTORIES:
        settings = yaml.safe_load((rendered / inventory / "logstash.yml").read_text())
        assert set(settings) <= known
        expected = {"pipeline.workers": 1, "pipeline.ordered": True, "config.reload.automatic": False, "allow_superuser": False}
        assert expected.items() <= settings.items() and settings["api.http.host"] == "127.0.0.1"
        assert settings["api.http.port"] == (9700 if inventory == "several" else 9600)


def test_no_secret_is_in_any_file(rendered):
    for inventory in INVENTORIES:
        for path in (rendered / inventory).iterdir():
            assert SECRET not in path.read_text(), path
    assert {path.name for path in (rendered / "usual").iterdir()} > set(FILES)


def test_memory_follows_the_heap(rendered):
    assert "\nMemoryMax=1792M\n" in (rendered / "usual/cht-sync-logstash.service").read_text()
    assert "\nMemoryMax=2304M\n" in (rendered / "several/cht-sync-logstash.service").read_text()
