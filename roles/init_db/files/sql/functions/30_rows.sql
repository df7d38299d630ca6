-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The forms of a call, read into one shape. The functions are plain SQL so that the planner inlines them.

-- A page of `_changes` rows as CouchDB writes them ({"seq":..,"id":..,"changes":..[,"deleted":true],"doc":{..}}, joined
-- by ",\r\n"), `rows` of them after `header_end` characters. Of each only the document, which follows the first "doc":,
-- is cast, once (OFFSET 0 keeps the planner from repeating it for every column); before it a quote would be escaped.
-- The page is split where a row ends and the next begins: a raw newline cannot occur inside JSON. One more beginning at
-- the end makes the last row like the others, and leaves one empty piece, which must be the one after the last row. So
-- rows with another order, too many, too few or half a row all end in a text that fails its cast. What CouchDB says of a
-- document before it, the document says too, so that is not read.
CREATE OR REPLACE FUNCTION v1.page_changes(body text, header_end integer, rows bigint)
RETURNS TABLE (ord bigint, id text, rev text, deleted boolean, seq text, doc jsonb)
LANGUAGE sql STABLE AS $$
    SELECT x.ord, x.doc ->> '_id', x.doc ->> '_rev', coalesce(x.doc -> '_deleted' = 'true', false), x.seq, x.doc
    FROM (
        SELECT c.ord, right(c.r, -5 - strpos(c.r, '"doc":'))::jsonb AS doc,
               CASE WHEN starts_with(c.r, '"') THEN split_part(c.r, '"', 2) END AS seq
        FROM (
            SELECT u.ord, CASE WHEN u.ord = 1 THEN right(u.r, -7 - $2) ELSE u.r END AS r
            FROM string_to_table($1 || E',\r\n{"seq":', E'},\r\n{"seq":') WITH ORDINALITY AS u(r, ord)
            WHERE u.ord <> $3 + 1 OR u.r <> ''
            OFFSET 0
        ) c
        OFFSET 0
    ) x
    OFFSET 0
$$;

-- Rows of any layout, each without its closing brace, cast whole.
CREATE OR REPLACE FUNCTION v1.row_changes(cut_rows text[])
RETURNS TABLE (ord bigint, id text, rev text, deleted boolean, seq text, doc jsonb)
LANGUAGE sql STABLE AS $$
    SELECT x.ord, x.doc ->> '_id', x.doc ->> '_rev', 'true' IN (x.change -> 'deleted', x.doc -> '_deleted') IS TRUE,
           x.change ->> 'seq', x.doc
    FROM (
        SELECT c.ord, c.change, c.change -> 'doc' AS doc
        FROM (SELECT u.ord, (u.r || '}')::jsonb AS change FROM unnest($1) WITH ORDINALITY AS u(r, ord) OFFSET 0) c
        OFFSET 0
    ) x
    OFFSET 0
$$;

-- Logstash's array of events: {"id","seq","deleted","doc"}, in any order. What is not plain (a member missing, an
-- update that carries no object) gets a null that NOT NULL refuses, and v1.land_row looks at it.
CREATE OR REPLACE FUNCTION v1.event_changes(events jsonb)
RETURNS TABLE (ord bigint, id text, rev text, deleted boolean, seq text, doc jsonb)
LANGUAGE sql STABLE AS $$
    SELECT x.ord, x.id, x.doc ->> '_rev', 'true' IN (x.deleted, x.doc -> '_deleted') IS TRUE, x.seq,
           CASE WHEN x.deleted = 'true' OR jsonb_typeof(x.doc) = 'object' THEN x.doc END
    FROM (
        SELECT ord, CASE WHEN v1.is_event(e.event) THEN e.event ->> 'id' END AS id,
               e.event -> 'deleted' AS deleted, e.event ->> 'seq' AS seq, e.event -> 'doc' AS doc
        -- one by one: jsonb_array_elements would copy all of them thrice
        FROM generate_series(1, jsonb_array_length($1)) AS ord CROSS JOIN LATERAL (SELECT $1 -> (ord - 1) OFFSET 0) AS e(event)
        OFFSET 0
    ) x
    OFFSET 0
$$;

-- What stands before the document in rows as CouchDB writes them; a null id for any other form. The parts between the
-- quotes are taken, put together again and compared with the row: so nothing is guessed, and no document is read.
CREATE OR REPLACE FUNCTION v1.row_heads(cut_rows text[])
RETURNS TABLE (ord bigint, cut_row text, id text, rev text, deleted boolean)
LANGUAGE sql STABLE AS $$
    SELECT p.ord, p.r,
           CASE WHEN strpos(p.id, '\') = 0
                 AND p.head = p.seq || ',"id":"' || p.id || '","changes":[{"rev":"' || p.rev || '"}],' || p.gone
                THEN p.id END,
           p.rev, p.gone <> ''
    FROM (
        SELECT h.ord, h.r, h.head,
               CASE WHEN h.null_seq THEN '{"seq":null' ELSE '{"seq":"' || split_part(h.head, '"', 4) || '"' END AS seq,
               split_part(h.head, '"', CASE WHEN h.null_seq THEN 6 ELSE 8 END) AS id,
               split_part(h.head, '"', CASE WHEN h.null_seq THEN 12 ELSE 14 END) AS rev,
               CASE WHEN right(h.head, 15) = '"deleted":true,' THEN '"deleted":true,' ELSE '' END AS gone
        FROM (
            SELECT u.ord, u.r, left(u.r, strpos(u.r, '"doc":') - 1) AS head, starts_with(u.r, '{"seq":null') AS null_seq
            FROM unnest($1) WITH ORDINALITY AS u(r, ord)
            OFFSET 0
        ) h
        OFFSET 0
    ) p
$$;

-- The ids of a call: of a page's rows, or, where header_end is null, of events.
CREATE OR REPLACE FUNCTION v1.call_ids(body text, header_end integer, rows bigint, events jsonb) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN header_end IS NULL THEN ARRAY(SELECT e ->> 'id' FROM jsonb_array_elements(events) e)
                ELSE ARRAY(SELECT coalesce(h.id, (h.cut_row || '}')::jsonb -> 'doc' ->> '_id')
                           FROM v1.row_heads(v1.cut_rows(body, header_end, rows)) h) END
$$;

-- What a call lands, as rows of v1.couchdb: its events, else its cut_rows, else the page in body. No design documents.
CREATE OR REPLACE FUNCTION v1.landing_rows(call_source text, stamp timestamp, body text, header_end integer, rows bigint,
                                           cut_rows text[], events jsonb)
RETURNS TABLE (saved_timestamp timestamp, _id text, _deleted boolean, source text, doc jsonb, _rev text, seq text)
LANGUAGE sql STABLE AS $$
    SELECT $2 + c.ord * interval '1 microsecond', c.id, c.deleted, $1,
           CASE WHEN c.deleted THEN v1.tombstone(c.id, c.rev) ELSE v1.without_secrets(c.doc) END, c.rev, c.seq
    FROM (
        SELECT * FROM v1.page_changes($3, $4, $5) WHERE $6 IS NULL AND $7 IS NULL
        UNION ALL
        SELECT * FROM v1.row_changes($6) WHERE $6 IS NOT NULL
        UNION ALL
        SELECT * FROM v1.event_changes($7) WHERE $7 IS NOT NULL
    ) c
    WHERE starts_with(c.id, '_design/') IS NOT TRUE -- a null id must reach NOT NULL, not vanish here
$$;
