# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written is what runs: each change of a configuration or of code reaches the process that reads it."""

import pytest
from stack import changed_by, group, playbook

pytestmark = pytest.mark.one

# File -> who reads it. Each is the inventory's file with something added by hand, as another inventory would change it; or one
# that was written right, by a run that ended before it restarted anything.
CHANGED = {
    "/etc/postgresql/15/main/conf.d/cht-sync.conf": "postgresql@15-main.service",
    "/etc/cht-sync/roles/guard.psql": "cht-sync-roles.service",
    "/etc/cht-sync/postgrest/postgrest.conf": "cht-sync-postgrest.service",
    "/etc/cht-sync/relay/demo.medic.json": "cht-sync-relay@demo.medic.service",
    "/opt/cht-sync/relay/current/cht_engine/couchdb.py": "cht-sync-relay@demo.medic-sentinel.service",
    "/etc/systemd/system/cht-sync-dbt.timer": "cht-sync-dbt.timer",
    "/etc/redis/redis.conf": "redis-server.service",
    "/etc/systemd/system/cht-sync-superset-prune.timer": "cht-sync-superset-prune.timer",
}
LEFT = {
    "/etc/cht-sync/relay/demo.password": "cht-sync-relay@demo.medic-users-meta.service",
    "/etc/cht-sync/superset/superset_config.py": "cht-sync-superset.service",
}
READ_AGAIN = "/etc/postgresql/15/main/pg_hba.conf"
READERS = {**CHANGED, **LEFT}


@pytest.fixture(scope="module")
def started(vm):
    """Unit -> when it was started, on the clock that nobody sets."""

    def look() -> dict[str, int]:
        units = sorted(set(READERS.values()))
        shown = vm.run(f"systemctl show --property=ActiveEnterTimestampMonotonic --value {' '.join(units)}").stdout
        return dict(zip(units, map(int, shown.split())))

    return look


def test_a_change_by_hand_is_named_undone_and_read(vm, started):
    before = started()
    sizes = {path: vm.file(path).size for path in CHANGED}
    for path in CHANGED:
        assert vm.run(f"echo >> {path}").rc == 0
    for path in LEFT:
        assert vm.run(f"touch {path}").rc == 0

    verified = playbook("verify")
    said = " ".join(verified.stdout.split())
    assert verified.returncode == 2, said[-3000:]
    for part in ("PostgreSQL", "PostgREST", "relay", "dbt", "Superset"):
        assert f"NOT WELL {part} on {group('sync')}: " in said, said[-3000:]
    assert "/etc/cht-sync/postgrest: run site.yml, which restarts it" in said

    deployed = playbook("site")
    assert deployed.returncode == 0, deployed.stdout[-3000:]
    after = started()
    assert [unit for unit in before if after[unit] == before[unit]] == []
    assert [path for path, size in sizes.items() if vm.file(path).size != size] == []


def test_a_number_given_as_a_text_is_written_as_one_and_taken_up(vm, started):
    before = started()
    done = playbook("site", "--tags", "relay_configure,relay_service", "-e", "relay_page_rows=400")
    assert done.returncode == 0, done.stdout[-3000:]
    assert '"page_rows": 400,' in vm.file("/etc/cht-sync/relay/demo.medic.json").content_string
    after = started()
    assert all(after[unit] > before[unit] for unit in after if unit.startswith("cht-sync-relay@"))
    assert playbook("site", "--tags", "relay_configure,relay_service").returncode == 0


def test_a_configuration_that_its_reader_refuses_is_not_put_in_place(vm, started):
    before, written = started(), vm.file("/etc/cht-sync/relay/demo.medic.json").content_string
    done = playbook("site", "--tags", "relay_configure,relay_service", "-e", '{"relay_skip_id_prefixes": [""]}')
    said = " ".join(done.stdout.split())
    assert done.returncode == 2 and "key skip_id_prefixes: must be a text of printable characters, not empty" in said, said[-3000:]
    assert vm.file("/etc/cht-sync/relay/demo.medic.json").content_string == written and started() == before


def test_what_can_be_read_again_stops_nobody(vm, warehouse, started):
    before, loaded = started(), warehouse.value("SELECT pg_conf_load_time()")
    assert vm.run("touch %s", READ_AGAIN).rc == 0
    assert changed_by(playbook("site", "--tags", "postgresql_service")) == [
        "cht.sync.base : Start them, or restart those with older configuration or code"
    ]
    assert warehouse.value("SELECT pg_conf_load_time()") > loaded and started() == before
    assert changed_by(playbook("site", "--tags", "postgresql_service")) == []
