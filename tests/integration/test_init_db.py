# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting the warehouse up: once, again, in check mode, and what is refused."""

import copy
import threading

import pytest
from calls import SOURCES
from servers import BUNDLE, SCHEMAS, wait_until
from upstream import Upstream, doc

from ansible_collections.cht.sync.plugins.module_utils._sql_bundle import BundleError, check_bundle, checksum, read_bundle
from ansible_collections.cht.sync.plugins.module_utils._warehouse import WarehouseError

pytestmark = pytest.mark.server

MIGRATIONS = sorted(path.name for path in (BUNDLE / "migrations").glob("*.sql"))


@pytest.fixture
def database(postgresql):
    """Name of a database that is set up."""
    postgresql.create("setup", SOURCES)
    return "setup"


@pytest.fixture
def bundle():
    return read_bundle(str(BUNDLE))


def execute(postgresql, sql):
    return postgresql.execute(sql, "setup")


def test_the_second_run_changes_nothing(postgresql, database):
    outcome = postgresql.converge(database, SOURCES)
    assert not outcome["changed"] and outcome["queries"] == [] and outcome["diff"]["before"] == outcome["diff"]["after"]


def test_check_mode_tells_and_changes_nothing(postgresql, database):
    postgresql.create_empty("setup")
    outcome = postgresql.converge("setup", SOURCES, dry_run=True)
    assert outcome["changed"] and outcome["migrations"] == MIGRATIONS
    assert "CREATE TABLE v1.couchdb" in outcome["diff"]["after"]
    assert execute(postgresql, "SELECT nspname FROM pg_namespace WHERE nspname IN ('v1', 'api', 'dbt', 'marts')") == []


@pytest.mark.parametrize(
    "drift",
    [
        "GRANT SELECT ON v1.couchdb TO monitor",
        "REVOKE EXECUTE ON FUNCTION api.ingest(text) FROM sync_writer",
        "GRANT USAGE ON SCHEMA v1 TO PUBLIC",
        "CREATE OR REPLACE FUNCTION v1.tombstone(id text, rev text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS 'SELECT NULL::jsonb'",
    ],
)
def test_what_somebody_changed_by_hand_is_shown_and_put_right(postgresql, database, drift):
    execute(postgresql, drift)
    shown = postgresql.converge(database, SOURCES, dry_run=True)
    assert shown["changed"] and shown["diff"]["before"] != shown["diff"]["after"]
    assert postgresql.converge(database, SOURCES)["changed"]
    assert not postgresql.converge(database, SOURCES)["changed"]


def test_a_changed_engine_ends_the_lease(postgresql, database):
    execute(postgresql, "UPDATE v1.source SET lease = gen_random_uuid()")
    changed = [{**SOURCES[0], "engine": "logstash"}, *SOURCES[1:]]
    assert postgresql.converge(database, changed)["changed"]
    assert execute(postgresql, "SELECT source, lease IS NULL FROM v1.source ORDER BY 1")[:2] == [("a/medic", True), ("b/medic", False)]


@pytest.mark.parametrize(
    ("sources", "options"),
    [
        ([{**SOURCES[0], "engine": "logstash"}, *SOURCES[1:]], {}),
        (SOURCES, {"adopt": [{"table": "v1.medic", "source": "a/medic"}]}),
    ],
)
def test_a_lease_ends_only_after_the_call_that_runs_under_it(postgresql, database, sources, options):
    old = Upstream(postgresql, "setup")
    old.logstash("medic", doc("x", "1-a"))
    call = old.connection
    call.autocommit = False
    old.cursor.execute("SELECT v1.lock_stamp()")
    thread = threading.Thread(target=lambda: postgresql.converge(database, sources, **options))
    thread.start()
    try:
        wait_until(
            lambda: execute(postgresql, "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT v1.lock_stamp()' AND wait_event_type = 'Lock'"),
            10, "a wait for the lock",
        )  # fmt: skip
    finally:
        call.close()
        thread.join(60)


def test_a_source_that_left_the_inventory_keeps_its_documents_and_cannot_be_fed(postgresql, database):
    execute(postgresql, "INSERT INTO v1.couchdb VALUES (now(), 'x', false, 'c/medic', '{}')")
    outcome = postgresql.converge(database, SOURCES[:2])
    assert {"source": "c/medic", "engine": None} in outcome["sources"]
    assert execute(postgresql, "SELECT count(*) FROM v1.couchdb") == [(1,)]


def test_a_renamed_host_is_refused(postgresql, database):
    renamed = [*SOURCES[:2], {"source": "new/medic", "engine": "relay"}]
    with pytest.raises(WarehouseError, match="source_prefix: c "):
        postgresql.converge(database, renamed)
    assert not postgresql.converge(database, SOURCES)["changed"]


RENAMED = [*SOURCES[:2], {"source": "new/medic", "engine": "relay"}]
RENAME = [{"from": "c/medic", "to": "new/medic"}]


@pytest.fixture
def old_name(postgresql, database):
    """Source c/medic with documents, a position, a lease and quarantine; and a document of a/medic."""
    execute(
        postgresql,
        """
        INSERT INTO v1.couchdb VALUES ('2024-01-02', 'y', false, 'c/medic', '{}'), ('2024-01-01', 'x', false, 'c/medic', '{}'),
                                      ('2024-01-03', 'z', false, 'a/medic', '{}');
        INSERT INTO v1.couchdb_progress VALUES ('9-x', 0, now(), 'c/medic');
        UPDATE v1.source SET lease = gen_random_uuid(), identity = '17';
        SELECT v1.quarantine_row('c/medic', 'epoch', 'q', NULL, 'no id', '{}', true)
        """,
    )
    return database


IN_ORDER = """
    SELECT _id, saved_timestamp FROM v1.couchdb WHERE source <> 'a/medic'
    UNION ALL SELECT coalesce(nullif(raw, '{}'), doc_id), stamp FROM v1.quarantine WHERE closed_at IS NULL ORDER BY 2
"""


def sources_everywhere(postgresql):
    return execute(
        postgresql,
        """
        SELECT (SELECT array_agg(source || coalesce(lease::text, '') || coalesce(identity, '') ORDER BY 1) FROM v1.source WHERE source > 'b/medic'),
               (SELECT array_agg(source || seq) FROM v1.couchdb_progress), (SELECT array_agg(source || doc_id) FROM v1.quarantine),
               (SELECT array_agg(_id || source ORDER BY saved_timestamp) FROM v1.couchdb)
        """,
    )[0]


def test_a_renamed_source_takes_all_along_and_its_documents_are_stamped_anew(postgresql, old_name):
    before = sources_everywhere(postgresql)
    shown = postgresql.converge(old_name, RENAMED, dry_run=True, renames=RENAME)
    assert shown["changed"] and "-- source c/medic is renamed to new/medic" in shown["queries"]
    assert sources_everywhere(postgresql) == before
    assert postgresql.converge(old_name, RENAMED, renames=RENAME)["changed"]
    assert sources_everywhere(postgresql) == (
        ["new/medic17"], ["new/medic9-x"], ["new/medicq"], ["za/medic", "xnew/medic", "ynew/medic"],
    )  # fmt: skip
    assert execute(postgresql, "SELECT v1.lock_stamp() > max(saved_timestamp), count(DISTINCT saved_timestamp) FROM v1.couchdb") == [(True, 3)]
    assert not postgresql.converge(old_name, RENAMED, renames=RENAME)["changed"]


def test_a_rename_mends_a_source_that_was_read_under_both_names(postgresql, old_name):
    postgresql.converge(old_name, [*SOURCES, RENAMED[2]])
    execute(postgresql, "SELECT v1.quarantine_row('new/medic', 'epoch', id, NULL, 'id_collision', id, true) FROM unnest('{x,z}'::text[]) id")
    postgresql.converge(old_name, RENAMED, renames=RENAME)
    assert execute(postgresql, "SELECT doc_id FROM v1.quarantine WHERE reason = 'id_collision' AND closed_at IS NULL") == [("z",)]


def test_a_rename_keeps_what_came_later(postgresql, old_name):
    """Of documents and open entries: a retry asks whether a document changed after the entry came."""
    execute(
        postgresql,
        """
        SELECT v1.quarantine_row('c/medic', stamp::timestamp, id, NULL, 'no id', id || stamp, true)
        FROM (VALUES ('x', '2024-01-01 12:00'), ('x', '2024-01-01 13:00'), ('y', '2024-01-01 14:00'), ('closed', '2024-01-05')) e (id, stamp);
        UPDATE v1.quarantine SET closed_at = now() WHERE doc_id = 'closed'
        """,
    )
    before = execute(postgresql, IN_ORDER)
    assert postgresql.converge(old_name, RENAMED, renames=RENAME)["changed"]
    after = execute(postgresql, IN_ORDER)
    assert [what for what, _ in after] == [what for what, _ in before] == ["q", "x", "x2024-01-01 12:00", "x2024-01-01 13:00", "y2024-01-01 14:00", "y"]
    assert len({stamp for _, stamp in after}) == len(after) and after[0][1] > before[-1][1]
    assert execute(postgresql, "SELECT v1.lock_stamp()") > [(after[-1][1],)]


@pytest.mark.parametrize(
    ("of_old", "of_new", "stays"),
    [(None, "now()", True), ("now()", None, True), (None, None, True), ("now()", "now()", False)],
)
def test_of_two_entries_with_one_text_a_rename_keeps_the_open_one(postgresql, old_name, of_old, of_new, stays):
    postgresql.converge(old_name, [*SOURCES, RENAMED[2]])
    for name, closed in (("c/medic", of_old), ("new/medic", of_new)):
        execute(
            postgresql,
            f"SELECT v1.quarantine_row('{name}', 'epoch', 'twin', NULL, 'no id', 'twin', true);"
            f"UPDATE v1.quarantine SET closed_at = {closed or 'NULL'} WHERE source = '{name}' AND doc_id = 'twin'",
        )
    postgresql.converge(old_name, RENAMED, renames=RENAME)
    assert execute(postgresql, "SELECT source, closed_at IS NULL FROM v1.quarantine WHERE doc_id = 'twin'") == [("new/medic", stays)]


def test_a_rename_passes_an_adoption_without_sources(postgresql, old_name):
    execute(postgresql, "INSERT INTO v1.adoption (old_table, place, kind, sources, estimate) VALUES ('v1.empty', 'v1.empty', 'v2', '{}', 0)")
    assert postgresql.converge(old_name, RENAMED, renames=RENAME)["changed"]
    assert execute(postgresql, "SELECT sources FROM v1.adoption") == [({},)]


@pytest.mark.parametrize(
    ("sources", "renames", "words"),
    [
        (RENAMED, [{"from": "c/medic", "to": "b/medic"}], '"b/medic", which has documents already'),
        (SOURCES, [{"from": "c/medic", "to": "b/medic"}], "no longer the old one"),
        (RENAMED, [{"from": "c/medic", "to": "elsewhere/medic"}], "it names a/medic, b/medic, new/medic"),
        (RENAMED, [], r"init_db_source_renames: \[\{from: c/medic, to: new/medic\}\]"),
    ],
)
def test_a_rename_that_cannot_be_meant_is_refused(postgresql, old_name, sources, renames, words):
    execute(postgresql, "UPDATE v1.couchdb SET source = 'b/medic' WHERE _id = 'z'")
    with pytest.raises(WarehouseError, match=words):
        postgresql.converge(old_name, sources, renames=renames)


def test_settings_are_kept_and_shown(postgresql, database):
    days = {"quarantine_keep_days": "7"}
    shown = postgresql.converge(database, SOURCES, dry_run=True, settings=days)
    assert "setting quarantine_keep_days: 90" in shown["diff"]["before"] and "setting quarantine_keep_days: 7" in shown["diff"]["after"]
    assert postgresql.converge(database, SOURCES, settings=days)["changed"]
    assert execute(postgresql, "SELECT value FROM v1.setting WHERE name = 'quarantine_keep_days'") == [("7",)]
    assert not postgresql.converge(database, SOURCES, settings=days)["changed"]


def test_a_database_of_an_older_release_is_brought_up(postgresql, database, bundle):
    postgresql.create_empty("setup")
    first = bundle["migrations"][0]
    execute(
        postgresql,
        f"CREATE SCHEMA v1 AUTHORIZATION cht_owner; SET ROLE cht_owner; {first['sql']} RESET ROLE; CREATE TABLE v1.schema_migration "
        "(version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());"
        f"INSERT INTO v1.schema_migration VALUES (1, '{first['name']}', '{checksum(first['sql'])}')",
    )
    execute(
        postgresql,
        "INSERT INTO v1.quarantine (source, doc_id, reason, raw, raw_sha256) VALUES ('a/medic', 'x', 'no id', '{}', sha256('{}'))",
    )
    outcome = postgresql.converge("setup", SOURCES)
    assert outcome["changed"] and outcome["migrations"] == MIGRATIONS[1:]
    assert execute(postgresql, "SELECT doc_id, is_event, stamp <= clock_timestamp() AT TIME ZONE 'UTC' FROM v1.quarantine") == [("x", True, True)]
    assert not postgresql.converge("setup", SOURCES)["changed"]


def test_a_downgrade_is_refused(postgresql, database):
    execute(postgresql, "INSERT INTO v1.schema_migration (version, name, sha256) VALUES (99, '0099_future.sql', '')")
    with pytest.raises(WarehouseError, match="downgrade"):
        postgresql.converge(database, SOURCES)


def test_an_edited_migration_is_refused(postgresql, database, bundle):
    bundle["migrations"][0]["sql"] += "\n-- edited"
    with pytest.raises(WarehouseError, match="never edited"):
        postgresql.converge(database, SOURCES, bundle=bundle)


def test_a_failing_migration_leaves_everything_as_it_was(postgresql, database, bundle):
    broken = copy.deepcopy(bundle)
    broken["migrations"].append({"name": f"{len(bundle['migrations']) + 1:04d}_broken.sql", "sql": "CREATE TABLE v1.half (x int); SELECT nonsense"})
    with pytest.raises(WarehouseError, match=r"_broken.sql: .*nonsense"):
        postgresql.converge(database, SOURCES, bundle=broken)
    assert execute(postgresql, "SELECT to_regclass('v1.half')") == [(None,)]
    assert not postgresql.converge(database, SOURCES)["changed"]


@pytest.mark.parametrize(("sql", "said"), [
    ("UPDATE v1.couchdb SET doc = NULL", "constraint.*SQLSTATE 23502"),
    ("SELECT _id::int FROM v1.couchdb", "invalid input syntax for type integer .*SQLSTATE 22P02"),
    ("SELECT _id::json FROM v1.couchdb", "invalid input syntax for type json .*SQLSTATE 22P02")])  # fmt: skip
def test_a_migration_that_data_stops_shows_no_row(postgresql, database, bundle, sql, said):
    execute(postgresql, "INSERT INTO v1.couchdb VALUES (now(), 'Jane', false, 'a/medic', '{}')")
    broken = copy.deepcopy(bundle)
    name = f"{len(bundle['migrations']) + 1:04d}_broken.sql"
    broken["migrations"].append({"name": name, "sql": sql})
    with pytest.raises(WarehouseError, match=rf"_broken.sql: .*{said}") as refused:
        postgresql.converge(database, SOURCES, bundle=broken)
    assert "Jane" not in str(refused.value)


@pytest.mark.parametrize("names", [[], ["0002_x.sql"], ["0001_x.sql", "0001_y.sql"], ["0001_x.sql", "0003_y.sql"], ["1_x.sql"], ["0001-X.sql"]])
def test_badly_numbered_migrations_are_refused(names):
    with pytest.raises(BundleError):
        check_bundle({"migrations": [{"name": name, "sql": ""} for name in names]}, "sql")


def test_the_schemas_are_owned_as_planned(postgresql, database):
    owners = execute(postgresql, "SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname !~ '^(pg_|public$|information_schema$)'")
    assert dict(owners) == {"guard": "postgres", **{schema["name"]: schema["owner"] for schema in SCHEMAS}}
