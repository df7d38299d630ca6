# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logstash as the engine: whatever is killed, cut or taken away, nothing is lost, and the engines can be exchanged.

What runs here as bin/logstash is the test double of tests/double, with the faults of the real couchdb_changes input.
"""

import json
import re

import pytest
from stack import DATABASES, assert_equal, changed_by, docker, group, parity, playbook, survives, until

pytestmark = pytest.mark.group

UNIT = "cht-sync-logstash.service"
ETC = "/etc/cht-sync/logstash"
SEQUENCES = "/var/lib/cht-logstash/seq"
# Where, and what. A letter in brackets keeps the pattern from matching the shell that carries it.
KILLS = {
    "the launcher": {"sync": "pkill -9 -f '[c]ht_logstash run'"},
    "Logstash": {"sync": "pkill -9 -f '/bin/[l]ogstash --path'"},
    "PostgREST": {"sync": "pkill -9 -x postgrest"},
    "a backend": {"postgresql": "pkill -9 -f 'postgres: .*[a]uthenticator'"},
    "everything at once": {
        "sync": "pkill -9 -f '[c]ht_logstash run'; pkill -9 -f '/bin/[l]ogstash --path'; pkill -9 -x postgrest",
        "postgresql": "pkill -9 -x postgres",
    },
}

# PostgREST's answer to the token that Logstash has in its environment.
ASK_WITH_ITS_TOKEN = """
import glob, urllib.error, urllib.request
for name in glob.glob('/proc/[0-9]*/environ'):
    found = [v for v in open(name).read().split(chr(0)) if v.startswith('CHT_TOKEN=')]
    if found:
        break
call = urllib.request.Request('http://127.0.0.1:3000/rpc/ingest', b'', {'Authorization': 'Bearer ' + found[0][10:], 'Content-Type': 'text/plain'})
try:
    urllib.request.urlopen(call)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def show(vm, name: str) -> str:
    return vm.run(f"systemctl show --value -p {name} {UNIT}").stdout.strip()


def journal(vm, since: str) -> str:
    return vm.run(f"journalctl --no-pager -o cat -u {UNIT} --since {since!r}").stdout


def now(vm) -> str:
    return vm.run("date '+%F %T'").stdout.strip()


def state(vm) -> dict:
    return json.loads(vm.run("cat /run/cht-logstash/state.json").stdout or '{"phase": "", "feeds": {}}')


def sent_and_waiting(vm) -> bool:
    """Whether the pipeline of medic has read a change that it could not deliver yet."""
    asked = vm.run("python3 -c \"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9600/_node/stats/pipelines').read().decode())\"")
    events = json.loads(asked.stdout)["pipelines"]["district.medic"]["events"]
    return events["in"] > events["out"]


def runs(vm) -> bool:
    told = state(vm)
    return told["phase"] == "running" and all(feed["state"] == "running" for feed in told["feeds"].values())


def arrives(couchdb, warehouse, seconds=90):
    id_ = couchdb.write()
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{id_}'"), seconds, "arrival")


@pytest.fixture
def broken(vm):
    """What the test does to the configuration is taken back."""
    vm.run(f"cp -a {ETC} /root/logstash.saved")
    yield
    vm.run(f"systemctl stop {UNIT}; rm -rf {ETC}; mv /root/logstash.saved {ETC}; systemctl reset-failed {UNIT}; systemctl start {UNIT}")
    until(lambda: runs(vm), 60, "the way back")


def test_the_first_load_ended_in_another_start(vm):
    said = journal(vm, "2000-01-01")
    assert "the first load has caught up" in said
    assert "TEST DOUBLE" in said  # nobody shall take what is shown here for the real engine's


def test_a_pipeline_a_database_each_with_its_own_position(vm, warehouse):
    assert {re.sub(r".*[.]", "", name) for name in vm.run(f"ls {SEQUENCES}").stdout.split()} == set(DATABASES)
    sources = dict(warehouse.rows("SELECT json_build_array(split_part(source, '/', 2), count(*)) FROM v1.couchdb GROUP BY source"))
    assert set(sources) == set(DATABASES)


def test_a_change_that_no_run_took_up_is_found_and_taken_up(vm):
    """As a run leaves it that ended between the writing and the restart."""
    started = show(vm, "ExecMainStartTimestampMonotonic")
    assert vm.run(f"touch {ETC}/launcher.json").rc == 0
    verified = playbook("verify", "--tags", "logstash")
    assert verified.returncode == 2 and f"{ETC}: run site.yml, which restarts it" in " ".join(verified.stdout.split()), verified.stdout[-3000:]
    deployed = playbook("site", "--tags", "logstash_service")
    assert deployed.returncode == 0, deployed.stdout[-3000:]
    until(lambda: runs(vm), 60, "the start")
    assert show(vm, "ExecMainStartTimestampMonotonic") != started


@pytest.mark.parametrize("process", KILLS)
def test_a_kill_loses_nothing(warehouse, process, writer):
    survives(KILLS[process], warehouse, writer)


def test_nothing_was_lost_by_the_kills(couchdb, warehouse):
    assert_equal(couchdb, warehouse, 120)


def test_an_empty_sequence_file_does_no_harm(couchdb, warehouse, vm):
    """What a power cut leaves."""
    vm.run(f"systemctl kill --signal=KILL {UNIT}")
    assert vm.run(f"for file in {SEQUENCES}/*; do : >$file; done").rc == 0
    arrives(couchdb, warehouse)
    assert_equal(couchdb, warehouse)


def test_postgrest_may_be_away(couchdb, warehouse, vm):
    vm.run("systemctl stop cht-sync-postgrest")
    ids = [couchdb.write() for _ in range(300)]
    until(lambda: "PostgREST does not answer" in json.dumps(state(vm)), 60, "word of it")
    done = playbook("verify", "--tags", "postgrest,logstash")
    assert done.returncode != 0 and "not verified, since PostgREST failed" in " ".join(done.stdout.split())
    vm.run("systemctl start cht-sync-postgrest")
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{ids[-1]}'"), 120, "arrival")
    assert_equal(couchdb, warehouse)


def test_couchdb_may_be_restarted(couchdb, warehouse, vm):
    started = show(vm, "ExecMainStartTimestampMonotonic")
    vm.run("systemctl restart cht-sync-couchdb-demo")
    until(couchdb.answers, 60, "CouchDB's return")
    arrives(couchdb, warehouse)
    assert show(vm, "ExecMainStartTimestampMonotonic") == started
    assert_equal(couchdb, warehouse)


def test_an_expired_token_blocks_and_loses_nothing(couchdb, warehouse, vm, broken):
    """The launcher is stopped so that it cannot renew it in time."""
    vm.run(f"sed -i 's/\"token_hours\": [0-9.]*/\"token_hours\": 0.008/' {ETC}/launcher.json; systemctl restart {UNIT}")
    until(lambda: runs(vm), 60, "the start")
    vm.run(f"systemctl kill --kill-whom=main --signal=STOP {UNIT}")
    until(lambda: "401" in vm.run("python3 -c %s", ASK_WITH_ITS_TOKEN).stdout, 120, "the expiry")
    held = couchdb.write()
    until(lambda: sent_and_waiting(vm), 60, "the refused call")
    assert warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{held}'") == 0
    vm.run(f"systemctl kill --kill-whom=main --signal=CONT {UNIT}")
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{held}'"), 90, "arrival with a new token")
    assert_equal(couchdb, warehouse)


def test_who_lost_its_lease_ends_for_good(couchdb, warehouse, vm):
    """As when a second server was set up for the same sources."""
    source = warehouse.value("SELECT source FROM v1.source WHERE source LIKE '%/medic'")
    warehouse.value(f"SELECT api.claim('{source}', 'logstash', NULL)")
    held = couchdb.write()
    until(lambda: show(vm, "ActiveState") == "failed", 60, "the end")
    assert show(vm, "ExecMainStatus") == "3"
    assert warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{held}'") == 0
    done = playbook("verify", "--tags", "postgrest,logstash")
    assert done.returncode != 0 and "cht-sync-logstash" in done.stdout.split("PLAY RECAP")[0]
    vm.run(f"systemctl reset-failed {UNIT}; systemctl start {UNIT}")
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{held}'"), 60, "arrival")
    assert_equal(couchdb, warehouse)


def test_a_refused_password_is_tried_once(couchdb, warehouse, vm, broken):
    since = now(vm)
    vm.run(f"echo wrong-password >{ETC}/district.password; systemctl restart {UNIT}")
    until(lambda: show(vm, "ActiveState") == "failed", 60, "the end")
    assert show(vm, "ExecMainStatus") == "77"
    said = journal(vm, since)
    assert said.count("CouchDB refused the credentials") == 1 and "Pipelines running" not in said
    assert "wrong-password" not in said


def test_the_engines_can_be_exchanged_under_a_live_writer(couchdb, warehouse, vm, writer):
    """The relay copies over TLS then; what is exchanged last is what the inventory names."""
    concerned = ("--skip-tags", "base,postgresql,postgrest,dbt,superset")
    for engine, units, gone in (
        ("relay", [f"cht-sync-relay@district.{name}" for name in DATABASES], [UNIT]),
        ("logstash", [UNIT], [f"cht-sync-relay@district.{name}" for name in DATABASES]),
    ):
        before = dict(warehouse.rows("SELECT json_build_array(_id, saved_timestamp) FROM v1.couchdb"))
        done = playbook("site", *concerned, "-e", f"cht_sync_engine={engine}")
        assert done.returncode == 0, done.stdout[-3000:]
        for unit in units:
            # Logstash starts once more where it had a thousand documents to catch up on.
            until(lambda: vm.run(f"systemctl is-active {unit}").stdout.strip() == "active", 60, f"{unit}'s run")
        for unit in gone:
            assert vm.run(f"systemctl is-active {unit}").stdout.strip() != "active"
            assert vm.run(f"systemctl is-enabled {unit}").rc != 0
        last = writer[-1]
        until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{last}'"), 60, f"arrival by {engine}")
        after = dict(warehouse.rows("SELECT json_build_array(_id, saved_timestamp) FROM v1.couchdb"))
        edited = sum(after[id_] != stamp for id_, stamp in before.items())
        assert edited < 200, f"{edited} of {len(before)} written anew by {engine}"


def test_a_second_run_changes_nothing_on_any_machine():
    assert changed_by(playbook("site")) == []


def test_nothing_was_lost_by_the_exchange(couchdb, warehouse):
    assert_equal(couchdb, warehouse)


def test_parity_reports_and_repairs_nothing(couchdb, warehouse):
    assert_equal(couchdb, warehouse, 90)
    code, said = parity("all")
    assert code == 0 and said.count("nothing differs") == len(DATABASES), said
    code, said = parity("all", "-e", "parity_repair=true")
    assert code == 2 and "on a Logstash site parity only reports" in said, said


def test_it_comes_back_with_the_machine(couchdb, warehouse):
    docker("restart", group("sync"))
    until(couchdb.answers, 90, "CouchDB's return")
    while_away = couchdb.write()
    until(warehouse.answers, 90, "PostgreSQL's return")
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{while_away}'"), 90, "arrival after the restart")
    assert_equal(couchdb, warehouse)
