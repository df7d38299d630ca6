# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release on the target holds exactly the files of its trees."""

import re

import pytest
from playing import play

TREES = {
    "engine": {"__init__.py": "one", "files.py": "two", "deep/er/files.py": "three"},
    "program": {"__init__.py": "four", "files.py": "five", "__pycache__/files.pyc": "compiled"},
}


class Release:
    def __init__(self, directory):
        self.directory = directory
        for tree, files in TREES.items():
            for name, text in files.items():
                self.source(tree, name).parent.mkdir(parents=True, exist_ok=True)
                self.source(tree, name).write_text(text)

    def source(self, tree, name):
        return self.directory / "from" / tree / name

    def deploy(self) -> int:
        """How much it changed."""
        values = {
            "base_release_src": [f"{self.directory}/from/{tree}" for tree in TREES],
            "base_release_root": f"{self.directory}/to",
            "base_release_notify": "Restart it",
        }
        tasks = [{"include_role": {"name": "cht.sync.base", "tasks_from": "release"}, "vars": values}]
        done = play(self.directory, {"machine": {}}, tasks, handlers=[{"name": "Restart it", "debug": {}}])
        assert done.returncode == 0, done.stdout
        return int(re.search(r"changed=(\d+)", done.stdout).group(1))

    def deployed(self) -> dict:
        current = self.directory / "to/current"
        files = [path for path in current.rglob("*") if path.is_file() and path.name != ".complete"]
        return {str(path.relative_to(current)): path.read_text() for path in files}


@pytest.fixture
def release(tmp_path):
    return Release(tmp_path)


def test_files_of_one_name_arrive_in_both_trees(release):
    assert release.deploy() > 0
    expected = {f"{tree}/{name}": text for tree, files in TREES.items() for name, text in files.items() if "pycache" not in name}
    assert release.deployed() == expected
    assert release.deploy() == 0


def test_a_file_that_vanished_here_vanishes_there(release):
    release.deploy()
    release.source("program", "files.py").unlink()
    assert release.deploy() > 0
    assert "program/files.py" not in release.deployed() and "engine/files.py" in release.deployed()
