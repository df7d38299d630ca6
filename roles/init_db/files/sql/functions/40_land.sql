-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Landing: changes into v1.couchdb, all at once or, where that fails, row by row.

-- Upserts changes; the last one of a source wins. Writes nothing for what is stored already (a replay). A document of
-- another source is not overwritten: its row gets a null source, which NOT NULL refuses. So whatever is not plain ends in
-- an error that v1.land catches. Where all documents seem new (a first load), they are inserted without looking for each
-- first, which is faster, until one turns out to be known.
-- With a plan of its own for each call the planner would copy the body.
CREATE OR REPLACE FUNCTION v1.land_together(call_source text, stamp timestamp, body text, header_end integer, rows bigint,
                                            cut_rows text[], events jsonb, seem_new boolean)
RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET work_mem = '64MB'
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    written bigint;
BEGIN
    IF seem_new THEN
        BEGIN
            INSERT INTO v1.couchdb (saved_timestamp, _id, _deleted, source, doc, _rev, seq)
            SELECT * FROM v1.landing_rows(call_source, stamp, body, header_end, rows, cut_rows, events);
            GET DIAGNOSTICS written = ROW_COUNT;
            RETURN written;
        EXCEPTION WHEN unique_violation THEN
        END;
    END IF;
    INSERT INTO v1.couchdb AS t (saved_timestamp, _id, _deleted, source, doc, _rev, seq)
    SELECT * FROM v1.landing_rows(call_source, stamp, body, header_end, rows, cut_rows, events)
    ON CONFLICT (_id) DO UPDATE SET
        saved_timestamp = excluded.saved_timestamp, _deleted = excluded._deleted,
        source = CASE WHEN t.source = excluded.source THEN t.source END,
        doc = excluded.doc, _rev = excluded._rev, seq = excluded.seq
    WHERE t.source <> excluded.source OR NOT v1.is_stored(t._rev, t._deleted, excluded._rev, excluded._deleted);
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$$;

-- Whether a change is the stored one. A tombstone without _rev (Logstash's) equals any stored tombstone;
-- a document without _rev can be anything.
CREATE OR REPLACE FUNCTION v1.is_stored(old_rev text, old_deleted boolean, new_rev text, new_deleted boolean)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN new_rev IS NULL THEN old_deleted AND new_deleted
                ELSE old_rev IS NOT DISTINCT FROM new_rev AND old_deleted = new_deleted END
$$;

-- Lands one row of a page or event, given as text. Tells what became of it: written, unchanged, skipped (a design
-- document) or quarantined. A text that is not JSON refuses the whole call: the transfer was broken.
-- unless_after: a document that changed after this stamp is left alone (null: never).
CREATE OR REPLACE FUNCTION v1.land_row(call_source text, stamp timestamp, row_text text, is_event boolean, unless_after timestamp)
RETURNS text LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    readable text;
    change jsonb;
    doc jsonb;
    change_id text;
    original_id text; -- null: it is change_id
    change_rev text;
    gone boolean;
    taken boolean; -- null: no row has the id
    written bigint;
    reason text;
BEGIN
    readable := v1.readable(row_text);
    BEGIN
        change := readable::jsonb;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        -- Perhaps JSON that jsonb cannot hold (1e400000, 200,000 levels): then its outline can be read.
        reason := 'refused by jsonb: ' || SQLSTATE;
        change := v1.outline(readable);
    END;
    IF is_event AND v1.is_event(change) IS NOT TRUE THEN
        RAISE SQLSTATE 'PT400' USING MESSAGE = 'an event lacks one of id, seq, deleted and doc';
    END IF;

    doc := change -> 'doc';
    change_id := v1.change_id(change, is_event);
    IF readable <> row_text THEN
        original_id := v1.original_id(row_text, is_event, change_id);
    END IF;
    change_rev := coalesce(doc ->> '_rev', change #>> '{changes,0,rev}');
    gone := coalesce(change -> 'deleted' = 'true', false) OR coalesce(doc -> '_deleted' = 'true', false);
    SELECT t.source <> call_source OR s.original IS DISTINCT FROM original_id
                                      AND (s.original IS NOT NULL OR t.saved_timestamp > last.ids_unknown_until)
    INTO taken
    FROM v1.couchdb t CROSS JOIN v1.stamp last LEFT JOIN v1.shortened_id s ON s.id = t._id
    WHERE t._id = change_id;

    IF starts_with(change_id, '_design/') THEN
        RETURN 'skipped';
    END IF;
    reason := CASE
        WHEN reason IS NOT NULL THEN reason
        WHEN change_id IS NULL THEN 'no id'
        WHEN NOT gone AND jsonb_typeof(doc) IS DISTINCT FROM 'object' THEN 'the document is no object'
        WHEN taken THEN 'id_collision'
    END;
    IF reason IS NOT NULL THEN
        PERFORM v1.quarantine_row(call_source, stamp, coalesce(original_id, change_id), change ->> 'seq', reason, row_text, is_event);
        RETURN 'quarantined';
    END IF;

    INSERT INTO v1.couchdb AS t (saved_timestamp, _id, _deleted, source, doc, _rev, seq)
    VALUES (stamp, change_id, gone, call_source,
            CASE WHEN gone THEN v1.tombstone(change_id, change_rev) ELSE v1.without_secrets(doc) END,
            change_rev, change ->> 'seq')
    ON CONFLICT (_id) DO UPDATE SET
        saved_timestamp = excluded.saved_timestamp, _deleted = excluded._deleted,
        doc = excluded.doc, _rev = excluded._rev, seq = excluded.seq
    WHERE NOT v1.is_stored(t._rev, t._deleted, excluded._rev, excluded._deleted)
      AND (unless_after IS NULL OR t.saved_timestamp < unless_after);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF original_id IS NOT NULL THEN
        INSERT INTO v1.shortened_id AS s (id, original) VALUES (change_id, original_id)
        ON CONFLICT (id) DO UPDATE SET original = excluded.original WHERE s.original <> excluded.original;
    ELSIF taken IS NULL THEN
        DELETE FROM v1.shortened_id s WHERE s.id = change_id; -- of a row that somebody removed
    END IF;
    PERFORM v1.close_quarantine(call_source, ARRAY[coalesce(original_id, change_id)], stamp);
    RETURN CASE WHEN written > 0 THEN 'written' ELSE 'unchanged' END;
EXCEPTION
    WHEN invalid_text_representation OR invalid_parameter_value THEN
        RAISE SQLSTATE 'PT400' USING MESSAGE = 'a row of the call is not valid JSON: the transfer was broken';
    -- What a table refuses, e.g. an id longer than an index entry may be.
    WHEN program_limit_exceeded OR data_exception THEN
        PERFORM v1.quarantine_row(call_source, stamp, coalesce(original_id, change_id), change ->> 'seq',
                                  'refused by the table: ' || SQLSTATE, row_text, is_event);
        RETURN 'quarantined';
END
$$;

-- Lands the changes of a call and counts: a page's `rows` after `header_end` characters of the body, or, where
-- header_end is null, events (null if jsonb cannot hold them all).
CREATE OR REPLACE FUNCTION v1.land(call_source text, stamp timestamp, body text, header_end integer, rows bigint, events jsonb,
                                   OUT written bigint, OUT quarantined bigint)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    cut_rows text[];
    event_texts text[];
    first_is text;
    row_text text;
    ord bigint;
    outcome text;
BEGIN
    written := 0;
    quarantined := 0;
    IF header_end IS NOT NULL OR events IS NOT NULL THEN
        BEGIN
            IF v1.meets_shortened_id(body, header_end, rows, events) THEN
                RAISE cardinality_violation; -- as one document twice: row by row
            ELSIF header_end IS NOT NULL AND (rows = 0 OR substr(body, header_end + 1, 7) <> '{"seq":') THEN
                cut_rows := coalesce(v1.cut_rows(body, header_end, rows), '{}');
            ELSE
                first_is := v1.first_is(call_source, body, header_end, events);
                IF first_is = 'stored' THEN
                    cut_rows := v1.unstored_rows(call_source, body, header_end, rows);
                END IF;
            END IF;
            written := v1.land_together(call_source, stamp, body, header_end, rows, cut_rows, events,
                                        -- in a short call little is won, and a wrong guess leaves dead rows
                                        first_is = 'new' AND rows >= 100);
            PERFORM v1.close_quarantine_of_call(call_source, stamp, body, header_end, rows, events);
            RETURN;
        EXCEPTION
            -- Something is not plain: poison, a collision, one document twice (21000), or rows of another form.
            WHEN data_exception OR integrity_constraint_violation OR cardinality_violation OR program_limit_exceeded THEN
        END;
    END IF;

    cut_rows := CASE WHEN header_end IS NOT NULL THEN v1.cut_rows(body, header_end, rows) END;
    event_texts := CASE WHEN header_end IS NULL THEN v1.cut_events(body) END;
    FOR row_text, ord IN
        SELECT r || '}', o FROM unnest(cut_rows) WITH ORDINALITY AS u(r, o)
        UNION ALL
        SELECT e, o FROM unnest(event_texts) WITH ORDINALITY AS w(e, o)
        ORDER BY 2
    LOOP
        outcome := v1.land_row(call_source, stamp + ord * interval '1 microsecond', row_text, header_end IS NULL, NULL);
        written := written + (outcome = 'written')::int;
        quarantined := quarantined + (outcome = 'quarantined')::int;
    END LOOP;
END
$$;
