-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A role may change its own password and settings: PostgreSQL has no way to forbid that. So what they were after the last run of
-- site.yml is kept here, and the unit cht-sync-roles puts them back. Run by the login user. An administrator who is no superuser cannot
-- read passwords: then there is no such guard (SUPPORT.md).

DO $do$
DECLARE
    member name;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;

    -- Members of the role that dashboards log in with, as other tools once were, could change its password.
    FOR member IN SELECT m.member::regrole::text FROM pg_auth_members m WHERE m.roleid = 'superset_reader'::regrole LOOP
        EXECUTE format('GRANT marts_reader TO %s', member);
        EXECUTE format('REVOKE superset_reader FROM %s', member);
    END LOOP;

    CREATE SCHEMA IF NOT EXISTS guard;
    REVOKE ALL ON SCHEMA guard FROM PUBLIC;

    CREATE TABLE IF NOT EXISTS guard.kept (
        role name PRIMARY KEY,
        password text,
        settings jsonb NOT NULL
    );
    -- What differed at the last look. It is put back at the next one, so that a run of site.yml has time to say what it changed.
    CREATE TABLE IF NOT EXISTS guard.seen (
        role name,
        what text,
        PRIMARY KEY (role, what)
    );
    CREATE TABLE IF NOT EXISTS guard.repair (
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        role name NOT NULL,
        what text NOT NULL
    );
    GRANT USAGE ON SCHEMA guard TO monitor;
    GRANT SELECT ON guard.repair TO monitor;

    CREATE OR REPLACE FUNCTION guard.settings(of oid) RETURNS jsonb LANGUAGE sql STABLE AS $$
        SELECT coalesce(jsonb_object_agg(setdatabase, to_jsonb(setconfig)), '{}') FROM pg_db_role_setting WHERE setrole = of
    $$;

    CREATE OR REPLACE FUNCTION guard.remember() RETURNS void LANGUAGE sql AS $$
        DELETE FROM guard.kept;
        INSERT INTO guard.kept
        SELECT rolname, rolpassword, guard.settings(oid) FROM pg_authid
        WHERE rolname IN ('authenticator', 'monitor', 'dbt', 'superset', 'superset_reader', 'superset_sqllab');
    $$;

    -- How the roles are other than they should be.
    CREATE OR REPLACE FUNCTION guard.differs() RETURNS TABLE (role name, what text) LANGUAGE sql STABLE AS $$
        SELECT k.role, w.what
        FROM guard.kept k JOIN pg_authid a ON a.rolname = k.role,
             LATERAL (VALUES
                ('password', a.rolpassword IS DISTINCT FROM k.password),
                ('settings', guard.settings(a.oid) IS DISTINCT FROM k.settings)
             ) AS w (what, differs)
        WHERE w.differs
    $$;

    CREATE OR REPLACE FUNCTION guard.repair() RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        found record;
        entry record;
        setting text;
    BEGIN
        FOR found IN SELECT d.role, d.what, k.password, k.settings
                     FROM guard.differs() d JOIN guard.seen USING (role, what) JOIN guard.kept k USING (role) LOOP
            IF found.what = 'password' THEN
                EXECUTE format('ALTER ROLE %I PASSWORD %L', found.role, found.password);
            ELSE
                FOR entry IN SELECT datname FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
                             WHERE s.setrole = found.role::text::regrole LOOP
                    EXECUTE format('ALTER ROLE %I %s RESET ALL', found.role, coalesce('IN DATABASE ' || quote_ident(entry.datname), ''));
                END LOOP;
                FOR setting IN SELECT jsonb_array_elements_text(found.settings -> '0') LOOP
                    EXECUTE format('ALTER ROLE %I SET %I TO %L', found.role, split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1));
                END LOOP;
            END IF;
            INSERT INTO guard.repair (role, what) VALUES (found.role, found.what);
            RAISE WARNING 'put back: the % of role %, which somebody had changed', found.what, found.role;
        END LOOP;
        DELETE FROM guard.seen;
        INSERT INTO guard.seen SELECT * FROM guard.differs();
        DELETE FROM guard.repair WHERE at < now() - interval '90 days';
    END
    $$;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA guard FROM PUBLIC;
END
$do$;
