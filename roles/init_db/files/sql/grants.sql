-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Who may do what; run by the login user after everything else, each time. First all is taken, then little is given.

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO authenticator, monitor', current_database());
END
$$;

ALTER DEFAULT PRIVILEGES FOR ROLE cht_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA v1, api FROM PUBLIC;
REVOKE ALL ON SCHEMA v1, api, public FROM PUBLIC;

-- PostgREST logs in as authenticator, which has no right but to become sync_writer (the role's membership).
GRANT USAGE ON SCHEMA api TO sync_writer;
GRANT EXECUTE ON FUNCTION api.claim(text, text, text), api.ingest(text) TO sync_writer;

-- With PostgREST's pool wait (10 s) this stays below the engines' read timeout of 300 s, so no call runs on after
-- its client gave up.
ALTER ROLE sync_writer SET statement_timeout = '240s';

GRANT USAGE ON SCHEMA v1 TO monitor;
GRANT SELECT ON v1.document_revision, v1.sync_status TO monitor;
ALTER ROLE monitor SET default_transaction_read_only = on;

-- PostgREST learns of new functions and settings at once.
NOTIFY pgrst, 'reload schema';
NOTIFY pgrst, 'reload config';
