# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that were named cht-<part> make way for those named cht-sync-<part>; nothing of others is touched."""

import os
import re

import pytest
from playing import play

INSTALL = "[Install]\nWantedBy=multi-user.target\n"
OURS = "# cht.sync contributors\n[Service]\nExecStart=/bin/true\n" + INSTALL
FILES = {
    "cht-relay@.service": OURS,
    "cht-relay@.service.d/more.conf": "[Service]\nMemoryMax=1G\n",
    "cht-relay@a.medic.service.d/more.conf": "[Service]\nMemoryMax=2G\n",
    "cht-roles.service": OURS,
    "cht-roles.service.d/20-shared-memory.conf": "as it was\n",
    "cht-dbt.timer": OURS,
    "cht-dbt.service": OURS.replace(INSTALL, ""),
    "cht-.service.d/10-sandbox.conf": "# cht.sync contributors\n[Service]\nProtectHome=yes\n",
}
WRITTEN = {
    "cht-sync-relay@.service": OURS,
    "cht-sync-roles.service": OURS,
    "cht-sync-roles.service.d/20-shared-memory.conf": "as it is\n",
    "cht-sync-dbt.timer": OURS,
    "cht-sync-dbt.service": OURS.replace(INSTALL, ""),
    "cht-sync-.service.d/10-sandbox.conf": "# cht.sync contributors\n[Service]\nProtectHome=yes\n",
}
# Two of the names that ours had, and one beside them.
OTHERS = {
    "cht-postgrest.service": "[Service]\nExecStart=/usr/local/bin/postgrest\n",
    "cht-superset.timer": "[Timer]\nOnBootSec=1min\n",
    "cht-backup.service": "[Unit]\nAfter=cht-sync-relay@a.medic.service\n",
}
DBT = ["cht-sync-dbt.timer", "cht-sync-dbt.service"]
ADDED = {
    "cht-sync-relay@.service.d/more.conf": "[Service]\nMemoryMax=1G\n",
    "cht-sync-relay@a.medic.service.d/more.conf": "[Service]\nMemoryMax=2G\n",
}
# What starts with the machine is changed for real, below a directory; the rest is only noted, since nothing runs here.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{directory}/told
[ "$1" != disable ] || exec /usr/bin/systemctl --root={directory} "$@"
"""


class Machine:
    def __init__(self, directory):
        self.directory, self.units = directory, directory / "etc/systemd/system"
        (directory / "bin").mkdir()
        (directory / "bin/systemctl").write_text(SYSTEMCTL.format(directory=directory))
        (directory / "bin/systemctl").chmod(0o755)
        self.write(OTHERS)

    def write(self, files):
        for name, text in files.items():
            path = self.units / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def enable(self, template, *units):
        (self.units / "multi-user.target.wants").mkdir(exist_ok=True)
        for unit in units:
            (self.units / "multi-user.target.wants" / unit).symlink_to(f"/etc/systemd/system/{template}")

    def files(self):
        return {str(path.relative_to(self.units)): path.read_text() for path in self.units.rglob("*") if path.is_file()}

    def enabled(self):
        return {path.name for path in self.units.glob("*.wants/*")}

    def directories(self):
        return {path.name for path in self.units.iterdir() if path.is_dir()}

    def does(self, *steps, arguments=()) -> int:
        """Runs tasks of the role, each for its names; how much they changed. What they asked of systemd is in `told`."""
        (self.directory / "told").write_text("")
        tasks = [
            {
                "include_role": {"name": "cht.sync.base", "tasks_from": tasks_from},
                "vars": {"base_units_before": names, "base_absent_units": names, "__base_units_dir": str(self.units)},
            }
            for tasks_from, names in steps
        ]
        path = {"PATH": f"{self.directory}/bin:{os.environ['PATH']}"}
        done = play(self.directory, {"machine": {}}, [{"block": tasks, "environment": path}], arguments=arguments)
        assert done.returncode == 0 and "[WARNING]" not in done.stdout, done.stdout
        self.said, self.told = done.stdout, (self.directory / "told").read_text().splitlines()
        return int(re.search(r"changed=(\d+)", done.stdout).group(1))


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def deployed(machine):
    """A machine as it was, with the new units written beside the old ones."""
    machine.write({**FILES, **WRITTEN})
    machine.enable("cht-relay@.service", "cht-relay@a.medic.service", "cht-relay@a.medic-sentinel.service")
    machine.enable("cht-dbt.timer", "cht-dbt.timer")
    return machine


def test_a_machine_that_has_none_is_left_as_it_is(machine):
    machine.write(WRITTEN)
    names = ["cht-sync-postgrest.service", "cht-sync-superset.timer", "cht-sync-backup.service"]
    assert machine.does(("units_before", names), ("units_absent", names)) == 0
    assert machine.files() == {**OTHERS, **WRITTEN} and machine.told == []


def test_the_new_ones_take_the_place_of_the_old(deployed):
    # Of the roles' guard only the old one is there yet: it stays.
    (deployed.units / "cht-sync-roles.service").unlink()
    before = deployed.files()
    some = ("units_before", ["cht-sync-relay@.service", "cht-sync-roles.service"])
    assert deployed.does(some, arguments=("--check",)) > 0
    assert f"item={deployed.units}/cht-relay@.service)" in deployed.said
    assert deployed.files() == before and deployed.told == []

    assert deployed.does(some) > 0
    assert deployed.told == [
        "stop -- cht-relay@*[.]service",
        "disable -- cht-relay@.service",
        "reset-failed -- cht-relay@*[.]service",
        "daemon-reload",
    ]
    assert deployed.enabled() == {"cht-dbt.timer"}
    # The sandbox too, as long as one is there.
    assert deployed.files() == {**{name: text for name, text in before.items() if not name.startswith("cht-relay@")}, **ADDED}

    deployed.write(WRITTEN)
    others = ("units_before", [*DBT, "cht-sync-roles.service"])
    assert deployed.does(others) > 0
    assert deployed.told[0] == "stop -- cht-dbt[.]timer cht-dbt[.]service cht-roles[.]service"
    assert deployed.enabled() == set()
    assert deployed.files() == {**OTHERS, **WRITTEN, **ADDED}
    assert "cht-.service.d" not in deployed.directories()
    assert deployed.does(some, others) == 0


def test_a_run_that_ended_in_between_is_ended_by_the_next(machine):
    left = {name: FILES[name] for name in ("cht-.service.d/10-sandbox.conf", "cht-relay@.service", "cht-relay@.service.d/more.conf")}
    theirs = {"cht-.service.d/others.conf": "[Service]\n", "cht-sync-relay@.service.d/more.conf": "[Service]\nMemoryMax=3G\n"}
    machine.write({**left, **WRITTEN, **theirs})
    assert machine.does(("units_before", ["cht-sync-relay@.service"])) > 0
    assert machine.files() == {**OTHERS, **WRITTEN, **theirs}


def test_removing_takes_both(deployed):
    (deployed.units / "cht-sync-dbt.timer").unlink()
    # The last as the base does it, after all others.
    steps = [("units_absent", ["cht-sync-relay@.service", *DBT]), ("units_absent", ["cht-sync-roles.service"]), ("units_before", [])]
    assert deployed.does(*steps) > 0
    assert {name for name in deployed.files() if ".d/" not in name} == set(OTHERS)
    assert "cht-.service.d" not in deployed.directories() and deployed.enabled() == set()
    assert deployed.does(*steps) == 0
