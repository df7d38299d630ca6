# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of what was refreshed."""

import json

from cht_dbt.record import Record, content, fingerprint


def node(kind="model", materialized="incremental"):
    return {"resource_type": kind, "config": {"materialized": materialized}}


MANIFEST = {"metadata": {"x": 1}, "nodes": {"a": node(), "b": node(), "inner": node(materialized="ephemeral"), "test": node("test")}}


def recorded(record):
    return set(json.loads((record.directory / "manifest.json").read_text())["nodes"])


def test_what_was_not_refreshed_is_left_out(tmp_path):
    record = Record(tmp_path / "record")
    assert not record.holds("f")
    record.store(MANIFEST, {"a"}, "f")
    assert record.holds("f") and not record.holds("g")
    assert recorded(record) == {"a", "inner", "test"}
    assert set(record.models()) == {"a", "inner"}
    assert json.loads((record.directory / "manifest.json").read_text())["metadata"] == {"x": 1}


def test_what_is_forgotten_counts_as_changed(tmp_path):
    record = Record(tmp_path)
    record.store(MANIFEST, {"a", "b"}, "f")
    record.forget({"b"})
    assert record.holds("f") and recorded(record) == {"a", "inner", "test"}


def test_a_record_that_was_cut_off_is_none(tmp_path, monkeypatch):
    record = Record(tmp_path)
    record.store(MANIFEST, {"a"}, "f")
    monkeypatch.setattr(json, "dumps", lambda value: 1 / 0)
    try:
        record.store(MANIFEST, {"a", "b"}, "f")
    except ZeroDivisionError:
        pass
    assert not record.holds("f")
    record.clear()
    record.clear()
    assert not tmp_path.exists()


def test_each_value_counts_in_the_fingerprint():
    first = fingerprint(variables={"a": 1, "b": 2}, zone="UTC")
    assert first == fingerprint(zone="UTC", variables={"b": 2, "a": 1})
    assert len({first, fingerprint(variables={"a": 1}, zone="UTC"), fingerprint(variables={"a": 1, "b": 2}, zone="Africa/Nairobi")}) == 3


def test_a_change_of_the_record_leaves_something_to_refresh(tmp_path):
    record = Record(tmp_path / "record")
    record.store(MANIFEST, {"a", "b"}, "f")
    assert not record.is_complete("p")
    record.complete("p")
    assert record.is_complete("p") and not record.is_complete("q")
    record.forget({"b"})
    assert not record.is_complete("p")


def test_each_file_counts_in_the_content(tmp_path):
    project, package = tmp_path / "project", tmp_path / "package"
    for directory in (project / "models", package):
        directory.mkdir(parents=True)
    (project / "models/a.sql").write_text("select 1")
    (project / "linked").symlink_to(package)
    (package / "b.sql").write_text("select 2")
    seen = {content(project)}
    (package / "b.sql").write_text("select 3")
    seen.add(content(project))
    (project / "models/a.sql").rename(project / "models/c.sql")
    seen.add(content(project))
    assert len(seen) == 3 and content(project) in seen
