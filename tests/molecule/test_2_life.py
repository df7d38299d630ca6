# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills, restarts and rotated secrets: nothing is lost."""

import re
import threading

import pytest
from stack import assert_equal, docker, group, playbook, secrets, until

pytestmark = pytest.mark.life

# A letter in brackets keeps the pattern from matching the shell that carries it.
KILLS = {
    "relay": "pkill -9 -f '[c]ht_relay run.*[.]medic[.]json'",
    "PostgREST": "pkill -9 -x postgrest",
    "a backend": "pkill -9 -f 'postgres: .*[a]uthenticator'",
    "PostgreSQL": "kill -9 $(head -n1 /var/lib/postgresql/*/main/postmaster.pid)",
    "everything at once": "pkill -9 -f '[c]ht_relay run'; pkill -9 -x postgrest; pkill -9 -x postgres",
}


@pytest.fixture
def writer(couchdb):
    """Writes reports all the while; the test sees how many."""
    stop, ids = threading.Event(), []

    def write():
        while not stop.is_set():
            ids.append(couchdb.write())
            stop.wait(0.02)

    thread = threading.Thread(target=write)
    thread.start()
    yield ids
    stop.set()
    thread.join()


@pytest.mark.parametrize("process", KILLS)
def test_a_killed_process_loses_nothing(couchdb, warehouse, vm, process, writer):
    written = len(writer)
    until(lambda: len(writer) > written + 20, 30, "writing")
    assert vm.run(KILLS[process]).rc == 0
    written = len(writer)
    until(lambda: len(writer) > written + 50, 30, "writing")
    until(warehouse.answers, 60, "PostgreSQL's return")
    last = writer[-1]
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{last}'"), 90, "arrival after the kill")
    assert warehouse.value("SELECT count(*) - count(DISTINCT saved_timestamp) FROM v1.couchdb") == 0


def test_nothing_was_lost_by_the_kills(couchdb, warehouse):
    assert_equal(couchdb, warehouse, 90)


def test_a_restarted_machine_comes_back_by_itself(couchdb, warehouse):
    for _ in range(20):
        couchdb.write()
    docker("restart", group("sync"))
    while_away = couchdb.write()
    until(warehouse.answers, 90, "PostgreSQL's return")
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{while_away}'"), 90, "arrival after the restart")
    assert_equal(couchdb, warehouse, 90)


def test_changed_secrets_are_rotated_everywhere_and_shown_nowhere(couchdb, warehouse):
    new = {name: f"rotated{position}" + "0123456789abcdefghijklmnopqrstuvwxyz" for position, name in enumerate(secrets())}
    new["couchdb_demo_password"] = secrets()["couchdb_demo_password"]  # CouchDB's own
    new["superset_secret_key"] = secrets()["superset_secret_key"]  # guarded: Superset's stored credentials hang on it
    done = playbook("site", "-vvv", "--diff", *(word for name, value in new.items() for word in ("-e", f"{name}={value}")))
    assert done.returncode == 0, done.stdout[-3000:]
    assert "0" not in re.findall(r"changed=(\d+)", done.stdout.split("PLAY RECAP")[1])
    for values in (new, secrets()):
        for name, value in values.items():
            assert value not in done.stdout.replace(f"-e {name}={value}", ""), f"{name} is in the output"
    id_ = couchdb.write()
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{id_}'"), 60, "arrival with the new secrets")

    assert playbook("site").returncode == 0
    id_ = couchdb.write()
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{id_}'"), 60, "arrival with the old secrets")
