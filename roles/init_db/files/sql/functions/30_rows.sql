-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The two forms of a call, read into one shape. Both functions are plain SQL so that the planner inlines them.

-- A `_changes` row as CouchDB writes it ({"seq":..,"id":..,"changes":..[,"deleted":true],"doc":{..}}), its closing
-- brace cut off: what follows the first "doc": is the document, and only that is cast, once (OFFSET 0 keeps the
-- planner from repeating the cast for every column). No `"doc":` can stand before it: there a quote is escaped.
-- Rows of any other form are cast whole. A row this reads wrongly fails its cast, and v1.land_row takes over.
CREATE OR REPLACE FUNCTION v1.page_changes(cut_rows text[])
RETURNS TABLE (ord bigint, id text, rev text, deleted boolean, seq text, doc jsonb)
LANGUAGE sql STABLE AS $$
    SELECT x.ord, x.doc ->> '_id', x.doc ->> '_rev', coalesce(x.doc -> '_deleted' = 'true', false), x.seq, x.doc
    FROM (
        SELECT u.ord,
               CASE WHEN starts_with(u.r, '{"seq":')
                    THEN right(u.r, -5 - strpos(u.r, '"doc":'))::jsonb
                    ELSE (u.r || '}')::jsonb -> 'doc' END AS doc,
               CASE WHEN starts_with(u.r, '{"seq":"') THEN split_part(left(u.r, 2000), '"', 4) END AS seq
        FROM unnest($1) WITH ORDINALITY AS u(r, ord)
        OFFSET 0
    ) x
$$;

-- Logstash's array of events: {"id","seq","deleted","doc"}, in any order. What is not plain (a member missing, an
-- update that carries no object) gets a null that NOT NULL refuses, and v1.land_row looks at it.
CREATE OR REPLACE FUNCTION v1.event_changes(events jsonb)
RETURNS TABLE (ord bigint, id text, rev text, deleted boolean, seq text, doc jsonb)
LANGUAGE sql STABLE AS $$
    SELECT x.ord, x.id, x.doc ->> '_rev', x.deleted, x.seq,
           CASE WHEN x.deleted OR jsonb_typeof(x.doc) = 'object' THEN x.doc END
    FROM (
        SELECT ord, CASE WHEN v1.is_event(e.event) THEN e.event ->> 'id' END AS id,
               coalesce(e.event -> 'deleted' = 'true', false) AS deleted, e.event ->> 'seq' AS seq, e.event -> 'doc' AS doc
        -- one by one: jsonb_array_elements would copy all of them thrice
        FROM generate_series(1, jsonb_array_length($1)) AS ord CROSS JOIN LATERAL (SELECT $1 -> (ord - 1) OFFSET 0) AS e(event)
        OFFSET 0
    ) x
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

-- Of a page that comes again, only the rows that are not stored yet; any other page as it is. It is told by its first
-- row. The last row always stays, so that a broken transfer is noticed; and where a row has another form than CouchDB's
-- or a document comes twice, all rows stay, since then their order counts.
-- However small the table was when this was planned: by its key.
CREATE OR REPLACE FUNCTION v1.without_stored(call_source text, cut_rows text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    fresh text[];
    ids bigint;
BEGIN
    PERFORM FROM v1.row_heads(cut_rows[1:1]) h, v1.couchdb t
    WHERE t._id = h.id AND t._rev = h.rev AND t._deleted = h.deleted AND t.source = call_source;
    IF NOT FOUND THEN
        RETURN cut_rows;
    END IF;
    SELECT array_agg(h.cut_row ORDER BY h.ord) FILTER (WHERE t.stored IS NULL OR h.ord = cardinality(cut_rows)),
           count(DISTINCT h.id)
    INTO fresh, ids
    FROM v1.row_heads(cut_rows) h
    LEFT JOIN LATERAL (
        SELECT true AS stored FROM v1.couchdb t
        WHERE t._id = h.id AND t._rev = h.rev AND t._deleted = h.deleted AND t.source = call_source
        LIMIT 1
    ) t ON true;
    RETURN CASE WHEN ids = cardinality(cut_rows) THEN fresh ELSE cut_rows END;
END
$$;
