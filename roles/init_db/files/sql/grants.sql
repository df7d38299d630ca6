-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Who may do what; run by the login user after everything else, each time. First all is taken, then little is given.

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO authenticator, monitor, dbt, superset_reader, superset_sqllab, marts_reader', current_database());
    -- dbt's incremental models need temporary tables.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO dbt', current_database());
END
$$;

ALTER DEFAULT PRIVILEGES FOR ROLE cht_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
REVOKE ALL ON SCHEMA v1, api, public
    FROM PUBLIC, authenticator, sync_writer, monitor, dbt, superset_reader, superset_sqllab, marts_reader;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA v1, api
    FROM PUBLIC, authenticator, sync_writer, monitor, dbt, superset_reader, superset_sqllab, marts_reader;
REVOKE ALL ON ALL TABLES IN SCHEMA v1
    FROM PUBLIC, authenticator, sync_writer, monitor, dbt, superset_reader, superset_sqllab, marts_reader;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA v1
    FROM PUBLIC, authenticator, sync_writer, monitor, dbt, superset_reader, superset_sqllab, marts_reader;

-- These run a query that they are given as text, where whoever checks or filters queries does not see it: Superset's
-- row-level security would be gone with a formula in a chart.
REVOKE EXECUTE ON FUNCTION
    pg_catalog.query_to_xml(text, boolean, boolean, text),
    pg_catalog.query_to_xmlschema(text, boolean, boolean, text),
    pg_catalog.query_to_xml_and_xmlschema(text, boolean, boolean, text),
    pg_catalog.cursor_to_xml(refcursor, integer, boolean, boolean, text),
    pg_catalog.cursor_to_xmlschema(refcursor, boolean, boolean, text),
    pg_catalog.table_to_xml(regclass, boolean, boolean, text),
    pg_catalog.table_to_xmlschema(regclass, boolean, boolean, text),
    pg_catalog.table_to_xml_and_xmlschema(regclass, boolean, boolean, text),
    pg_catalog.schema_to_xml(name, boolean, boolean, text),
    pg_catalog.schema_to_xmlschema(name, boolean, boolean, text),
    pg_catalog.schema_to_xml_and_xmlschema(name, boolean, boolean, text),
    pg_catalog.database_to_xml(boolean, boolean, text),
    pg_catalog.database_to_xmlschema(boolean, boolean, text),
    pg_catalog.database_to_xml_and_xmlschema(boolean, boolean, text),
    pg_catalog.ts_rewrite(tsquery, text),
    pg_catalog.ts_stat(text),
    pg_catalog.ts_stat(text, text)
    FROM PUBLIC;

-- Functions that hold up others, outlive a statement, tell of the server or take memory at will: PostgreSQL lets everybody call
-- them, in a chart's formula too. Our own roles keep them, readers do not. What is volatile is among them unless it is named here.
DO $$
DECLARE
    harmless CONSTANT text[] := ARRAY['clock_timestamp', 'gen_random_uuid', 'pg_database_size', 'pg_indexes_size', 'pg_relation_size',
        'pg_show_all_settings', 'pg_table_size', 'pg_timezone_names', 'pg_total_relation_size', 'random', 'random_normal', 'timeofday'];
    greedy CONSTANT text[] := ARRAY['array_fill', 'lpad', 'repeat', 'rpad'];
    ours CONSTANT text[] := ARRAY['cht_owner', 'authenticator', 'sync_writer', 'monitor', 'dbt'];
    found record;
BEGIN
    FOR found IN
        SELECT p.oid, p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
          AND (p.provolatile = 'v' AND p.proname <> ALL (harmless) OR p.proname = ANY (greedy))
          -- What only the server calls cannot be called with it.
          AND p.prorettype <> ALL ('{internal,trigger,event_trigger,language_handler,fdw_handler,index_am_handler,table_am_handler,tsm_handler}'::regtype[])
          AND NOT ('internal'::regtype = ANY (p.proargtypes))
          AND (has_function_privilege('public', p.oid, 'EXECUTE')
               OR EXISTS (SELECT FROM aclexplode(p.proacl) x WHERE x.grantee = 'cht_owner'::regrole))
    LOOP
        IF has_function_privilege('public', found.oid, 'EXECUTE') THEN
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', found.name);
        END IF;
        IF EXISTS (SELECT FROM unnest(ours) role WHERE NOT has_function_privilege(role, found.oid, 'EXECUTE')) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', found.name, array_to_string(ours, ', '));
        END IF;
    END LOOP;
END
$$;
-- Large objects are nobody's: nothing here has any.
REVOKE EXECUTE ON FUNCTION pg_catalog.lo_create(oid), pg_catalog.lo_creat(integer), pg_catalog.lo_from_bytea(oid, bytea)
    FROM PUBLIC, cht_owner, authenticator, sync_writer, monitor, dbt;
-- The button that stops a query in SQL Lab ends a session of the same role.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_terminate_backend(integer, bigint) TO superset_sqllab;

-- PostgREST logs in as authenticator, which has no right but to become sync_writer (the role's membership).
GRANT USAGE ON SCHEMA api TO sync_writer;
GRANT EXECUTE ON FUNCTION api.claim(text, text, text), api.ingest(text) TO sync_writer;

-- With PostgREST's pool wait (10 s) this stays below the 300 s that the engines give an answer to begin, so no call runs on after
-- its client gave up. It is the login role's: PostgreSQL takes settings at login, not when the role changes.
ALTER ROLE authenticator RESET ALL;
ALTER ROLE authenticator SET statement_timeout = '240s';
ALTER ROLE sync_writer RESET ALL;

GRANT USAGE ON SCHEMA v1 TO monitor;
GRANT SELECT ON v1.document_revision, v1.quarantined_document, v1.sync_status, v1.sync_metric TO monitor;
-- Of the marts it sees what dbt's project gives it: how the runs went, and what kinds of contact there are.
GRANT USAGE ON SCHEMA marts TO monitor;
ALTER ROLE monitor RESET ALL;
ALTER ROLE monitor SET default_transaction_read_only = on;

-- dbt reads the raw tables, and how far the sources are, and owns its schemas. Dashboards read marts, and nothing else.
GRANT USAGE ON SCHEMA v1 TO dbt;
GRANT SELECT ON v1.couchdb, v1.couchdb_progress, v1.sync_status, v1.instance_document, v1.newest_change TO dbt;
-- A view's functions are called by who reads it.
GRANT EXECUTE ON FUNCTION v1.is_of_instance(text), v1.readable(text), v1.tombstone(text, text) TO dbt;
-- The raw table where cht-pipeline's models look for it. Its own rights are dbt's.
SET LOCAL ROLE dbt;
CREATE OR REPLACE VIEW dbt.couchdb AS SELECT saved_timestamp, _id, _deleted, source, doc FROM v1.couchdb;
-- What a run waits for that long, somebody has forgotten. Models wait for one another too, in the first run above all. Set by the
-- role itself, which needs no right over it; its other settings, as its tablespace, are the administrator's.
ALTER ROLE dbt SET lock_timeout = '5min';
RESET ROLE;
-- Dashboards and SQL Lab have roles of their own, so that what is done to one leaves the other. Other tools read as members of
-- marts_reader: a member can do to a role all that the role can do to itself.
GRANT USAGE ON SCHEMA marts TO superset_reader, superset_sqllab, marts_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA marts TO superset_reader, superset_sqllab, marts_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE dbt IN SCHEMA marts GRANT SELECT ON TABLES TO superset_reader, superset_sqllab, marts_reader;
ALTER ROLE superset_reader RESET ALL;
ALTER ROLE superset_reader SET default_transaction_read_only = on;
ALTER ROLE superset_reader SET statement_timeout = '10s';
ALTER ROLE superset_sqllab RESET ALL;
ALTER ROLE superset_sqllab SET default_transaction_read_only = on;
ALTER ROLE superset_sqllab SET statement_timeout = '60s';

-- Who else has locks on these tables, which a run of dbt waits for: not what they do with them. Who is no administrator is not shown since
-- when others' transactions go on.
CREATE OR REPLACE FUNCTION v1.holders(tables oid[]) RETURNS TABLE (pid integer, role name, application text, since timestamptz, transaction text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT DISTINCT a.pid, a.usename, a.application_name, a.xact_start, l.virtualtransaction
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.relation = ANY (tables)
      AND a.pid <> pg_backend_pid()
    ORDER BY a.xact_start, a.pid
$function$;
REVOKE EXECUTE ON FUNCTION v1.holders(oid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION v1.holders(oid[]) TO dbt;

-- Bytes that are free where dbt's new tables go; df runs in the data directory. Only who may run programs on the server can make it.
DO $do$
BEGIN
    IF NOT pg_has_role(current_user, 'pg_execute_server_program', 'USAGE') THEN
        RETURN;
    END IF;
    CREATE OR REPLACE FUNCTION v1.disk_free() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $function$
    DECLARE
        place oid := (SELECT coalesce((SELECT oid FROM pg_tablespace WHERE spcname = current_setting('default_tablespace')), dattablespace)
                      FROM pg_database WHERE datname = current_database());
        bytes bigint;
    BEGIN
        CREATE TEMPORARY TABLE disk_free (bytes bigint) ON COMMIT DROP;
        EXECUTE format('COPY pg_temp.disk_free FROM PROGRAM %L', 'df --output=avail --block-size=1 '
            || CASE (SELECT spcname FROM pg_tablespace WHERE oid = place) WHEN 'pg_default' THEN 'base' ELSE 'pg_tblspc/' || place || '/' END
            || ' | tail -n 1');
        SELECT d.bytes INTO bytes FROM pg_temp.disk_free d;
        DROP TABLE pg_temp.disk_free;
        RETURN bytes;
    END
    $function$;
    REVOKE EXECUTE ON FUNCTION v1.disk_free() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION v1.disk_free() TO dbt;
END
$do$;

-- PostgREST learns of new functions and settings at once.
NOTIFY pgrst, 'reload schema';
NOTIFY pgrst, 'reload config';
