-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The rows that could not land: kept until a later change of their document lands, or a retry.

-- Keeps a row, without credentials. One entry per source and text, so a repeat writes nothing; but it opens a closed
-- entry again, and takes its place behind entries of the same document that came in between.
-- change_id: where it was shortened, the original as JSON text, so that no other document's changes close the entry.
CREATE OR REPLACE FUNCTION v1.quarantine_row(call_source text, stamp timestamp, change_id text, seq text, reason text, raw text, is_event boolean)
RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO v1.quarantine AS q (source, stamp, doc_id, seq, reason, raw, raw_sha256, is_event)
    SELECT call_source, $2, change_id, $4, $5, k.kept, sha256(convert_to(k.kept, 'UTF8')), $7
    FROM (SELECT v1.row_without_secrets($6) AS kept) k
    ON CONFLICT (source, raw_sha256) DO UPDATE SET
        reason = excluded.reason, closed_at = NULL, stamp = excluded.stamp
    WHERE q.closed_at IS NOT NULL OR EXISTS (
        SELECT FROM v1.quarantine newer
        WHERE newer.source = q.source AND newer.doc_id = q.doc_id AND newer.closed_at IS NULL AND newer.stamp > q.stamp)
$$;

-- Closes what is open of documents of which a later change has landed, or was stored already.
CREATE OR REPLACE FUNCTION v1.close_quarantine(call_source text, ids text[], landed timestamp)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE v1.quarantine q SET closed_at = clock_timestamp()
    FROM unnest(ids) AS i(id)
    WHERE q.source = call_source AND q.doc_id = i.id AND q.closed_at IS NULL AND q.stamp < landed;
END
$$;

-- The same for a call that has landed whole (see v1.land for the parameters).
CREATE OR REPLACE FUNCTION v1.close_quarantine_of_call(call_source text, landed timestamp, body text, header_end integer, rows bigint, events jsonb)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM v1.quarantine q WHERE q.source = call_source AND q.closed_at IS NULL) THEN
        RETURN;
    END IF;
    PERFORM v1.close_quarantine(call_source, v1.call_ids(body, header_end, rows, events), landed);
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
