# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told from a change of the bundle as somebody's change in Superset, by what was imported last."""

import json
import stat

import pytest
from conftest import CHART

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import parse_bundle
from ansible_collections.cht.sync.plugins.module_utils._superset_drift import Record, RecordError
from ansible_collections.cht.sync.plugins.module_utils._superset_normal import meanings

KEY = ("charts", CHART)


class Case:
    """A bundle with one chart that matters, what Superset has of it, and the record of the last import."""

    def __init__(self, bundle, path):
        self.bundle = bundle
        self.record = Record(str(path))

    def meaning(self, **fields):
        """The meanings of the bundle's objects with these fields of the chart."""
        self.bundle.chart.update(fields)
        self.assets = parse_bundle([{"source": "x", "files": self.bundle.files()}])
        return meanings(self.assets, self.assets)

    def drift(self, live, wanted):
        return [
            (difference.field, difference.before, difference.after)
            for change in self.record.drift(live, wanted, self.assets)
            for difference in change.differences
        ]


@pytest.fixture
def case(bundle, tmp_path):
    return Case(bundle, tmp_path / "record.json")


def test_a_changed_bundle_is_no_drift(case):
    live = case.meaning()
    case.record.finish(live)
    assert case.drift(live, case.meaning(slice_name="New")) == []


def test_a_change_by_hand_is(case):
    wanted = case.meaning()
    case.record.finish(wanted)
    assert case.drift(case.meaning(slice_name="By hand"), wanted) == [("slice_name", "Reports", "By hand")]


def test_both_in_one_object_are_told_apart(case):
    case.record.finish(case.meaning())
    live = case.meaning(slice_name="By hand")
    wanted = case.meaning(slice_name="Reports", params={"metric": "other"})
    assert case.drift(live, wanted) == [("slice_name", "Reports", "By hand")]


def test_a_change_by_hand_that_the_bundle_took_over_is_none(case):
    case.record.finish(case.meaning())
    live = case.meaning(slice_name="By hand")
    assert case.drift(live, case.meaning(params={"metric": "other"})) == []


def test_a_field_added_by_hand_within_one_of_the_bundle(case):
    wanted = case.meaning()
    case.record.finish(wanted)
    live = case.meaning(params={"metric": "reports", "colors": {"a": 1}})
    assert case.drift(live, wanted) == [("params.colors", None, {"a": 1})]


def test_without_a_record_what_differs_is_drift(case):
    live = case.meaning()
    assert case.drift(live, case.meaning(slice_name="New")) == [("slice_name", "New", "Reports")]


def test_what_is_gone_is_no_drift(case):
    wanted = case.meaning()
    case.record.finish(wanted)
    assert case.drift({key: meaning for key, meaning in wanted.items() if key != KEY}, wanted) == []


def test_what_the_browser_stores_besides_is_no_drift(case):
    del case.bundle.chart["query_context"]
    wanted = case.meaning()
    case.record.finish(wanted)
    assert case.drift(case.meaning(query_context='{"queries": []}'), wanted) == []


@pytest.mark.parametrize("arrived", [True, False])
def test_a_run_that_was_cut_short_is_no_drift(case, arrived, tmp_path):
    old = case.meaning()
    case.record.finish(old)
    wanted = case.meaning(slice_name="New")
    case.record.begin(wanted)
    case.record = Record(str(tmp_path / "record.json"))
    assert case.drift(wanted if arrived else old, case.meaning(slice_name="Newer")) == []
    assert case.drift(case.meaning(slice_name="By hand"), wanted) == [("slice_name", "Reports", "By hand")]


def test_a_chart_that_comes_back_to_the_bundle_is_known(case):
    live = case.meaning()
    case.record.finish(live)
    case.record.finish({key: meaning for key, meaning in live.items() if key != KEY})
    assert case.drift(live, case.meaning(slice_name="New")) == []


def test_the_file(case, tmp_path):
    path = tmp_path / "record.json"
    case.record.finish(case.meaning())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and [path] == list(tmp_path.iterdir())
    before = path.stat().st_mtime_ns, path.stat().st_ino
    Record(str(path)).finish(case.meaning())
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    case.record.forget()
    case.record.forget()
    assert not path.exists()


def test_it_holds_no_password(case, tmp_path):
    case.bundle.contents["databases/w.yaml"] = {
        "database_name": "w",
        "sqlalchemy_uri": "postgresql://u:hunter2@h/d",
        "password": "hunter2",
        "ssh_tunnel": {"server_address": "h", "password": "hunter2", "private_key": "hunter2"},
        "uuid": case.bundle.dataset["database_uuid"],
        "version": "1.0.0",
    }
    case.record.finish(case.meaning())
    assert "server_address" in (tmp_path / "record.json").read_text() and "hunter2" not in (tmp_path / "record.json").read_text()


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"version": 2})])
def test_what_is_no_record_is_not_overwritten(tmp_path, text):
    (tmp_path / "x").write_text(text)
    with pytest.raises(RecordError, match=f"record: {tmp_path}/x"):
        Record(str(tmp_path / "x"))


def test_a_directory_that_is_not_there(case, tmp_path):
    with pytest.raises(RecordError, match="cannot be written"):
        Record(str(tmp_path / "none" / "x")).finish(case.meaning())
