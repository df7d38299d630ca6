# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release on the target holds exactly the files of its trees."""

import os
import re

import pytest
from playing import play, refusals

TREES = {
    "engine": {"__init__.py": "one", "files.py": "two", "deep/er/files.py": "three"},
    "program": {"__init__.py": "four", "files.py": "five", "__pycache__/files.pyc": "compiled"},
}
EXPECTED = {f"{tree}/{name}": text for tree, files in TREES.items() for name, text in files.items() if "pycache" not in name}


class Release:
    def __init__(self, directory):
        self.directory = directory
        for tree, files in TREES.items():
            for name, text in files.items():
                self.source(tree, name).parent.mkdir(parents=True, exist_ok=True)
                self.source(tree, name).write_text(text)

    def source(self, tree, name):
        return self.directory / "from" / tree / name

    def tasks(self, sources=None):
        values = {
            "base_release_src": sources or [f"{self.directory}/from/{tree}" for tree in TREES],
            "base_release_root": f"{self.directory}/to/here",
        }
        return [{"include_role": {"name": "cht.sync.base", "tasks_from": "release"}, "vars": values}]

    def deploy(self, *arguments) -> tuple[int, str]:
        """How much it changed, and what it said."""
        done = play(self.directory, {"machine": {}}, self.tasks(), arguments=arguments)
        assert done.returncode == 0, done.stdout
        return int(re.search(r"changed=(\d+)", done.stdout).group(1)), done.stdout

    def deployed(self) -> dict:
        current = self.directory / "to/here/current"
        return {str(path.relative_to(current)): path.read_text() for path in current.rglob("*") if path.is_file()}


@pytest.fixture
def release(tmp_path):
    return Release(tmp_path)


def test_a_release_holds_what_its_trees_hold(release):
    before = os.umask(0o077)
    try:
        assert release.deploy("--check", "--diff")[0] == 1
        assert not (release.directory / "to").exists()
        assert release.deploy()[0] == 1
    finally:
        os.umask(before)
    assert release.deployed() == EXPECTED
    modes = {oct(path.stat().st_mode & 0o777) for path in (release.directory / "to").rglob("*") if path.is_dir()}
    assert modes == {"0o755"}
    assert release.deploy()[0] == 0

    release.source("program", "files.py").unlink()
    release.source("engine", "files.py").write_text("changed")
    changed, said = release.deploy("--check", "--diff")
    assert changed == 1 and "-five" in said and "+changed" in said and "deep/er" not in said, said
    assert release.deployed() == EXPECTED
    assert release.deploy()[0] == 1
    now = {**EXPECTED, "engine/files.py": "changed"}
    del now["program/files.py"]
    assert release.deployed() == now

    (release.directory / "to/here/current/engine/files.py").write_text("by hand")
    assert release.deploy()[0] == 1
    assert release.deployed() == now


def test_what_is_not_there_stops_with_its_name(release):
    mistakes = {
        "missing": ([f"{release.directory}/nowhere"], "nowhere"),
        "twice": ([f"{release.directory}/from/engine", f"{release.directory}/from/../from/engine"], "two directories are called engine"),
    }
    told, _ = refusals(release.directory, {name: {"sources": sources} for name, (sources, _words) in mistakes.items()}, release.tasks("{{ sources }}"))
    for name, (_sources, words) in mistakes.items():
        assert words in told[name]
    assert not (release.directory / "to").exists()
