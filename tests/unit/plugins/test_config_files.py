# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a service come together, checked, or not at all."""

import contextlib
import getpass
import grp
import io
import json
import os

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.cht.sync.plugins.modules import config_files

ME = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}
SECRET = "a-password-of-somebody"


class Machine:
    def __init__(self, directory):
        self.directory = directory / "etc"

    def path(self, name: str = "") -> str:
        return str(self.directory / name) if name else str(self.directory)

    def run(self, *files: dict, check: bool = False, **directory) -> dict:
        """The module's result for files of one directory."""
        arguments = {
            "directories": [{"path": self.path(), **ME, **directory}],
            "files": [{**ME, **file, "path": self.path(file["path"])} for file in files],
        }
        output = io.StringIO()
        with patch_module_args({**arguments, "_ansible_check_mode": check, "_ansible_diff": True}), contextlib.redirect_stdout(output):
            with contextlib.suppress(SystemExit):
                config_files.main()
        assert SECRET not in output.getvalue()
        return json.loads(output.getvalue())

    def changes(self, *files: dict, **directory) -> list[str]:
        """Names of what it changes: as check mode says before, and nothing when it runs once more."""
        announced = self.run(*files, check=True, **directory)
        done = self.run(*files, **directory)
        again = self.run(*files, **directory)
        assert announced["changed_files"] == done["changed_files"] and not again["changed"], (announced, done, again)
        assert announced["diff"] == done["diff"]
        return [os.path.relpath(path, self.path()) for path in done["changed_files"]]

    def there(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.directory.iterdir()} if self.directory.exists() else {}


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


CONF = {"path": "service.json", "content": '{"a": 1}\n', "mode": "0640"}
PASSWORD = {"path": "password", "secret": SECRET, "mode": "0400"}


def test_what_is_missing_is_made(machine):
    assert machine.run(CONF, PASSWORD, check=True)["changed"] and not machine.directory.exists()
    assert machine.changes(CONF, PASSWORD, mode="0750") == [".", "service.json", "password"]
    assert machine.there() == {"service.json": '{"a": 1}\n', "password": SECRET}
    modes = [oct(os.stat(machine.path(name)).st_mode & 0o777) for name in ("", "service.json", "password")]
    assert modes == ["0o750", "0o640", "0o400"]


def test_the_difference_is_shown_but_not_of_a_secret(machine):
    machine.run(CONF, {**PASSWORD, "secret": "the one before"})
    text, secret = machine.run({**CONF, "content": '{"a": 2}\n'}, PASSWORD, check=True)["diff"]
    assert (text["before"], text["after"]) == ('{"a": 1}\n', '{"a": 2}\n')
    assert secret == {"prepared": f"{machine.path('password')}: another secret\n"}


def test_a_mode_that_somebody_changed_is_put_right(machine):
    machine.run(CONF, PASSWORD)
    os.chmod(machine.path("password"), 0o644)
    assert machine.changes(CONF, PASSWORD) == ["password"]


def test_what_is_listed_no_longer_is_removed(machine):
    machine.run(CONF, {**CONF, "path": "old.json"}, {**PASSWORD, "path": "old.password"})
    assert machine.changes(CONF, purge=["*.json"]) == ["old.json"]
    assert set(machine.there()) == {"service.json", "old.password"}


@pytest.mark.parametrize("check", [True, False])
def test_a_refused_file_leaves_the_whole_set_as_it_was(machine, check):
    validate = "python3 -m json.tool %s /dev/null"
    machine.run(CONF, PASSWORD)
    before = machine.there()
    refused = machine.run({**PASSWORD, "secret": "new"}, {**CONF, "content": '{"a": ', "validate": validate}, check=check)
    assert refused["failed"] and "service.json was left as it is" in refused["msg"] and "Expecting value" in refused["msg"]
    assert ".new" not in refused["msg"]
    assert machine.there() == before
    assert machine.changes({**CONF, "content": '{"a": 2}', "validate": validate}) == ["service.json"]


def test_a_validator_that_is_yet_to_be_installed_stops_no_check_mode(machine):
    file = {**CONF, "validate": "/nonexistent/program --check %s"}
    assert machine.run(file, check=True)["changed"]
    assert machine.run({**CONF, "validate": "false %s"}, check=True)["changed"]
    assert "/nonexistent/program" in machine.run(file)["msg"]


def test_an_unknown_owner_is_named(machine):
    assert "nobody-of-that-name" in machine.run({**CONF, "owner": "nobody-of-that-name"})["msg"]
    assert machine.there() == {}


def test_an_owner_that_is_yet_to_come_stops_no_check_mode(machine):
    machine.run(CONF)
    later = machine.run({**CONF, "owner": "nobody-of-that-name"}, check=True, group="nobody-of-that-name")
    assert later["changed_files"] == [machine.path(), machine.path("service.json")]


def test_an_owner_that_is_missing_leaves_the_whole_set_as_it_was(machine):
    machine.run(CONF, PASSWORD)
    before = machine.there()
    refused = machine.run({**PASSWORD, "secret": "new"}, {**CONF, "content": "new", "owner": "nobody-of-that-name"})
    assert refused["failed"] and machine.there() == before


def test_a_file_has_content_or_a_secret(machine):
    assert "content" in machine.run({"path": "a"})["msg"]
    assert "mutually exclusive" in machine.run({**CONF, "secret": SECRET})["msg"]
