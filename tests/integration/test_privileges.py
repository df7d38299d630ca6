# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what, tried from outside: over HTTP with each kind of token, over SQL as each role.

What there is to try comes from the catalog. Whoever adds a relation to v1, or a function to api, decides here who uses it.
"""

import time

import jwt
import psycopg2
import pytest
import requests
from calls import page, row
from servers import AUDIENCE, SECRET, PostgREST

pytestmark = pytest.mark.server

# Who may read what there is in v1. Nobody but the owner writes it.
READERS = {
    "guard.kept": set(),
    "guard.seen": set(),
    "guard.repair": {"monitor"},
    "v1.adoption": set(),
    "dbt.couchdb": {"dbt"},
    "v1.couchdb": {"dbt"},
    "v1.couchdb_progress": {"dbt"},
    "v1.document_revision": {"monitor"},
    "v1.instance_document": {"dbt"},
    "v1.newest_change": {"dbt"},
    "v1.quarantined_document": {"monitor"},
    "v1.sync_metric": {"monitor"},
    "v1.sync_status": {"dbt", "monitor"},
    "v1.quarantine": set(),
    "v1.quarantine_id_seq": set(),
    "v1.schema_migration": set(),
    "v1.setting": set(),
    "v1.shortened_id": set(),
    "v1.source": set(),
    "v1.stamp": set(),
}
# Who may call what there is in api and v1.
CALLERS = {
    "api.claim(text,text,text)": {"sync_writer"}, "api.ingest(text)": {"sync_writer"}, "v1.disk_free()": {"dbt"}, "v1.holders(oid[])": {"dbt"},
    # what v1.instance_document calls
    "v1.is_of_instance(text)": {"dbt"}, "v1.readable(text)": {"dbt"}, "v1.tombstone(text,text)": {"dbt"}}

# Who reads the marts and nothing else: dashboards, SQL Lab, and members for other tools.
MARTS = ("superset_reader", "superset_sqllab", "marts_reader")
SCHEMA_RIGHTS = {
    ("sync_writer", "api", "USAGE"),
    ("monitor", "v1", "USAGE"),
    ("monitor", "marts", "USAGE"),
    ("monitor", "guard", "USAGE"),
    ("dbt", "v1", "USAGE"),
    ("dbt", "dbt", "USAGE"),
    ("dbt", "dbt", "CREATE"),
    ("dbt", "marts", "USAGE"),
    ("dbt", "marts", "CREATE"),
    ("dbt", "dbt_next", "USAGE"),
    ("dbt", "dbt_next", "CREATE"),
    ("dbt", "dbt_old", "USAGE"),
    ("dbt", "dbt_old", "CREATE"),
    *((reader, "marts", "USAGE") for reader in MARTS),
}
DATABASE_RIGHTS = {(role, "CONNECT") for role in ("authenticator", "monitor", "dbt", *MARTS)} | {("dbt", "TEMPORARY")}

LOGINS = ("authenticator", "monitor", "dbt", "superset_reader", "superset_sqllab", "superset")
ROLES = (*LOGINS, "sync_writer", "marts_reader")
OURS = "n.nspname !~ '^(pg_|information_schema$)'"
CLAIM = {"source": "a/medic", "engine": "relay"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def signed(secret=SECRET, algorithm="HS256", **claims) -> str:
    """As the engines sign, but for `claims`; a claim that is None is left out."""
    claims = {"role": "sync_writer", "aud": AUDIENCE, "exp": int(time.time()) + 86400, **claims}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm=algorithm)


# ---- over HTTP


@pytest.fixture
def names(cursor):
    """Schemas, and the names of all relations and functions in them, as a caller would put them into a path."""
    cursor.execute(f"SELECT nspname FROM pg_namespace n WHERE {OURS} OR nspname = 'pg_catalog'")
    schemas = [name for (name,) in cursor.fetchall()]
    cursor.execute(f"SELECT DISTINCT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE {OURS} AND relkind IN ('r', 'v', 'S')")
    relations = [name for (name,) in cursor.fetchall()]
    cursor.execute(f"SELECT DISTINCT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE {OURS} AND nspname <> 'api'")
    functions = [name for (name,) in cursor.fetchall()]
    assert "couchdb" in relations and "lock_stamp" in functions
    return schemas, relations, functions


@pytest.fixture
def secret_document(source):
    source.lands(page(row("a", "1-a", name="Amina")))


def ask(postgrest, method, path, token=None, **headers):
    headers["Authorization"] = f"Bearer {token or postgrest.token}"
    body = {} if method in ("POST", "PUT", "PATCH") else None
    answer = requests.request(method, f"{postgrest.url}/{path}", json=body, headers=headers, timeout=10)
    assert "Amina" not in answer.text
    return answer


def test_the_writers_token_shows_no_relation(postgrest, secret_document, names):
    schemas, relations, _functions = names
    for name in (*relations, "pg_class", "pg_authid", ""):
        for method in METHODS:
            status = ask(postgrest, method, name).status_code
            assert status in (404, 405) or (method, status, name) == ("OPTIONS", 200, ""), (method, name, status)
    for schema in schemas:
        if schema != "api":
            assert ask(postgrest, "GET", "couchdb", **{"Accept-Profile": schema}).status_code == 406
            assert ask(postgrest, "POST", "couchdb", **{"Content-Profile": schema}).status_code == 406


def test_the_writers_token_tells_nothing_of_what_there_is(postgrest, cursor):
    for accept in ("application/openapi+json", "application/json", "*/*"):
        answer = ask(postgrest, "GET", "", Accept=accept)
        assert answer.status_code in (404, 406) and "claim" not in answer.text


def test_the_writers_token_opens_no_other_function(postgrest, source, names):
    schemas, _relations, functions = names
    before = source.state()
    for name in (*functions, "pg_sleep", "pg_read_file", "set_config", "lo_create"):
        for body in ({}, "text"):
            assert postgrest.post(name, body).status_code == 404, name
        for schema in schemas:
            if schema != "api":
                assert postgrest.post(name, {}, **{"Content-Profile": schema}).status_code == 406, (schema, name)
    assert source.state() == before


def test_a_function_is_called_by_post_only(postgrest, source, cursor):
    for method in METHODS:
        if method not in ("POST", "OPTIONS"):
            assert ask(postgrest, method, "rpc/claim?source=a/medic&engine=relay").status_code == 405, method
    cursor.execute("SELECT lease::text FROM v1.source WHERE source = 'a/medic'")
    assert cursor.fetchone() == (source.lease,)


@pytest.mark.parametrize(
    "token",
    [
        None,
        "no.token.atall",
        signed(exp=int(time.time()) - 60),
        signed(nbf=int(time.time()) + 86400),  # not before all other tests have run
        signed(secret="another-secret-that-is-also-long-enough"),
        signed(secret="", algorithm="none"),
        signed(role="superset"),
        *(signed(role=role) for role in ("authenticator", "monitor", "dbt", "superset_reader", "cht_owner", "postgres", "nobody")),
        signed(role=None),
        signed(aud=None),
        signed(aud="cht"),
        signed(aud=["cht-other"]),
        signed(aud=[]),
        signed(exp=None),
        signed(aud=None, exp=None),
    ],
    ids=[
        "none", "no token", "expired", "not yet", "other secret", "unsigned", "superset", "authenticator", "monitor", "dbt", "superset_reader", "cht_owner", "postgres",
        "nobody", "without a role", "without an audience", "another audience", "other audiences", "no audience", "without an end", "with a role alone",
    ],
)  # fmt: skip
def test_another_token_or_none_opens_nothing(postgrest, source, cursor, token):
    headers = {"X-CHT-Source": source.name, "X-CHT-Lease": source.lease}
    before = source.state()
    # 400: PostgreSQL knows no such role
    assert postgrest.post("claim", CLAIM, token=token).status_code in (400, 401, 403)
    assert postgrest.post("ingest", page(row("x", "1-x")), token=token, **headers).status_code in (400, 401, 403)
    assert postgrest.post("lock_stamp", {}, token=token).status_code in (400, 401, 403, 404)
    answer = requests.get(f"{postgrest.url}/couchdb", headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=10)
    assert answer.status_code in (400, 401, 403, 404)
    assert source.state() == before
    cursor.execute("SELECT lease::text FROM v1.source WHERE source = 'a/medic'")
    assert cursor.fetchone() == (source.lease,)


def test_tokens_for_this_postgrest_are_taken(postgrest, source):
    assert postgrest.post("claim", CLAIM, token=signed()).status_code == 200
    assert postgrest.post("claim", CLAIM, token=signed(aud=["cht-other", AUDIENCE])).status_code == 200


def test_a_postgrest_that_knows_no_audience_yet(postgresql, cursor):
    """In an upgrade the functions are there first, and an engine may have its new tokens before PostgREST its new setting."""
    server = PostgREST(postgresql, jwt_aud="")
    try:
        answers = [server.post("claim", CLAIM, token=token) for token in (signed(aud=None), signed(exp=None), signed())]
    finally:
        server.stop()
    assert [answer.status_code for answer in answers] == [401, 401, 200]
    assert answers[0].json()["message"] == "the token must name its audience (aud) and its end (exp)"


# ---- over SQL: what the catalog grants


@pytest.fixture
def marts(postgresql, cursor):
    """A model of each kind, made as dbt makes them."""
    connection = postgresql.connect(user="dbt")
    with connection.cursor() as dbt:
        dbt.execute("CREATE TABLE marts.rpt_x (x int); INSERT INTO marts.rpt_x VALUES (1)")
        dbt.execute("CREATE VIEW marts.agg_x AS SELECT count(*) FROM marts.rpt_x")
        dbt.execute("CREATE TABLE dbt.base_x (x int)")
        yield
        dbt.execute("DROP TABLE marts.rpt_x, dbt.base_x CASCADE")
    connection.close()


def test_each_relation_is_read_by_whom_it_is_meant_for(cursor, marts):
    cursor.execute(
        f"""SELECT c.oid::regclass::text, array_remove(array_agg(DISTINCT CASE WHEN
                  has_table_privilege(role, c.oid, 'SELECT') OR has_any_column_privilege(role, c.oid, 'SELECT') THEN role END), NULL)
            FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace, unnest(%s) role
            WHERE {OURS} AND relkind IN ('r', 'p', 'v', 'm', 'f') GROUP BY 1
            UNION ALL
            SELECT c.oid::regclass::text, array_remove(array_agg(DISTINCT CASE WHEN
                  has_sequence_privilege(role, c.oid, 'SELECT, USAGE, UPDATE') THEN role END), NULL)
            FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace, unnest(%s) role
            WHERE {OURS} AND relkind = 'S' GROUP BY 1""",
        (list(ROLES), list(ROLES)),
    )
    models = {"marts.rpt_x": {"dbt", *MARTS}, "marts.agg_x": {"dbt", *MARTS}, "dbt.base_x": {"dbt"}}
    assert {name: set(roles) for name, roles in cursor.fetchall()} == {**READERS, **models}


def test_nobody_may_write_what_is_not_theirs(cursor, marts):
    rights = "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
    cursor.execute(
        f"""SELECT role, c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace, unnest(%s) role
            WHERE {OURS} AND relkind IN ('r', 'p', 'v', 'm', 'f') AND relowner <> role::regrole
              AND (has_table_privilege(role, c.oid, %s) OR has_any_column_privilege(role, c.oid, 'INSERT, UPDATE, REFERENCES'))""",
        (list(ROLES), rights),
    )
    assert cursor.fetchall() == []


def test_each_function_is_called_by_whom_it_is_meant_for(cursor):
    cursor.execute(
        f"""SELECT p.oid::regprocedure::text, array_agg(role)
            FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace, unnest(%s) role
            WHERE ({OURS} OR proname ~ '^lo_(create|creat|from_bytea|import|export)$')
              AND has_function_privilege(role, p.oid, 'EXECUTE') GROUP BY 1""",
        (list(ROLES),),
    )
    assert {name: set(roles) for name, roles in cursor.fetchall()} == CALLERS


def test_schemas_and_database_are_open_to_whom_they_are_meant_for(cursor):
    cursor.execute(
        f"""SELECT role, nspname, kind FROM pg_namespace n, unnest(%s) role, unnest(ARRAY['USAGE', 'CREATE']) kind
            WHERE {OURS} AND has_schema_privilege(role, n.oid, kind)""",
        (list(ROLES),),
    )
    assert set(cursor.fetchall()) == SCHEMA_RIGHTS
    cursor.execute(
        """SELECT role, kind FROM unnest(%s) role, unnest(ARRAY['CONNECT', 'CREATE', 'TEMPORARY']) kind
           WHERE has_database_privilege(role, current_database(), kind)""",
        (list(ROLES),),
    )
    assert set(cursor.fetchall()) == DATABASE_RIGHTS


def test_no_role_is_more_than_it_looks(cursor):
    cursor.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)",
        ([*ROLES, "cht_owner"],),
    )
    assert cursor.fetchall() == []
    cursor.execute("SELECT member::regrole::text, roleid::regrole::text FROM pg_auth_members WHERE member::regrole::text = ANY(%s)", (list(ROLES),))
    assert cursor.fetchall() == [("authenticator", "sync_writer")]
    cursor.execute("SELECT rolinherit FROM pg_roles WHERE rolname = 'authenticator'")
    assert cursor.fetchone() == (False,)


# ---- over SQL: what happens when they try


# What a view says that cannot be written to by anybody.
NO_TABLE = (psycopg2.errors.ObjectNotInPrerequisiteState,)


class Attempts:
    """Statements of one role on a connection of its own, read-only off where it may be."""

    def __init__(self, postgresql, role):
        self.role = role
        self.connection = postgresql.connect(user=role)
        self.cursor = self.connection.cursor()
        self.cursor.execute("SET default_transaction_read_only = off")

    def denied(self, sql, *also):
        """also: other errors that refuse just as well."""
        with pytest.raises((psycopg2.errors.InsufficientPrivilege, *also)):
            self.cursor.execute(sql)
            pytest.fail(f"{self.role} did: {sql}")


@pytest.fixture(params=[role for role in LOGINS if role != "superset"])
def attempts(request, postgresql, marts, secret_document):
    tries = Attempts(postgresql, request.param)
    yield tries
    tries.connection.close()


def test_what_is_not_granted_fails(attempts, cursor):
    cursor.execute(
        f"SELECT c.oid::regclass::text, relowner::regrole::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE {OURS} AND relkind IN ('r', 'v')"
    )
    readers = {**READERS, "marts.rpt_x": set(MARTS), "marts.agg_x": set(MARTS)}
    for relation, owner in cursor.fetchall():
        if owner == attempts.role:
            continue
        if attempts.role in readers.get(relation, ()):
            attempts.cursor.execute(f"SELECT count(*) FROM {relation}")
        else:
            attempts.denied(f"SELECT FROM {relation}")
        attempts.denied(f"INSERT INTO {relation} DEFAULT VALUES", *NO_TABLE)
        attempts.denied(f"DELETE FROM {relation}", *NO_TABLE)
    for table in ("v1.couchdb", "v1.couchdb_progress", "v1.quarantine"):
        attempts.denied(f"UPDATE {table} SET source = 'x'")
        attempts.denied(f"TRUNCATE {table}")
        attempts.denied(f"ALTER TABLE {table} ADD COLUMN x int")
        attempts.denied(f"CREATE INDEX ON {table} (source)")
        attempts.denied(f"DROP TABLE {table}")


def test_no_other_function_of_the_owner_can_be_called(attempts, cursor):
    cursor.execute(
        f"""SELECT p.oid::regprocedure::text, p.oid::regproc::text, array_to_string(ARRAY(SELECT 'NULL::' || t::regtype FROM unnest(proargtypes) t), ', ')
            FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE {OURS} AND proowner = 'cht_owner'::regrole"""
    )
    for signature, name, arguments in cursor.fetchall():
        if attempts.role not in CALLERS.get(signature, ()):
            attempts.denied(f"SELECT {name}({arguments})")


def test_nothing_can_be_made_outside_ones_own_schemas(attempts):
    if attempts.role != "dbt":
        attempts.denied("CREATE TEMPORARY TABLE x (x int)")
        attempts.denied("CREATE TABLE marts.x (x int)")
        attempts.denied("CREATE TABLE dbt.x (x int)")
    for sql in (
        "CREATE TABLE public.x (x int)",
        "CREATE TABLE v1.x (x int)",
        "CREATE FUNCTION api.x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA x",
        "CREATE EXTENSION dblink SCHEMA v1",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
        "SET ROLE cht_owner",
    ):
        attempts.denied(sql)


def test_no_query_hides_in_a_text(attempts):
    """What filters a reader's queries, as Superset does, cannot look into a text that PostgreSQL would run."""
    query = "'SELECT id FROM marts.rpt_x'"
    for function in (
        *(f"query_to_xml{kind}({query}, true, true, '')" for kind in ("", "schema", "_and_xmlschema")),
        *(f"table_to_xml{kind}('marts.rpt_x', true, true, '')" for kind in ("", "schema", "_and_xmlschema")),
        *(f"schema_to_xml{kind}('marts', true, true, '')" for kind in ("", "schema", "_and_xmlschema")),
        *(f"database_to_xml{kind}(true, true, '')" for kind in ("", "schema", "_and_xmlschema")),
        "cursor_to_xml('c', 1, true, true, '')",
        "cursor_to_xmlschema('c', true, true, '')",
        f"ts_stat({query})",
        f"ts_stat({query}, 'a')",
        f"ts_rewrite('a'::tsquery, {query})",
    ):
        attempts.denied(f"SELECT {function}")


# What a formula in a chart could do with PostgreSQL's own functions.
HARMFUL = [
    "pg_sleep(0)", "pg_sleep_for('0 s')", "pg_sleep_until(now())", "pg_cancel_backend(1)", "pg_notify('a', 'b')", "pg_advisory_lock(1)",
    "pg_advisory_xact_lock(1)", "pg_try_advisory_lock(1)", "pg_try_advisory_lock_shared(1, 2)", "pg_advisory_unlock_all()", "set_config('work_mem', '1GB', false)",
    "repeat('x', 1000000000)", "lpad('x', 1000000000)", "rpad('x', 1000000000, 'y')", "array_fill(1, ARRAY[1000000])", "setseed(0)",
    "pg_logical_emit_message(false, 'a', 'b')", "pg_export_snapshot()", "pg_stat_reset()", "pg_reload_conf()", "nextval('v1.quarantine_id_seq')",
    "lo_unlink(1)", "lo_open(1, 1)", "pg_read_file('postgresql.conf')",
]  # fmt: skip


@pytest.mark.parametrize("role", ["superset_reader", "superset_sqllab"])
def test_a_formula_can_hold_up_nobody(postgresql, marts, role):
    attempts = Attempts(postgresql, role)
    for call in HARMFUL:
        attempts.denied(f"SELECT max(({call})::text) FROM marts.rpt_x")
    if role == "superset_reader":  # in SQL Lab there is a button that stops a query
        attempts.denied("SELECT pg_terminate_backend(1)")
    attempts.connection.close()


def test_what_dashboards_and_tools_call_can_be_called(postgresql, marts):
    reader = postgresql.execute(
        "SELECT now(), clock_timestamp(), random(), gen_random_uuid(), version(), pg_backend_pid(), pg_relation_size('pg_class'), current_setting('work_mem'),"
        " (SELECT count(*) FROM pg_settings), string_agg(x::text, ', '), percentile_cont(0.5) WITHIN GROUP (ORDER BY x), date_trunc('month', now()),"
        " to_char(now(), 'YYYY'), regexp_replace('a', 'b', 'c'), jsonb_build_object('a', 1), format_type(23, NULL) FROM marts.rpt_x",
        "cht_sync", "superset_reader",
    )  # fmt: skip
    assert len(reader) == 1


# What a role may do to itself; PostgreSQL cannot forbid it.
CHANGED = {
    "password": "ALTER ROLE {role} PASSWORD NULL",
    "settings": "ALTER ROLE {role} SET statement_timeout = 1; ALTER ROLE {role} IN DATABASE cht_sync SET search_path = pg_temp",
}


@pytest.fixture
def guarded(postgresql, marts):
    """Two passwords, as site.yml sets and remembers them."""
    for role in ("superset_reader", "superset_sqllab"):
        postgresql.execute(f"ALTER ROLE {role} PASSWORD 'right'")
    postgresql.execute("SELECT guard.remember(); DELETE FROM guard.seen", "cht_sync")


@pytest.mark.parametrize("what", CHANGED)
@pytest.mark.parametrize("role", ["superset_reader", "superset_sqllab"])
def test_what_a_role_does_to_itself_is_put_back(postgresql, guarded, cursor, role, what):
    described = f"""SELECT rolpassword, (SELECT jsonb_agg(s ORDER BY setdatabase) FROM (SELECT setdatabase, setconfig FROM pg_db_role_setting
                    WHERE setrole = a.oid) s)
                    FROM pg_authid a WHERE rolname = '{role}'"""
    before = postgresql.execute(described, "cht_sync")
    postgresql.execute(f"ROLLBACK; BEGIN READ WRITE; {CHANGED[what].format(role=role)}; COMMIT", "cht_sync", role)
    assert postgresql.execute(described, "cht_sync") != before
    # Seen at one look, put back at the next.
    postgresql.execute("SELECT guard.repair()", "cht_sync")
    assert postgresql.execute(described, "cht_sync") != before
    postgresql.execute("SELECT guard.repair()", "cht_sync")
    assert postgresql.execute(described, "cht_sync") == before
    cursor.execute("SELECT role, what FROM guard.repair ORDER BY at DESC LIMIT 1")
    assert cursor.fetchone() == (role, what)
    assert postgresql.execute("SELECT * FROM guard.differs()", "cht_sync") == []


@pytest.mark.parametrize("role", ["superset_reader", "superset_sqllab"])
def test_a_role_cannot_give_up_its_rights(postgresql, marts, role):
    for statement in (f"DROP OWNED BY {role}", f"REVOKE ALL ON marts.rpt_x FROM {role}", f"REVOKE ALL ON SCHEMA marts FROM {role}"):
        postgresql.execute(f"ROLLBACK; BEGIN READ WRITE; {statement}; COMMIT", "cht_sync", role)
    assert postgresql.execute("SELECT x FROM marts.rpt_x", "cht_sync", role) == [(1,)]


def test_the_other_role_is_out_of_reach(postgresql, guarded):
    for statement in (*CHANGED.values(), "ALTER ROLE {role} SET role = 'nobody'", "SET ROLE {role}", "GRANT {role} TO superset_sqllab"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            postgresql.execute(f"ROLLBACK; BEGIN READ WRITE; {statement.format(role='superset_reader')}", "cht_sync", "superset_sqllab")


def test_readers_read_only_without_being_asked(postgresql, marts):
    for role in ("superset_reader", "superset_sqllab", "monitor"):
        connection = postgresql.connect(user=role)
        with connection.cursor() as reader:
            reader.execute("SHOW default_transaction_read_only")
            assert reader.fetchone() == ("on",)
        connection.close()


def test_superset_cannot_connect_to_the_warehouse(postgresql, postgrest):
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        postgresql.connect(user="superset")


def test_what_the_monitor_reads_holds_no_document_and_no_lease(cursor):
    cursor.execute(
        "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns "
        "WHERE table_schema = 'v1' AND table_name IN ('document_revision', 'quarantined_document', 'sync_metric', 'sync_status') GROUP BY 1"
    )
    assert dict(cursor.fetchall()) == {
        "document_revision": ["_id", "_rev", "_deleted", "source", "original"],
        "quarantined_document": ["source", "id", "reason"],
        "sync_metric": ["db", "cht_instance", "sequence", "pending", "age", "up", "quarantined", "collisions"],
        "sync_status": ["source", "engine", "claimed_at", "seq", "pending", "updated_at", "quarantined", "collisions", "replaced_at"],
    }


def test_the_functions_a_client_calls_trust_no_search_path(cursor):
    """They run with their owner's rights: nobody may slip his own table or operator under them."""
    cursor.execute("SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace IN ('api'::regnamespace, 'v1'::regnamespace) ORDER BY 1")
    assert cursor.fetchall() == [(name, ["search_path=pg_catalog, pg_temp"]) for name in ("claim", "disk_free", "holders", "ingest")]
