-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What is done to JSON as text, before jsonb sees it.

-- JSON as jsonb can read it: without \u0000, and with U+FFFD for each lone UTF-16 surrogate (pairs stay). Only real
-- escapes are meant; in "\\u0000" the backslash itself is escaped. So \x01 stands for \\ meanwhile: it cannot occur in
-- valid JSON, and a text that holds it is refused.
CREATE OR REPLACE FUNCTION v1.readable(json_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    guarded CONSTANT text := replace(replace(json_text, '\\', E'\x01'), '\u0000', '');
BEGIN
    IF strpos(json_text, E'\x01') > 0 THEN
        RAISE SQLSTATE 'PT400' USING MESSAGE = 'the body is not valid JSON: it holds a raw control character';
    END IF;
    RETURN replace(
        regexp_replace(
            regexp_replace(
                guarded,
                '\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})', '\\ufffd', 'g'),
            '(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}', '\\ufffd', 'g'),
        E'\x01', '\\');
END
$$;

-- JSON as jsonb can read it, with nothing left out: what it cannot hold is escaped once more, and so is each backslash.
CREATE OR REPLACE FUNCTION v1.escaped(json_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT replace(
        regexp_replace(
            replace(json_text, '\\', E'\x01'),
            '\\(u0000|u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})'
            '|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\)u[dD][c-fC-F][0-9a-fA-F]{2})', '\\\\\1', 'g'),
        E'\x01', '\\\\')
$$;

-- And back.
CREATE OR REPLACE FUNCTION v1.unescaped(json_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT replace(json_text, '\\', '\')
$$;

-- Credentials must not reach the warehouse, whatever document carries them.
CREATE OR REPLACE FUNCTION v1.without_secrets(doc jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN doc ?| ARRAY['derived_key', 'salt', 'password_scheme']
                THEN doc - ARRAY['derived_key', 'salt', 'password_scheme'] ELSE doc END
$$;

-- All that is kept of a deleted document.
CREATE OR REPLACE FUNCTION v1.tombstone(id text, rev text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN rev IS NULL THEN jsonb_build_object('_id', id, '_deleted', true)
                ELSE jsonb_build_object('_id', id, '_deleted', true, '_rev', rev) END
$$;
