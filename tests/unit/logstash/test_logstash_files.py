# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files a start rests on."""

import json
import os
import stat

import pytest
from launcher_harness import Site

from cht_engine.settings import ConfigError
from cht_logstash import config, files


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, "http://couch", "http://rest")


@pytest.fixture
def settings(site):
    return loaded(site)


def loaded(site):
    path = site.directory / "launcher.json"
    path.write_text(json.dumps(site.config))
    return config.load(str(path))


def test_a_position_is_written_and_replaced(settings):
    feed = settings.feeds[0]
    for seq in ("5-abc", "7-def"):
        files.write_sequence(settings, feed, seq)
        path = files.sequence_path(settings, feed)
        assert open(path).read() == seq == files.read_sequence(settings, feed)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(os.path.dirname(path)) == ["district.medic"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_in_the_middle_leaves_the_old_position(settings, monkeypatch, step):
    feed = settings.feeds[0]
    files.write_sequence(settings, feed, "5-abc")

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(os, step, crash)
        files.write_sequence(settings, feed, "7-def")
    assert files.read_sequence(settings, feed) == "5-abc"
    files.write_sequence(settings, feed, "7-def")
    assert files.read_sequence(settings, feed) == "7-def"


def test_it_is_on_disk_before_it_has_its_name(settings, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (steps.append(name), real(*a)))
    files.write_sequence(settings, settings.feeds[0], "5-abc")
    assert steps == ["fsync", "replace", "fsync"]


def test_from_the_start_is_no_file(settings):
    feed = settings.feeds[0]
    files.write_sequence(settings, feed, None)
    files.write_sequence(settings, feed, "5-abc")
    files.write_sequence(settings, feed, None)
    assert not os.path.exists(files.sequence_path(settings, feed))
    assert files.read_sequence(settings, feed) is None


def test_an_empty_file_is_no_position(settings):
    files.write_sequence(settings, settings.feeds[0], " \n")
    assert files.read_sequence(settings, settings.feeds[0]) is None


def test_pipelines_are_those_of_this_start_only(site, settings):
    directory = str(site.directory / "made")
    files.write_settings(settings, directory, settings.feeds)
    files.write_settings(settings, directory, settings.feeds[1:2])
    conf = f"{settings.pipelines_dir}/district.medic-sentinel.conf"
    assert json.load(open(f"{directory}/pipelines.yml")) == [{"pipeline.id": "district.medic-sentinel", "path.config": conf}]
    assert os.readlink(f"{directory}/logstash.yml") == f"{settings.settings_dir}/logstash.yml"
    assert os.readlink(f"{directory}/log4j2.properties") == f"{settings.settings_dir}/log4j2.properties"
    assert os.readlink(f"{directory}/jvm.options") == f"{settings.logstash_home}/config/jvm.options"


def test_links_follow_the_configuration(site, settings):
    directory = str(site.directory / "made")
    files.write_settings(settings, directory, settings.feeds)
    site.config["settings_dir"] = "/elsewhere"
    files.write_settings(loaded(site), directory, settings.feeds)
    assert os.readlink(f"{directory}/logstash.yml") == "/elsewhere/logstash.yml"


def test_a_pipeline_without_its_file_is_a_mistake(site, settings):
    (site.directory / "pipelines/district.medic.conf").unlink()
    with pytest.raises(ConfigError, match=r"pipelines/district\.medic\.conf: No such file"):
        files.write_settings(settings, str(site.directory / "made"), settings.feeds)


def test_everyone_may_read_the_state(site, settings):
    files.write_state(settings, {"phase": "running"})
    assert site.state == {"phase": "running"}
    assert stat.S_IMODE((site.directory / "run/state.json").stat().st_mode) == 0o644


# --- launcher.json


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"heap": 5}, "key heap: must be a text"),
        ({"heap_size": "1g"}, 'key "heap_size": unknown'),
        ({"api_port": "9600"}, "key api_port: must be a whole number"),
        ({"postgrest_url": "http://u:hidden@h"}, "key postgrest_url: must hold no user name"),
        ({"restart_hours": 0}, "key restart_hours: must be a number of hours above 0"),
        ({"token_hours": True}, "key token_hours: must be a number of hours above 0"),
        ({"feeds": []}, "key feeds: must be a list of feeds, not empty"),
        ({"feeds": [7]}, "key feeds: not a JSON object"),
    ],
)
def test_mistakes_name_file_and_key_and_no_value(site, change, told):
    site.config.update(change)
    with pytest.raises(ConfigError) as caught:
        loaded(site)
    assert str(caught.value).startswith(f"{site.directory}/launcher.json: {told}") and "hidden" not in str(caught.value)


@pytest.mark.parametrize("key", ["number", "pipeline", "source"])
def test_two_feeds_with_the_same_name(site, key):
    """One would get the other's password, file or lease."""
    site.config["feeds"][1][key] = site.config["feeds"][0][key]
    with pytest.raises(ConfigError, match=f"key feeds: two feeds with the same {key}"):
        loaded(site)


def test_a_mistake_in_a_feed(site):
    site.config["feeds"][1]["couchdb_url"] = "ftp://x"
    with pytest.raises(ConfigError, match="key feeds: key couchdb_url: must be an http"):
        loaded(site)
