-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- JSON that jsonb cannot hold, because of one number or of its depth: read as far as is needed to keep it apart.
-- What is not JSON at all ends in 22P02, where PostgreSQL's parser can tell.

-- The elements of an array, as texts.
CREATE OR REPLACE FUNCTION v1.split_json(json_text text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT e::text FROM json_array_elements(json_text::json) WITH ORDINALITY AS t(e, ord) ORDER BY ord);
EXCEPTION WHEN statement_too_complex THEN
    RETURN v1.split_deep_json(json_text);
END
$$;

-- The members of an object, values as texts.
-- ROWS: a query that expects the usual thousand of each is compiled first (jit), which takes longer than it runs.
CREATE OR REPLACE FUNCTION v1.json_members(json_text text) RETURNS TABLE (key text, value text)
LANGUAGE plpgsql IMMUTABLE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT m.key, m.value::text FROM json_each(json_text::json) m;
EXCEPTION WHEN statement_too_complex THEN
    RETURN QUERY SELECT m[1]::json #>> '{}', m[2]
                 FROM unnest(v1.split_deep_json(json_text)) AS piece,
                      regexp_match(piece, '^\s*("(?:[^"\\]|\\.)*")\s*:\s*(.*)$') AS m;
END
$$;

-- An object's members `id`, `seq` and `deleted` with their values, all others as null.
CREATE OR REPLACE FUNCTION v1.outline(json_text text) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE WHEN key IN ('id', 'seq', 'deleted') THEN value::jsonb END), '{}')
    FROM v1.json_members(json_text)
$$;

-- The elements of an array or the members of an object that is nested deeper than PostgreSQL's parser follows:
-- brackets are counted over its strings and signs instead of descending.
CREATE OR REPLACE FUNCTION v1.split_deep_json(json_text text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    elements text[];
    open_brackets integer;
BEGIN
    WITH sign AS (
        SELECT m[1] AS s, ord
        FROM regexp_matches(json_text, '("(?:[^"\\]|\\.)*"|[][{},]|[^][{},"]+|")', 'g') WITH ORDINALITY AS t(m, ord)
    ), deep AS (
        SELECT s, ord, sum(CASE WHEN s IN ('[', '{') THEN 1 WHEN s IN (']', '}') THEN -1 ELSE 0 END) OVER (ORDER BY ord) AS depth
        FROM sign
    ), numbered AS (
        SELECT s, ord, depth, count(*) FILTER (WHERE s = ',' AND depth = 1) OVER (ORDER BY ord) AS element
        FROM deep
    )
    SELECT array_agg(e.element_text ORDER BY e.element), (SELECT n.depth FROM numbered n ORDER BY n.ord DESC LIMIT 1)
    INTO elements, open_brackets
    FROM (
        SELECT n.element, string_agg(n.s, '' ORDER BY n.ord) AS element_text
        FROM numbered n
        WHERE n.depth > 0 AND NOT (n.depth = 1 AND n.s IN ('[', '{', ','))
        GROUP BY n.element
    ) e;
    IF open_brackets <> 0 THEN
        RAISE invalid_text_representation USING MESSAGE = 'the brackets do not match';
    END IF;
    RETURN elements;
END
$$;

-- A name as `readable` leaves it, of a member that `escaped` wrote.
CREATE OR REPLACE FUNCTION v1.readable_key(escaped_key text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT v1.readable(v1.unescaped(to_json(escaped_key)::text))::json #>> '{}'
$$;

-- A row or event given as text without the credentials of its document; as it came where there are none.
CREATE OR REPLACE FUNCTION v1.row_without_secrets(row_text text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN row_text !~ '"(derived_key|salt|password_scheme)"|\\u00' THEN row_text ELSE (
        SELECT v1.unescaped('{' || string_agg(to_json(key)::text || ':' || CASE WHEN v1.readable_key(key) = 'doc' AND ltrim(value) LIKE '{%' THEN (
                   SELECT '{' || coalesce(string_agg(to_json(d.key)::text || ':' || d.value, ','), '') || '}'
                   FROM v1.json_members(m.value) d WHERE v1.readable_key(d.key) NOT IN ('derived_key', 'salt', 'password_scheme')
               ) ELSE value END, ',') || '}')
        FROM v1.json_members(v1.escaped(row_text)) m
    ) END
$$;
