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
        SELECT e.ord, CASE WHEN v1.is_event(e.event) THEN e.event ->> 'id' END AS id,
               coalesce(e.event -> 'deleted' = 'true', false) AS deleted, e.event ->> 'seq' AS seq, e.event -> 'doc' AS doc
        FROM jsonb_array_elements($1) WITH ORDINALITY AS e(event, ord)
        OFFSET 0
    ) x
$$;

-- Of a page that comes again, only the rows that are not stored yet; any other page as it is. It is told by its first
-- row. The last row always stays, so that a broken transfer is noticed; and where a row has another form than CouchDB's
-- or a document comes twice, all rows stay, since then their order counts.
CREATE OR REPLACE FUNCTION v1.without_stored(call_source text, cut_rows text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fresh text[];
    ids bigint;
    repeated bigint;
BEGIN
    IF NOT v1.is_stored_row(call_source, v1.row_head(cut_rows[1])) THEN
        RETURN cut_rows;
    END IF;
    SELECT array_agg(x.r ORDER BY x.ord) FILTER (WHERE NOT v1.is_stored_row(call_source, x.head) OR x.ord = cardinality(cut_rows)),
           count(x.head[1]), count(x.head[1]) - count(DISTINCT x.head[1])
    INTO fresh, ids, repeated
    FROM (SELECT u.r, u.ord, v1.row_head(u.r) AS head FROM unnest(cut_rows) WITH ORDINALITY AS u(r, ord) OFFSET 0) x;
    RETURN CASE WHEN ids = cardinality(cut_rows) AND repeated = 0 THEN fresh ELSE cut_rows END;
END
$$;

-- {id, rev, deleted} of a row as CouchDB writes it, without reading its document; null for any other form.
CREATE OR REPLACE FUNCTION v1.row_head(cut_row text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT regexp_match(left(cut_row, 3000),
        '^{"seq":(?:null|"[^"\\]*"),"id":"([^"\\]*)","changes":\[{"rev":"([^"\\]*)"}\](,"deleted":true)?,"doc":{')
$$;

CREATE OR REPLACE FUNCTION v1.is_stored_row(call_source text, head text[]) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM v1.couchdb t
                   WHERE t._id = head[1] AND t._rev = head[2] AND t._deleted = (head[3] IS NOT NULL) AND t.source = call_source)
$$;
