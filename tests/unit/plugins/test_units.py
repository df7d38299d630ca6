# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a unit's files was changed after it started. A real systemd does the rest in tests/deployed."""

import os
import time

import pytest

from ansible_collections.cht.sync.plugins.module_utils import _units
from ansible_collections.cht.sync.plugins.module_utils._units import describe, parse

SHOWN = """\
ExecMainStartTimestamp={began}
LoadState=loaded
ActiveState={active}
UnitFileState={file}
FragmentPath=/usr/lib/systemd/system/some.service
DropInPaths=
NeedDaemonReload={reload}
ActiveEnterTimestamp=
StateChangeTimestamp={state}
"""


def stamp(seconds: float) -> str:
    return time.strftime("%a %Y-%m-%d %H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06d} UTC"


@pytest.fixture
def etc(tmp_path):
    """Files of the past: a directory with one, a release behind a link."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/a.json").write_text("{}")
    (tmp_path / "releases/1").mkdir(parents=True)
    (tmp_path / "releases/1/code.py").write_text("")
    (tmp_path / "current").symlink_to(tmp_path / "releases/1")
    return tmp_path


def now_and_then() -> float:
    """A moment after all that was written, and before all that will be, for the file system's coarse clock too."""
    time.sleep(0.02)
    moment = time.time()
    time.sleep(0.02)
    return moment


def described(began: float, *, reads=(), rereads=(), reload="no", state: float | None = None, active="active", file="enabled"):
    times = {"began": stamp(began) if began else "", "state": stamp(began if state is None else state) if began else ""}
    shown = SHOWN.format(reload=reload, active=active, file=file, **times)
    (properties,) = parse(shown)
    return describe({"name": "some.service", "reads": [str(path) for path in reads], "rereads": [str(path) for path in rereads]}, properties)


@pytest.mark.parametrize(
    "change",
    [
        lambda etc: (etc / "conf/a.json").write_text("{} "),
        lambda etc: (etc / "conf/a.json").unlink(),
        lambda etc: (etc / "conf/b.json").write_text("{}"),
        lambda etc: (etc / "conf/a.json").chmod(0o600),
        lambda etc: (etc / "releases/1/code.py").write_text("pass"),
        lambda etc: ((etc / "new").symlink_to(etc / "releases/2"), os.replace(etc / "new", etc / "current")),
    ],
    ids=["edited", "removed", "added", "mode", "code by hand", "release"],
)
def test_a_change_after_the_start_asks_for_a_restart(etc, change):
    reads = [etc / "conf", f"{etc}/current/", etc / "absent"]
    began = now_and_then()
    assert described(began, reads=reads)["wanted"] == "started"
    change(etc)
    found = described(began, reads=reads)
    assert found["wanted"] == "restarted" and len(found["newer"]) == 1
    assert described(now_and_then(), reads=reads)["newer"] == []


def test_what_is_below_a_link_counts_only_if_asked_for(etc):
    began = now_and_then()
    (etc / "releases/1/code.py").write_text("pass")
    assert described(began, reads=[etc / "current"])["newer"] == []


def test_what_is_read_again_asks_for_a_reload_until_there_was_one(etc):
    began = now_and_then()
    (etc / "conf/a.json").write_text("{} ")
    assert described(began, rereads=[etc / "conf/a.json"])["wanted"] == "reloaded"
    assert described(began, rereads=[etc / "conf/a.json"], state=now_and_then())["wanted"] == "started"
    assert described(began, reads=[etc / "conf/a.json"], rereads=[etc / "conf/a.json"])["wanted"] == "restarted"


def test_a_unit_that_never_started_has_read_nothing(etc):
    found = described(0, reads=[etc / "conf"])
    assert found["newer"] == [str(etc / "conf")] and found["began"] == ""


def test_a_unit_file_that_systemd_has_not_read_asks_for_a_restart(etc):
    assert described(now_and_then(), reload="yes")["newer"] == ["/usr/lib/systemd/system/some.service"]


def test_a_first_drop_in_counts_before_systemd_knows_it(etc, monkeypatch):
    monkeypatch.setattr(_units, "_ADMINISTRATOR", str(etc))
    began = now_and_then()
    (etc / "some.service.d").mkdir()
    (etc / "some.service.d/limits.conf").write_text("[Service]\nTimeoutStartSec=1h\n")
    assert described(began)["newer"] == [f"{etc}/some.service.d/limits.conf"]
    assert described(now_and_then())["newer"] == []


@pytest.mark.parametrize(
    ("shown", "settled"),
    [({}, True), ({"active": "activating"}, True), ({"active": "failed"}, False), ({"file": "disabled"}, False), ({"reload": "yes"}, False)],
)
def test_only_a_unit_that_runs_starts_with_the_machine_and_is_up_to_date_is_settled(shown, settled):
    assert described(now_and_then(), **shown)["settled"] is settled


def test_a_unit_with_newer_files_is_not_settled(etc):
    began = now_and_then()
    (etc / "conf/a.json").write_text("{} ")
    assert not described(began, reads=[etc / "conf"])["settled"]
    assert not described(began, rereads=[etc / "conf"])["settled"]
