# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills, restarts, what leaves the inventory: nothing is lost."""

import pytest
from stack import DATABASES, assert_equal, docker, group, parity, playbook, source, sources, survives, until

pytestmark = pytest.mark.one

# A letter in brackets keeps the pattern from matching the shell that carries it.
KILLS = {
    "relay": "pkill -9 -f '[c]ht_relay run.*[.]medic[.]json'",
    "PostgREST": "pkill -9 -x postgrest",
    "a backend": "pkill -9 -f 'postgres: .*[a]uthenticator'",
    "PostgreSQL": "kill -9 $(head -n1 /var/lib/postgresql/*/main/postmaster.pid)",
    "everything at once": "pkill -9 -f '[c]ht_relay run'; pkill -9 -x postgrest; pkill -9 -x postgres",
}


@pytest.mark.parametrize("process", KILLS)
def test_a_killed_process_loses_nothing(warehouse, process, writer):
    survives({"sync": KILLS[process]}, warehouse, writer)


def test_nothing_was_lost_by_the_kills(couchdb, warehouse):
    assert_equal(couchdb, warehouse, 90)


def test_the_relays_tell_how_far_they_are(vm):
    told = vm.run("cht-relay status").stdout
    assert [line.split()[1] for line in told.splitlines()[1:]] == ["caught"] * len(DATABASES), told


def test_a_database_that_leaves_the_inventory_is_copied_no_longer(vm, couchdb, warehouse):
    only_relays = ("--tags", "relay_configure,relay_service")
    done = playbook("site", *only_relays, "-e", sources(databases=DATABASES[:-1]))
    assert done.returncode == 0, done.stdout[-3000:]
    told = vm.run("cht-relay status").stdout
    assert len(told.splitlines()) == len(DATABASES) and DATABASES[-1] not in told, told
    feed = f"{source()['name']}.{DATABASES[-1]}"
    unit = f"cht-sync-relay@{feed}.service"
    assert not vm.service(unit).is_running and not vm.service(unit).is_enabled
    assert not vm.file(f"/etc/cht-sync/relay/{feed}.json").exists
    assert not vm.file(f"/etc/cht-sync/parity/{feed}.json").exists

    meanwhile = couchdb.write(DATABASES[-1])
    assert playbook("site", *only_relays).returncode == 0
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{meanwhile}'"), 60, "arrival after its return")


def test_parity_finds_what_no_feed_tells_and_cures_it(couchdb, warehouse, vm):
    """A document that the warehouse lost, and one that CouchDB does not know, as after a restore."""
    assert_equal(couchdb, warehouse)
    lost = next(id_ for id_, (_rev, gone) in couchdb.documents("medic-sentinel").items() if not gone)
    ((name,),) = warehouse.rows(f"DELETE FROM v1.couchdb WHERE _id = '{lost}' RETURNING json_build_array(source)")
    warehouse.rows(
        "INSERT INTO v1.couchdb (saved_timestamp, _id, _deleted, source, doc, _rev) "
        f"VALUES ('2000-01-01', 'planted', false, '{name}', '{{\"_id\": \"planted\"}}', '1-a') RETURNING json_build_array(_id)"
    )

    code, said = parity("all")
    assert code == 2 and f"missing {name} {lost} " in said and f"vanished {name} planted " in said, said
    code, said = parity(name, "-e", "parity_repair=true")
    assert code == 0 and "2 of 2 cured" in said, said
    stored = warehouse.documents("medic-sentinel")
    assert stored[lost][1] is False and stored["planted"] == (None, True)

    running = vm.run("systemctl --no-legend --state=running list-units 'cht-sync-relay@*' | wc -l").stdout
    assert int(running) == len(DATABASES)
    code, said = parity("all", "-e", "parity_repair=true")
    assert code == 0 and "cured" not in said and "changed=0" in said, said
    couchdb.write("medic-sentinel")
    assert_equal(couchdb, warehouse)


def test_a_restarted_machine_comes_back_by_itself(couchdb, warehouse):
    for _ in range(20):
        couchdb.write()
    docker("restart", group("sync"))
    while_away = couchdb.write()
    until(warehouse.answers, 90, "PostgreSQL's return")
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{while_away}'"), 90, "arrival after the restart")
    assert_equal(couchdb, warehouse, 90)
