-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Who calls, and under which lock and stamp.

-- Refuses a token that names no audience, which PostgREST lets pass whatever its jwt-aud is, or that has no end. A caller
-- who comes without PostgREST has no token.
CREATE OR REPLACE FUNCTION v1.check_token() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claims CONSTANT json := nullif(current_setting('request.jwt.claims', true), '')::json;
BEGIN
    IF claims IS NOT NULL AND (claims ->> 'aud' IS NULL OR claims ->> 'exp' IS NULL) THEN
        RAISE SQLSTATE 'PT401' USING
            MESSAGE = 'the token must name its audience (aud) and its end (exp)',
            HINT = 'run site.yml, which deploys an engine whose tokens do';
    END IF;
END
$$;

-- Takes the one lock of claim and ingest, until the transaction ends, and tells the first free stamp (UTC).
-- Since the lock is held until commit, stamps grow in commit order; since the last one is stored, they also do
-- when the clock steps back.
CREATE OR REPLACE FUNCTION v1.lock_stamp() RETURNS timestamp
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT greatest(clock_timestamp() AT TIME ZONE 'UTC', last + interval '1 microsecond')
            FROM (SELECT last FROM v1.stamp FOR UPDATE) s);
END
$$;

-- The source the caller writes for, if it still holds its lease. Call it under the lock.
CREATE OR REPLACE FUNCTION v1.leased_source() RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    headers CONSTANT json := nullif(current_setting('request.headers', true), '')::json;
    call_source CONSTANT text := headers ->> 'x-cht-source';
    call_lease CONSTANT text := headers ->> 'x-cht-lease';
BEGIN
    IF call_source IS NULL OR call_lease IS NULL THEN
        RAISE SQLSTATE 'PT400' USING
            MESSAGE = 'the headers X-CHT-Source and X-CHT-Lease are both required',
            HINT = 'api.claim hands out the lease';
    END IF;
    PERFORM FROM v1.source s WHERE s.source = call_source AND s.lease::text = lower(call_lease);
    IF NOT FOUND THEN
        RAISE SQLSTATE 'PT409' USING
            MESSAGE = format('the lease for source "%s" has ended: another process claimed it since, or the inventory gave it to another engine', call_source),
            HINT = 'claim the source again, unless another engine process feeds it';
    END IF;
    RETURN call_source;
END
$$;

-- Stores how far a source has been delivered. last_seq null leaves the position (and what was reported with it) alone.
CREATE OR REPLACE FUNCTION v1.store_progress(call_source text, last_seq text, pending bigint, rows_stamped bigint, stamp timestamp)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF rows_stamped > 0 THEN
        UPDATE v1.stamp SET last = store_progress.stamp + rows_stamped * interval '1 microsecond';
    END IF;
    INSERT INTO v1.couchdb_progress AS p (source, seq, pending, updated_at)
    VALUES (call_source, last_seq, CASE WHEN pending > 2147483647 THEN 2147483647 ELSE pending END, clock_timestamp())
    ON CONFLICT (source) DO UPDATE SET
        seq = coalesce(excluded.seq, p.seq),
        pending = CASE WHEN excluded.seq IS NULL THEN p.pending ELSE excluded.pending END,
        updated_at = excluded.updated_at;
END
$$;
