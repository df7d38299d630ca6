-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The body of a call, taken apart and checked before anything is written. Errors here are the transfer's: 400.
-- Megabytes pass here: each copy of the body counts, so parts are handed on as arrays and never inside a composite.

-- A page's first line.
CREATE OR REPLACE FUNCTION v1.read_header(line text, OUT last_seq text, OUT pending bigint, OUT rows bigint)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    header jsonb;
BEGIN
    BEGIN
        header := line::jsonb;
        last_seq := header ->> 'last_seq';
        pending := header ->> 'pending';
        rows := header ->> 'rows';
    EXCEPTION WHEN data_exception THEN
        RAISE SQLSTATE 'PT400' USING
            MESSAGE = 'the first line is no JSON header {"last_seq", "pending", "rows"}',
            HINT = 'lines are a header and then rows; events are one JSON array';
    END;
    IF NOT coalesce(header ?& ARRAY['last_seq', 'pending', 'rows'], false) OR rows IS NULL THEN
        RAISE SQLSTATE 'PT400' USING MESSAGE = 'the header lacks one of last_seq, pending and rows';
    END IF;
END
$$;

-- A page's rows, which begin after `header_end` characters, each without its closing brace. CouchDB ends a row with `}`
-- and joins rows by ",\r\n"; a raw newline cannot occur inside JSON, so splitting at `},\r\n` is exact.
CREATE OR REPLACE FUNCTION v1.cut_rows(body text, header_end integer, announced bigint) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    cut_rows text[];
    count integer := 0;
BEGIN
    IF octet_length(body) > header_end AND right(left(body, header_end + 1), -header_end) <> '' THEN
        cut_rows := string_to_array(body, E'},\r\n');
        cut_rows[1] := right(cut_rows[1], -header_end);
        count := cardinality(cut_rows);
        IF right(cut_rows[count], 1) <> '}' THEN
            RAISE SQLSTATE 'PT400' USING MESSAGE = 'the last row is not whole: the transfer was broken';
        END IF;
        cut_rows[count] := left(cut_rows[count], -1);
    END IF;
    IF count <> announced THEN
        RAISE SQLSTATE 'PT400' USING MESSAGE = format('the header announces %s rows, %s came', announced, count);
    END IF;
    RETURN cut_rows;
END
$$;

-- An array of events; null where jsonb cannot hold it, or it is no JSON.
CREATE OR REPLACE FUNCTION v1.read_events(body text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN body::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END
$$;

-- The same, each event as its text.
CREATE OR REPLACE FUNCTION v1.cut_events(body text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN v1.split_json(body);
EXCEPTION WHEN invalid_text_representation THEN
    RAISE SQLSTATE 'PT400' USING MESSAGE = 'the body is no JSON array of events: the transfer was broken';
END
$$;

-- What a page says in its header, told by the events: their number, and the last one's position.
CREATE OR REPLACE FUNCTION v1.read_last_event(events jsonb, body text, OUT last_seq text, OUT pending bigint, OUT rows bigint)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    event_texts CONSTANT text[] := CASE WHEN events IS NULL THEN v1.cut_events(body) END;
BEGIN
    rows := coalesce(jsonb_array_length(events), cardinality(event_texts));
    last_seq := coalesce(events -> -1, v1.outline(v1.readable(event_texts[rows]))) ->> 'seq';
EXCEPTION WHEN invalid_text_representation OR invalid_parameter_value THEN
    RAISE SQLSTATE 'PT400' USING MESSAGE = 'the last element is no event: the transfer was broken';
END
$$;

CREATE OR REPLACE FUNCTION v1.is_event(event jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_typeof(event) = 'object' AND event ?& ARRAY['id', 'seq', 'deleted', 'doc']
$$;
