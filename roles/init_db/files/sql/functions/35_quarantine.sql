-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The rows that could not land: kept until a later change of their document lands, or a retry.

-- Keeps a row. One entry per source and text, so a repeat writes nothing; of a closed entry it opens it again.
CREATE OR REPLACE FUNCTION v1.quarantine_row(call_source text, stamp timestamp, change_id text, seq text, reason text, raw text, is_event boolean)
RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO v1.quarantine AS q (source, stamp, doc_id, seq, reason, raw, raw_sha256, is_event)
    VALUES (call_source, stamp, change_id, seq, reason, raw, sha256(convert_to(raw, 'UTF8')), is_event)
    ON CONFLICT (source, raw_sha256) DO UPDATE SET
        reason = excluded.reason, closed_at = NULL,
        stamp = CASE WHEN q.closed_at IS NULL THEN q.stamp ELSE excluded.stamp END
    WHERE q.closed_at IS NOT NULL OR q.reason <> excluded.reason
$$;

-- Closes what is open of a document whose later change has landed.
CREATE OR REPLACE FUNCTION v1.close_quarantine(call_source text, change_id text, landed timestamp)
RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    UPDATE v1.quarantine q SET closed_at = clock_timestamp()
    WHERE q.source = call_source AND q.closed_at IS NULL AND q.doc_id = change_id AND q.stamp < landed
$$;

-- The same for all that a call has written after `stamp`.
CREATE OR REPLACE FUNCTION v1.close_quarantine_of_landed(call_source text, stamp timestamp)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM v1.quarantine q WHERE q.source = call_source AND q.closed_at IS NULL) THEN
        PERFORM v1.close_quarantine(call_source, c._id, c.saved_timestamp)
        FROM v1.couchdb c
        WHERE c.saved_timestamp > close_quarantine_of_landed.stamp AND c.source = call_source;
    END IF;
END
$$;

-- Tries open entries again, e.g. once a release of cht.sync can read them or a collision is gone. Of several entries
-- of one document only the newest is tried; if it lands, the older ones are closed with it. What landed since the
-- entry came is never overwritten. Answers each entry tried and what became of it.
CREATE OR REPLACE FUNCTION v1.retry_quarantine(only_source text DEFAULT NULL)
RETURNS TABLE (source text, doc_id text, reason text, outcome text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_stamp timestamp := v1.lock_stamp();
    entry v1.quarantine;
BEGIN
    FOR entry IN
        SELECT q.* FROM v1.quarantine q
        WHERE q.closed_at IS NULL AND q.source = coalesce(only_source, q.source)
          AND NOT EXISTS (SELECT FROM v1.quarantine newer
                          WHERE newer.source = q.source AND newer.doc_id = q.doc_id
                            AND newer.closed_at IS NULL AND newer.stamp > q.stamp)
        ORDER BY q.stamp
    LOOP
        outcome := v1.land_row(entry.source, now_stamp, entry.raw, entry.is_event, entry.stamp);
        IF outcome <> 'quarantined' THEN
            UPDATE v1.quarantine q SET closed_at = clock_timestamp() WHERE q.id = entry.id;
        END IF;
        source := entry.source;
        doc_id := entry.doc_id;
        reason := entry.reason;
        RETURN NEXT;
        now_stamp := now_stamp + interval '1 microsecond';
    END LOOP;
    UPDATE v1.stamp SET last = greatest(last, now_stamp);
END
$$;

-- Removes closed entries after the days the operator set; open ones stay. Answers how many.
CREATE OR REPLACE FUNCTION v1.purge_quarantine() RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    purged bigint;
BEGIN
    DELETE FROM v1.quarantine
    WHERE closed_at < now() - (SELECT make_interval(days => value::int) FROM v1.setting WHERE name = 'quarantine_keep_days');
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;
