# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards stay while models are made again: no query of a dataset fails or waits, also when the refresh fails."""

import contextlib
import os
import pwd
import re
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
import yaml
from servers import ROOT, wait_until
from test_dbt_models import in_step, report
from test_dbt_program import FORM, WITH_COLUMN, foreign_keys, oid, refreshed

pytestmark = pytest.mark.once

DATASETS = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "roles/superset/files/datasets/datasets").glob("*.yaml")]
NAMES = [*(f"{dataset['schema']}.{dataset['table_name']}" for dataset in DATASETS), "marts.pregnancies_per_area"]
LONGEST = 2.0  # seconds that a query may take
DISK = 160  # MB
RECEIVED = "First day of its month.\n      - name: received\n        data_type: timestamp with time zone\n"
ONE_MORE = "        description: Name of the form; other where that is no code.\n        data_tests: [not_null]\n"


# A package's table, and a view on it
NEW = {
    "reports_per_form": "{{ config(materialized='table') }} select form, count(*) as reports from {{ ref('data_record') }} group by 1",
    "forms_seen": "{{ config(materialized='view') }} select * from {{ ref('reports_per_form') }}",
}


class Reader(threading.Thread):
    """Reads all datasets in a loop, as dashboards do."""

    def __init__(self, warehouse):
        super().__init__()
        self.connection = warehouse.server.connect(warehouse.name, "superset_reader")
        self.over = threading.Event()
        self.errors, self.slowest, self.rounds = [], (0.0, ""), 0

    def run(self):
        cursor = self.connection.cursor()
        while not self.over.is_set():
            for name in NAMES:
                start = time.monotonic()
                try:
                    cursor.execute(f"SELECT * FROM {name} LIMIT 100")
                    cursor.fetchall()
                except Exception as error:  # pylint: disable=broad-except  # each is what a user would see
                    self.errors.append(f"{name}: {error}")
                self.slowest = max(self.slowest, (time.monotonic() - start, name))
            self.rounds += 1
        self.connection.close()


class Forgotten:
    """A transaction that somebody left open after a statement."""

    def __init__(self, warehouse, statement):
        self.connection = warehouse.server.connect(warehouse.name)
        self.connection.autocommit = False
        self.execute("SET application_name = 'psql of yesterday'")
        self.execute(statement)
        pid = self.connection.info.backend_pid
        self.said = (rf"process {pid} \(postgres, psql of yesterday, since \d{{4}}-\d\d-\d\d \d\d:\d\d \S+\)\. "
                     rf"The next run tries again; SELECT pg_terminate_backend\({pid}\) ends one")

    def execute(self, statement):
        self.connection.cursor().execute(statement)

    def close(self):
        self.connection.close()


@contextlib.contextmanager
def dashboards(warehouse):
    """Raises at the end where a query of theirs failed or waited."""
    reader = Reader(warehouse)
    reader.start()
    try:
        yield
    finally:
        reader.over.set()
        reader.join()
    print(f"{reader.rounds} rounds, the slowest query {reader.slowest[0]:.2f} s ({reader.slowest[1]})")
    assert reader.rounds > 2 and reader.errors == [] and reader.slowest[0] < LONGEST, (reader.rounds, reader.errors[:3], len(reader.errors), reader.slowest)


def left_over(warehouse):
    return warehouse.column("SELECT oid::regclass::text FROM pg_class WHERE relnamespace IN ('dbt_next'::regnamespace, 'dbt_old'::regnamespace)")


def grants(warehouse):
    """Who may do what with the models that are there before and after."""
    return warehouse.column("SELECT format('%s %s %s', c.oid::regclass, acl.grantee::regrole, acl.privilege_type) FROM pg_class c, aclexplode(relacl) acl "
                            "WHERE relnamespace IN ('dbt'::regnamespace, 'marts'::regnamespace) AND relkind IN ('r', 'v') AND acl.grantee <> relowner ORDER BY 1")


def triggers(warehouse):
    """What each mart follows, and by which description: a run counts all rows as changed where it is another."""
    return warehouse.query("SELECT proname, obj_description(p.oid, 'pg_proc'), proconfig, count(*) FROM pg_proc p JOIN pg_trigger ON tgfoid = p.oid "
                           "WHERE pronamespace = 'dbt'::regnamespace GROUP BY 1, 2, 3 ORDER BY 1")


def follows(program):
    """A run after changes brings all in step, without making anything again."""
    warehouse = program.warehouse
    gone = warehouse.value("SELECT uuid FROM dbt.pregnancy_visit ORDER BY uuid LIMIT 1")
    warehouse.ingest([report("after", fields={"lmp_date_8601": "2026-01-02"})], deleted=[gone])
    assert refreshed(program.update()) == set()
    assert warehouse.column("SELECT uuid FROM dbt.pregnancy_visit WHERE uuid IN ('after', %s)", gone) == ["after"]
    assert warehouse.column("SELECT form FROM marts.rpt_data_record WHERE uuid IN ('after', %s)", gone) == ["pregnancy"]
    in_step(warehouse)


FORM_COLUMN = "    {{ code('r.form') }} as form,\n"


def test_an_upgrade_that_changes_columns(program):
    """In several rounds, while a view of somebody else's reads a mart. What was granted, noted and recorded stays."""
    warehouse = program.warehouse
    warehouse.query("CREATE SCHEMA bi; CREATE VIEW bi.per_form AS SELECT form, count(*) FROM marts.rpt_data_record GROUP BY 1; "
                    "CREATE VIEW marts.of_dbt AS SELECT uuid FROM marts.fct_report; ALTER VIEW marts.of_dbt OWNER TO dbt; "
                    "CREATE TABLE marts.by_hand AS SELECT 1 AS x; GRANT SELECT ON marts.fct_report TO monitor; "
                    "COMMENT ON VIEW marts.rpt_task IS 'ours'; COMMENT ON COLUMN marts.fct_report.form IS 'our forms'")
    keys, rights, followed = foreign_keys(warehouse), grants(warehouse), triggers(warehouse)
    history = warehouse.column("SELECT result_id FROM dbt.dbt_results ORDER BY 1")
    program.edit_project("models/marts/tables/fct_report.sql", FORM_COLUMN, FORM_COLUMN + "    7 as added,\n")
    program.edit_project("models/marts/tables/facts.yml", ONE_MORE, ONE_MORE + "      - {name: added, data_type: integer}\n")
    program.edit_project("models/marts/views/rpt_data_record.sql", "report.received,", "report.added as received,")
    program.edit_project("models/marts/views/rpt.yml", RECEIVED, RECEIVED.replace("timestamp with time zone", "integer"))
    program.edit_package(FORM, *WITH_COLUMN)
    for name, text in NEW.items():
        (program.directory / "fetched/country-package/models/shown" / f"{name}.sql").write_text(text, encoding="utf-8")
    assert program.assemble_again()["success"]
    warehouse.ingest([report("before")])
    with dashboards(warehouse):
        answer = program.update(batch_size=1500)
    assert {"fct_report", "document_metadata", "pregnancy_visit", "pregnancies_per_area"} <= refreshed(answer)
    assert warehouse.column("SELECT DISTINCT received FROM marts.rpt_data_record") == [7]
    assert warehouse.value("SELECT count(*) FROM marts.of_dbt WHERE uuid = 'before'") == 1 == warehouse.value("SELECT x FROM marts.by_hand")
    assert warehouse.value("SELECT has_table_privilege('superset_reader', 'marts.forms_seen', 'SELECT')")
    assert foreign_keys(warehouse) == keys and triggers(warehouse) == followed and set(rights) <= set(grants(warehouse))
    assert set(history) < set(warehouse.column("SELECT result_id FROM dbt.dbt_results"))
    assert warehouse.value("SELECT obj_description('marts.rpt_task'::regclass)") == "ours"
    assert warehouse.value("SELECT count(*) FROM dbt.dbt_results WHERE schema_name NOT IN ('dbt', 'marts')") == 0
    # Its rows are those of before, which are kept for it until it is made again.
    assert "bi.per_form shows models as they were" in answer["output"] and warehouse.value("SELECT count(*) FROM bi.per_form") > 0
    assert left_over(warehouse)
    warehouse.query("DROP VIEW bi.per_form")
    follows(program)
    # A package's table stays where it is in each run, with what reads it.
    assert warehouse.value("SELECT sum(reports) FROM marts.forms_seen") == warehouse.value("SELECT count(*) FROM dbt.data_record")
    assert left_over(warehouse) == []


@pytest.fixture
def disk(server):
    """A small disk, on which dbt's new tables go."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    owner = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else os.geteuid()
    directory = Path(tempfile.mkdtemp(prefix="cht-dbt-"))
    directory.chmod(0o755)
    subprocess.run([*as_root, "mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=0755,uid={owner}", "tmpfs", directory], check=True)
    server.execute(f"CREATE TABLESPACE small LOCATION '{directory}'")
    server.execute("GRANT CREATE ON TABLESPACE small TO dbt")
    server.execute("ALTER ROLE dbt SET default_tablespace = small")
    yield directory
    server.execute("ALTER ROLE dbt RESET default_tablespace")
    server.execute("DROP DATABASE warehouse WITH (FORCE)")
    server.execute("DROP TABLESPACE small")
    subprocess.run([*as_root, "umount", directory], check=True)
    directory.rmdir()


def fill(disk, room):
    """A file that leaves so many MB."""
    state = os.statvfs(disk)
    with (disk / "ballast").open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - (room << 20))


def test_whatever_becomes_of_a_refresh(disk, program, dbt):
    """One after the other it finds no room, is killed, has its disk filled by others, and is kept waiting; then it is made."""
    warehouse, other = program.warehouse, type(program.warehouse)(program.warehouse.server, program.warehouse.name)
    before = oid(warehouse, "marts.fct_report")
    program.edit_project("models/base/documents/contact.sql", "doc ->> 'notes' as notes", "doc ->> 'notes' || '' as notes")
    assert program.assemble_again()["success"]
    warehouse.ingest([report("meanwhile")])
    fill(disk, 1)

    def fill_meanwhile():
        # Of this run, not what the killed one left.
        wait_until(lambda: oid(other, "dbt_next.data_record") not in (None, left), 60, "a model beside those in use")
        fill(disk, 1)

    with dashboards(warehouse):
        said = program.update(check=False)["summary"]
        assert re.search(r"takes about \d+\.\d MB of the database's disk, and 1\.\d MB are free: make room", said), said
        # What did not change goes on.
        assert warehouse.value("SELECT count(*) FROM dbt.data_record WHERE uuid = 'meanwhile'") == 1
        (disk / "ballast").unlink()

        killed = subprocess.Popen([program.command(dbt), "update"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: oid(warehouse, "dbt_next.data_record"), 60, "a model beside those in use")
        killed.kill()
        killed.wait()
        left = oid(warehouse, "dbt_next.data_record")

        thread = threading.Thread(target=fill_meanwhile)
        thread.start()
        answer = program.update(check=False)
        thread.join()
        assert not answer["success"] and "No space left on device" in answer["output"], answer["output"]
        assert left_over(warehouse) == []
        (disk / "ballast").unlink()

        forgotten = Forgotten(warehouse, "SELECT count(*) FROM marts.fct_report")
        said = program.update(check=False, patience=1.0)["summary"]
        assert re.search(f"as long as others read these: {forgotten.said}", said), said
        assert oid(warehouse, "marts.fct_report") == before
        forgotten.close()
        # What was made waits for the next run.
        made = oid(warehouse, "dbt_next.fct_report")
        assert refreshed(program.update()) >= {"fct_report", "contact"}
    assert oid(warehouse, "marts.fct_report") == made and left_over(warehouse) == []
    follows(program)
    other.connection.close()


def test_a_forgotten_transaction(program):
    """Where dbt itself makes a table again, dashboards do not wait behind it; a run that waits for somebody says for whom, and goes on."""
    warehouse = program.warehouse
    forgotten = Forgotten(warehouse, "SELECT count(*) FROM marts.fct_report")
    with dashboards(warehouse):
        told = warehouse.dbt("run", "--full-refresh", "--select", "fct_report", check=False)
    assert not told["success"] and "canceling statement due to lock timeout" in told["output"], told["output"]
    forgotten.close()

    person = warehouse.value("SELECT uuid FROM dbt.person ORDER BY uuid LIMIT 1")
    forgotten = Forgotten(warehouse, f"UPDATE dbt.contact SET name = name WHERE uuid = '{person}'")
    assert warehouse.value("SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'dbt'::regrole") == ["lock_timeout=5min"]
    warehouse.query("ALTER ROLE dbt SET lock_timeout = '300ms'")
    warehouse.ingest([{**warehouse.document(person), "name": "Renamed"}, report("meanwhile")])
    with dashboards(warehouse):
        answer = program.update(check=False)
    assert not answer["success"]
    assert re.search(f"failed: contact; others had locked what it needs: {forgotten.said}", answer["summary"]), answer["summary"]
    assert warehouse.column("SELECT form FROM marts.rpt_data_record WHERE uuid = 'meanwhile'") == ["pregnancy"]
    forgotten.close()
    warehouse.query("ALTER ROLE dbt SET lock_timeout = '5min'")
    assert refreshed(program.update()) == set()
    assert warehouse.value("SELECT name FROM dbt.contact WHERE uuid = %s", person) == "Renamed"
    in_step(warehouse)
