# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting the warehouse up: once, again, in check mode, and what is refused."""

import copy

import pytest
from calls import SOURCES
from servers import BUNDLE, SCHEMAS

from ansible_collections.cht.sync.plugins.module_utils._sql_bundle import BundleError, check_bundle, read_bundle
from ansible_collections.cht.sync.plugins.module_utils._warehouse import WarehouseError

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


def test_a_database_of_an_older_release_is_brought_up(postgresql, database, bundle):
    postgresql.create_empty("setup")
    first = {"migrations": bundle["migrations"][:1], "functions": [], "grants": []}
    postgresql.converge("setup", SOURCES, bundle=first)
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


@pytest.mark.parametrize("names", [[], ["0002_x.sql"], ["0001_x.sql", "0001_y.sql"], ["0001_x.sql", "0003_y.sql"], ["1_x.sql"], ["0001-X.sql"]])
def test_badly_numbered_migrations_are_refused(names):
    with pytest.raises(BundleError):
        check_bundle({"migrations": [{"name": name, "sql": ""} for name in names]}, "sql")


def test_the_schemas_are_owned_as_planned(postgresql, database):
    owners = execute(postgresql, "SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname IN ('v1', 'api', 'dbt', 'marts')")
    assert dict(owners) == {schema["name"]: schema["owner"] for schema in SCHEMAS}
