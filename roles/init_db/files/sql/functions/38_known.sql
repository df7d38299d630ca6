-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What is stored already of a call that has not been read yet: it decides how the call is landed fastest.

-- The first document of a call: 'new', 'stored' as this revision of this source, or 'changed' (anything else).
CREATE OR REPLACE FUNCTION v1.first_is(call_source text, body text, header_end integer, events jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head record;
    known v1.couchdb;
BEGIN
    IF header_end IS NULL THEN
        SELECT events -> 0 ->> 'id' AS id, NULL::text AS rev, false AS deleted INTO head;
    ELSE
        SELECT h.* INTO head FROM v1.row_heads(ARRAY[right(split_part(body, E'},\r\n', 1), -header_end)]) h;
    END IF;
    SELECT t._id, t._rev, t._deleted, t.source INTO known._id, known._rev, known._deleted, known.source
    FROM v1.couchdb t WHERE t._id = head.id;
    RETURN CASE WHEN head.id IS NULL THEN 'changed'
                WHEN known._id IS NULL THEN 'new'
                WHEN known.source = call_source AND known._rev = head.rev AND known._deleted = head.deleted THEN 'stored'
                ELSE 'changed' END;
END
$$;

-- Whether a document of the call has the shortened id of another one, perhaps. There is hardly ever any such id.
CREATE OR REPLACE FUNCTION v1.meets_shortened_id(body text, header_end integer, rows bigint, events jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM v1.shortened_id)
        AND EXISTS (SELECT FROM v1.shortened_id s WHERE s.id = ANY (v1.call_ids(body, header_end, rows, events)));
END
$$;

-- Of a page that comes again, the rows that are not stored yet, each without its closing brace. The last row always
-- stays, so that a broken transfer is noticed. Null where a row has another form than CouchDB's or a document comes
-- twice, since then the order of all rows counts.
-- However small the table was when this was planned: by its key.
CREATE OR REPLACE FUNCTION v1.unstored_rows(call_source text, body text, header_end integer, rows bigint) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    unstored text[];
    ids bigint;
BEGIN
    SELECT array_agg(h.cut_row ORDER BY h.ord) FILTER (WHERE t.stored IS NULL OR h.ord = rows), count(DISTINCT h.id)
    INTO unstored, ids
    FROM v1.row_heads(v1.cut_rows(body, header_end, rows)) h
    LEFT JOIN LATERAL (
        SELECT true AS stored FROM v1.couchdb t
        WHERE t._id = h.id AND t._rev = h.rev AND t._deleted = h.deleted AND t.source = call_source
        LIMIT 1
    ) t ON true;
    RETURN CASE WHEN ids = rows THEN unstored END;
END
$$;
