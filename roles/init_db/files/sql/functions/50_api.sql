-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What PostgREST exposes: two functions, for sync_writer alone. SECURITY DEFINER, as their caller has no other right.

-- Takes a source for one engine process and ends the lease before. Answers {"seq": text or null, "lease": uuid,
-- "replaced": boolean}: go on after seq; null is from the start. replaced: it was found to be another database than
-- before, and nothing of the new one was delivered yet (so a lost answer hides it from nobody).
CREATE OR REPLACE FUNCTION api.claim(source text, engine text, identity text DEFAULT NULL) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known CONSTANT text := nullif(nullif(claim.identity, ''), '0');
    s v1.source;
    delivered record;
BEGIN
    PERFORM v1.check_token();
    PERFORM v1.lock_stamp();
    -- waits for an init_db that gives the source to another engine, and sees what it did
    SELECT * INTO s FROM v1.source t WHERE t.source = claim.source FOR UPDATE;
    IF NOT FOUND OR s.engine IS NULL THEN
        RAISE SQLSTATE 'PT404' USING
            MESSAGE = format('source "%s" is not in the inventory', claim.source),
            HINT = 'add it to cht_sync_sources and run site.yml';
    ELSIF s.engine IS DISTINCT FROM claim.engine THEN
        RAISE SQLSTATE 'PT409' USING
            MESSAGE = format('the inventory gave source "%s" to %s, not to %s', claim.source, s.engine, claim.engine),
            HINT = 'stop this engine, or change cht_sync_engine and run site.yml';
    END IF;

    PERFORM v1.refuse_unadopted(claim.source);
    IF known <> s.identity THEN
        -- The database was deleted and created again: its old position means nothing.
        UPDATE v1.couchdb_progress p SET seq = NULL, pending = NULL WHERE p.source = claim.source;
        UPDATE v1.source t SET replaced_at = clock_timestamp(), replaced_identity = t.identity WHERE t.source = claim.source;
    END IF;
    UPDATE v1.source t
    SET lease = gen_random_uuid(), claimed_at = clock_timestamp(), identity = coalesce(known, t.identity)
    WHERE t.source = claim.source
    RETURNING t.* INTO s;
    PERFORM v1.purge_quarantine();
    SELECT p.seq, p.updated_at < s.replaced_at AS replaced INTO delivered FROM v1.couchdb_progress p WHERE p.source = claim.source;
    RETURN json_build_object('seq', delivered.seq, 'lease', s.lease, 'replaced', coalesce(delivered.replaced, false));
END
$$;

-- Stores what one call carries, in one transaction, and how far the source is delivered thereby.
-- The body is either a JSON array of events [{"id","seq","deleted","doc"}, ...], or lines: a JSON header
-- {"last_seq", "pending", "rows"}, then that many rows of a `_changes` page as CouchDB wrote them, joined by ",\r\n".
-- Of rows in CouchDB's own form only the documents are parsed, which name themselves; of any other form, whole rows.
-- Answers {"rows", "written", "quarantined"}; the rest was stored already, or design documents.
-- No error message carries content of a document.
CREATE OR REPLACE FUNCTION api.ingest(text) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stamp timestamp;
    call_source text;
    header_end integer;
    header record;
    events jsonb;
    counts record;
BEGIN
    PERFORM v1.check_token();
    stamp := v1.lock_stamp();
    call_source := v1.leased_source();
    IF starts_with(ltrim(left($1, 100)), '[') THEN
        events := v1.read_events($1);
        header := v1.read_last_event(events, $1);
    ELSE
        header_end := coalesce(nullif(strpos($1, E'\n'), 0), length($1));
        header := v1.read_header(left($1, header_end));
    END IF;
    SELECT * INTO counts FROM v1.land(call_source, stamp, $1, header_end, header.rows, events);
    PERFORM v1.store_progress(call_source, header.last_seq, header.pending, header.rows, stamp);
    IF header.rows = 0 THEN
        PERFORM v1.purge_quarantine(); -- the source is idle: time for upkeep
    END IF;
    RETURN json_build_object('rows', header.rows, 'written', counts.written, 'quarantined', counts.quarantined);
END
$$;
