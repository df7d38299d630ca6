# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what in the warehouse: exactly this, by PostgreSQL's own word."""

import pytest

FUNCTIONS = {"sync_writer": {"api.claim", "api.ingest"}}
RELATIONS = {
    "monitor": {"v1.document_revision SELECT", "v1.sync_status SELECT"},
    "dbt": {"v1.couchdb SELECT", "v1.couchdb_progress SELECT"},
}
ROLES = ["authenticator", "sync_writer", "monitor", "dbt", "superset", "superset_reader"]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_execute_these_functions_only(cursor, role):
    cursor.execute(
        "SELECT DISTINCT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname IN ('v1', 'api') AND has_function_privilege(%s, p.oid, 'EXECUTE')",
        (role,),
    )
    assert {name for (name,) in cursor.fetchall()} == FUNCTIONS.get(role, set())


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_these_relations_only(cursor, role):
    cursor.execute(
        "SELECT n.nspname || '.' || c.relname || ' ' || privilege FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, "
        "unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) privilege "
        "WHERE n.nspname IN ('v1', 'api') AND c.relkind IN ('r', 'v', 'm', 'p') AND (has_table_privilege(%s, c.oid, privilege) "
        "OR privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege(%s, c.oid, privilege))",
        (role, role),
    )
    assert {name for (name,) in cursor.fetchall()} == RELATIONS.get(role, set())


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_create_nothing_beside_its_own(cursor, role):
    cursor.execute(
        "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(%s, oid, 'CREATE') AND pg_get_userbyid(nspowner) <> %s", (role, role)
    )
    assert cursor.fetchall() == []
    cursor.execute("SELECT has_database_privilege(%s, current_database(), 'CREATE')", (role,))
    assert cursor.fetchone() == (False,)


def test_what_the_monitor_reads_holds_no_document_and_no_lease(cursor):
    cursor.execute(
        "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns "
        "WHERE table_schema = 'v1' AND table_name IN ('document_revision', 'sync_status') GROUP BY 1"
    )
    assert dict(cursor.fetchall()) == {
        "document_revision": ["_id", "_rev", "_deleted", "source"],
        "sync_status": ["source", "engine", "claimed_at", "seq", "pending", "updated_at", "quarantined", "collisions"],
    }


def test_the_functions_a_client_calls_trust_no_search_path(cursor):
    """They run with their owner's rights: nobody may slip his own table or operator under them."""
    cursor.execute("SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'api'::regnamespace ORDER BY 1")
    assert cursor.fetchall() == [("claim", ["search_path=pg_catalog, pg_temp"]), ("ingest", ["search_path=pg_catalog, pg_temp"])]
