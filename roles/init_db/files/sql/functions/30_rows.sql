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

-- Logstash's array of events: {"id","seq","deleted","doc"}, in any order.
CREATE OR REPLACE FUNCTION v1.event_changes(events jsonb)
RETURNS TABLE (ord bigint, id text, rev text, deleted boolean, seq text, doc jsonb)
LANGUAGE sql STABLE AS $$
    SELECT x.ord, x.event ->> 'id', x.event -> 'doc' ->> '_rev',
           coalesce(x.event -> 'deleted' = 'true', false), x.event ->> 'seq',
           -- an update must carry an object: null here makes v1.land_row look at it
           CASE WHEN x.event -> 'deleted' = 'true' OR jsonb_typeof(x.event -> 'doc') = 'object'
                THEN x.event -> 'doc' END
    FROM (SELECT e.ord, e.event FROM jsonb_array_elements($1) WITH ORDINALITY AS e(event, ord) OFFSET 0) x
$$;
