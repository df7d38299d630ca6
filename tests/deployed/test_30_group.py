# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database apart: whoever connects from another machine does so over TLS, and is named in pg_hba."""

import pytest
from stack import group, machine, playbook, secrets

pytestmark = pytest.mark.group


def test_every_connection_from_outside_is_encrypted(warehouse):
    rows = warehouse.rows(
        "SELECT json_build_array(usename, ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL"
    )
    assert ["authenticator", True] in rows
    assert all(encrypted for _user, encrypted in rows)


def test_the_database_listens_on_its_own_addresses_only(warehouse):
    listeners = warehouse.machine.run("ss -Hltn | awk '{ print $4 }'").stdout.split()
    addresses = {address.rsplit(":", 1)[0] for address in listeners if address.endswith(":5432")}
    assert "127.0.0.1" in addresses and len(addresses) == 2 and not addresses & {"0.0.0.0", "*", "[::]"}


@pytest.mark.parametrize(
    ("user", "database", "sslmode", "words"),
    [
        ("monitor", "cht_sync", "disable", "no encryption"),
        ("monitor", "postgres", "require", "no pg_hba.conf entry"),
        ("postgres", "cht_sync", "require", "no pg_hba.conf entry"),
        ("cht_owner", "cht_sync", "require", "no pg_hba.conf entry"),
    ],
)
def test_nobody_else_gets_in(vm, user, database, sslmode, words):
    connect = (
        "import psycopg2, sys\n"
        f"psycopg2.connect(host='{group('postgresql')}', user='{user}', dbname='{database}', sslmode='{sslmode}', password='x')"
    )
    assert words in vm.run("python3 -c %s", connect).stderr


def test_the_certificate_is_checked(vm):
    connect = (
        "import psycopg2, sys\n"
        f"psycopg2.connect(host='{group('postgresql')}', user='monitor', dbname='cht_sync', sslmode='verify-full', "
        "sslrootcert=sys.argv[1], password=sys.stdin.read())"
    )
    run = "printf %%s " + secrets()["cht_sync_monitor_password"] + " | python3 -c %s %s"
    assert vm.run(run, connect, "/etc/cht-sync/postgresql.crt").rc == 0
    assert "certificate verify failed" in vm.run(run, connect, "/etc/ssl/certs/ca-certificates.crt").stderr
    assert machine("postgresql").file("/etc/cht-sync/postgresql/server.key").mode == 0o400


def test_superset_is_dumped_where_the_database_is_before_its_upgrade_and_no_newer_tables_are_touched(warehouse):
    """The client on Superset's machine is older than the server, and could not dump it."""

    def metadata(sql):
        return warehouse.text(sql, "superset")

    superset = machine("superset")
    started = superset.run("systemctl show --value --property MainPID cht-sync-superset").stdout
    superset.run("rm /var/lib/cht-superset/initialized")  # as if another version had set it up
    revision = metadata("UPDATE alembic_version SET version_num = 'ffffffffffff' RETURNING (SELECT version_num FROM alembic_version)")
    try:
        refused = playbook("site", "--tags", "superset_service")
    finally:
        metadata(f"UPDATE alembic_version SET version_num = '{revision}'")
    said = " ".join(refused.stdout.split())
    assert refused.returncode != 0 and "are those of a newer version" in said and "ffffffffffff" in said
    assert superset.run("systemctl show --value --property MainPID cht-sync-superset").stdout == started

    upgraded = playbook("site", "--tags", "superset_service")
    assert upgraded.returncode == 0, upgraded.stdout[-3000:]
    dumps = warehouse.machine.run("ls /var/backups/cht-superset/*").stdout.split()
    assert len(dumps) == 1 and dumps[0] in upgraded.stdout
    assert warehouse.machine.file(dumps[0]).mode == 0o600 and warehouse.machine.file("/var/backups/cht-superset").mode == 0o700
    assert "TABLE DATA public dashboards" in warehouse.machine.run(f"pg_restore --list {dumps[0]}").stdout
