# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml leaves behind."""

import re
import statistics
import time

import pytest
from stack import DATABASES, INVENTORY, assert_equal, changed_by, playbook, secrets, until


def test_every_document_is_there(couchdb, warehouse):
    assert_equal(couchdb, warehouse)


def test_tombstones_keep_no_body(warehouse):
    assert warehouse.value("SELECT count(*) FROM v1.couchdb WHERE _deleted") > 0
    assert warehouse.value("SELECT count(*) FROM v1.couchdb WHERE _deleted AND doc - '_id' - '_rev' <> '{\"_deleted\": true}'") == 0


def test_no_design_document_and_no_nul(warehouse):
    assert warehouse.value("SELECT count(*) FROM v1.couchdb WHERE starts_with(_id, '_design/')") == 0
    assert warehouse.value("SELECT count(*) FROM v1.quarantine") == 0


def test_a_document_arrives_within_two_seconds(couchdb, warehouse):
    seen = []
    for _ in range(9):
        written = time.monotonic()
        id_ = couchdb.write()
        until(lambda id_=id_: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{id_}'"), 20, "arrival")
        seen.append(time.monotonic() - written)
    assert statistics.median(seen) < 2, seen


def test_a_deleted_document_is_flagged(couchdb, warehouse):
    id_ = couchdb.write()
    until(lambda: warehouse.value(f"SELECT count(*) FROM v1.couchdb WHERE _id = '{id_}'"), 20, "arrival")
    couchdb.delete(id_)
    until(lambda: warehouse.value(f"SELECT _deleted FROM v1.couchdb WHERE _id = '{id_}'"), 20, "the tombstone")


def test_verify_playbook_tells_an_operator(couchdb):
    done = playbook("verify")
    assert done.returncode == 0, done.stdout[-3000:]
    for database in DATABASES:
        assert re.search(rf"\| \S+/{database} +\| +[\d,]+ +\| +[\d,]+", done.stdout), done.stdout[-3000:]


@pytest.mark.parametrize(
    "tags", [pytest.param((), marks=pytest.mark.one), pytest.param(("--tags", "logstash"), marks=pytest.mark.group)], ids=["all", "logstash"]
)
def test_check_mode_reports_no_change(tags):
    assert changed_by(playbook("site", "--check", "--diff", *tags)) == []


@pytest.fixture
def secrets_file(vm):
    """The secrets, one a line, in a file of root's own: a pattern on a command line would be found there."""
    name = "/root/patterns"
    vm.run("umask 077; printf '%%s\\n' %s > " + name, "\n".join(secrets().values()))
    assert vm.run(f"wc -l < {name}").stdout.strip() == str(len(secrets()))
    yield name
    vm.run(f"rm {name}")


@pytest.mark.parametrize(
    "look",
    [
        "ps -eo args | grep -nFf {0}",
        "journalctl --no-pager | grep -nFf {0}",
        "find / -xdev -type f -perm -o+r -size -2M -not -path '/proc/*' -not -path '/sys/*' -print0 | xargs -0 grep -lFf {0}",
    ],
    ids=["process list", "journal", "world-readable files"],
)
def test_no_secret_is_in_the_open(vm, secrets_file, look):
    assert vm.run(look.format(secrets_file)).stdout == ""


@pytest.mark.group
def test_the_operators_authority_is_trusted(vm):
    ours = [line for line in (INVENTORY / "ca.pem").read_text().splitlines() if "CERTIFICATE" not in line]
    trusted = vm.file("/etc/ssl/certs/ca-certificates.crt").content_string
    assert "\n".join(ours) in trusted


@pytest.mark.one
def test_listens_where_the_inventory_says(vm):
    listeners = vm.run("ss -Hltn | awk '{ print $4 }'").stdout.split()
    for port in (5432, 3000, 3001):
        addresses = {address.rsplit(":", 1)[0] for address in listeners if address.endswith(f":{port}")}
        assert addresses and addresses <= {"127.0.0.1", "[::1]"}, (port, addresses)


@pytest.mark.parametrize(
    ("role", "sql"),
    [
        ("monitor", "SELECT doc FROM v1.couchdb"),
        ("monitor", "SELECT raw FROM v1.quarantine"),
        ("monitor", "SELECT lease FROM v1.source"),
        ("dbt", "DELETE FROM v1.couchdb"),
        ("dbt", "SELECT raw FROM v1.quarantine"),
        ("superset_reader", "SELECT doc FROM v1.couchdb"),
        ("authenticator", "SELECT doc FROM v1.couchdb"),
        ("sync_writer", "SELECT doc FROM v1.couchdb"),
        ("sync_writer", "SELECT v1.lock_stamp()"),
    ],
)
def test_a_role_can_do_no_more_than_it_must(warehouse, role, sql):
    done = warehouse.machine.run("runuser -u postgres -- psql -qAtX -d cht_sync -c %s -c %s", f"SET ROLE {role}", sql)
    assert "permission denied" in done.stderr, done
