# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine on which units of ours have the names of an older version gets them renamed, while it goes on."""

import pytest
from stack import DATABASES, assert_equal, changed_by, playbook, source, until

pytestmark = pytest.mark.one

TAGS = ("--tags", "relay_configure,relay_service,dbt_configure,dbt_service")
# As the older version left relay and dbt, beside a drop-in of the operator's and a service of others.
OLDER = """set -eu
cd /etc/systemd/system
systemctl stop 'cht-sync-relay@*' cht-sync-dbt.timer cht-sync-dbt-test.timer cht-sync-dbt.service cht-sync-dbt-test.service
systemctl disable cht-sync-relay@.service cht-sync-dbt.timer cht-sync-dbt-test.timer
for unit in relay@.service dbt.service dbt.timer dbt-test.service dbt-test.timer; do mv cht-sync-$unit cht-$unit; done
cp --recursive cht-sync-.service.d cht-.service.d
mkdir cht-relay@.service.d
printf '[Service]\\nCPUWeight=50\\n' >cht-relay@.service.d/less.conf
printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >cht-theirs.service
systemctl daemon-reload
systemctl enable --now %s cht-dbt.timer cht-dbt-test.timer
systemctl start cht-theirs.service
"""
AFTERWARDS = """systemctl stop cht-theirs.service
cd /etc/systemd/system && rm -r cht-theirs.service cht-sync-relay@.service.d && systemctl daemon-reload"""


@pytest.fixture
def older(vm):
    done = vm.run(OLDER % " ".join(f"cht-relay@{source()['name']}.{name}.service" for name in DATABASES))
    assert done.rc == 0, done.stderr
    yield
    vm.run(AFTERWARDS)


def test_units_of_an_older_version_are_renamed(vm, couchdb, warehouse, older):
    def shown(unit: str, name: str) -> str:
        return vm.run(f"systemctl show --value --property={name} {unit}").stdout.strip()

    theirs = shown("cht-theirs.service", "MainPID")
    assert shown("cht-theirs.service", "NoNewPrivileges") == "yes" and theirs != "0"
    meanwhile = couchdb.write()

    done = playbook("site", *TAGS)
    assert done.returncode == 0, done.stdout[-3000:]
    known = vm.run("systemctl list-units --all --plain --no-legend 'cht-*'; systemctl list-unit-files --no-legend 'cht-*'").stdout
    assert {line.split()[0] for line in known.splitlines() if not line.startswith("cht-sync-")} == {"cht-theirs.service"}, known
    assert (shown("cht-theirs.service", "MainPID"), shown("cht-theirs.service", "NoNewPrivileges")) == (theirs, "no")
    for name in DATABASES:
        unit = f"cht-sync-relay@{source()['name']}.{name}.service"
        assert (shown(unit, "ActiveState"), shown(unit, "UnitFileState"), shown(unit, "CPUWeight")) == ("active", "enabled", "50")
        assert shown(unit, "NoNewPrivileges") == "yes"
    assert shown("cht-sync-dbt.timer", "ActiveState") == "active"

    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{meanwhile}'"), 60, "arrival")
    assert_equal(couchdb, warehouse)
    assert changed_by(playbook("site", *TAGS)) == []
