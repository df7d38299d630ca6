-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The body of a call, taken apart and checked before anything is written. Errors here are the transfer's: 400.

-- A page: header line and rows. CouchDB ends each row with `}` and joins them by ",\r\n"; a raw newline cannot
-- occur inside JSON, so splitting at `},\r\n` is exact. One more separator at the end makes the last row like the others.
CREATE OR REPLACE FUNCTION v1.read_page(body text) RETURNS v1.call
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head_end CONSTANT integer := strpos(body, E'\n');
    head jsonb;
    call v1.call;
BEGIN
    BEGIN
        head := CASE WHEN head_end = 0 THEN body ELSE left(body, head_end - 1) END::jsonb;
        call.last_seq := head ->> 'last_seq';
        call.pending := head ->> 'pending';
        call.rows := head ->> 'rows';
    EXCEPTION WHEN data_exception THEN
        RAISE SQLSTATE 'PT400' USING
            MESSAGE = 'the first line is no JSON header {"last_seq", "pending", "rows"}',
            HINT = 'lines are a header and then rows; events are one JSON array';
    END;
    IF NOT coalesce(head ?& ARRAY['last_seq', 'pending', 'rows'], false) OR call.rows IS NULL THEN
        RAISE SQLSTATE 'PT400' USING MESSAGE = 'the header lacks one of last_seq, pending and rows';
    END IF;

    IF head_end > 0 AND right(body, -head_end) <> '' THEN
        call.cut_rows := string_to_array(right(body, -head_end) || E',\r\n', E'},\r\n');
        IF call.cut_rows[cardinality(call.cut_rows)] <> '' THEN
            RAISE SQLSTATE 'PT400' USING MESSAGE = 'the last row is not whole: the transfer was broken';
        END IF;
        call.cut_rows := trim_array(call.cut_rows, 1);
    END IF;
    IF coalesce(cardinality(call.cut_rows), 0) <> call.rows THEN
        RAISE SQLSTATE 'PT400' USING
            MESSAGE = format('the header announces %s rows, %s came', call.rows, coalesce(cardinality(call.cut_rows), 0));
    END IF;
    RETURN call;
END
$$;

-- An array of events; the position is the last one's.
CREATE OR REPLACE FUNCTION v1.read_events(body text) RETURNS v1.call
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    call v1.call;
    incomplete bigint;
BEGIN
    BEGIN
        call.events := body::jsonb;
        SELECT count(*), count(*) FILTER (WHERE v1.is_event(e) IS NOT TRUE)
        INTO call.rows, incomplete FROM jsonb_array_elements(call.events) e;
        call.last_seq := call.events -> -1 ->> 'seq';
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        -- No JSON at all, or an event that jsonb cannot hold: then v1.land_row checks each event's members.
        call.events := NULL;
        call.event_texts := v1.split_json(v1.without_lone_surrogates(body));
        call.rows := cardinality(call.event_texts);
        call.last_seq := v1.outline(call.event_texts[call.rows]) ->> 'seq';
        incomplete := 0;
    END;
    IF incomplete > 0 THEN
        RAISE SQLSTATE 'PT400' USING
            MESSAGE = format('%s of %s events lack one of id, seq, deleted and doc', incomplete, call.rows);
    END IF;
    RETURN call;
EXCEPTION WHEN invalid_text_representation OR invalid_parameter_value THEN
    RAISE SQLSTATE 'PT400' USING MESSAGE = 'the body is no JSON array of events: the transfer was broken';
END
$$;

CREATE OR REPLACE FUNCTION v1.is_event(event jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_typeof(event) = 'object' AND event ?& ARRAY['id', 'seq', 'deleted', 'doc']
$$;
