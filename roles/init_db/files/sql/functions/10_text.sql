-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What is done to JSON as text, before jsonb sees it.

-- Both functions look at escapes, of which \\ is one: \x01 stands for it meanwhile. It cannot occur in valid JSON, so
-- a text that holds it is refused.
CREATE OR REPLACE FUNCTION v1.guard_backslashes(json_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF strpos(json_text, E'\x01') > 0 THEN
        RAISE SQLSTATE 'PT400' USING MESSAGE = 'the body is not valid JSON: it holds a raw control character';
    END IF;
    RETURN replace(json_text, '\\', E'\x01');
END
$$;

-- Removes every \u0000 escape, which jsonb refuses, and only real ones: in "\\u0000" the backslash is escaped.
CREATE OR REPLACE FUNCTION v1.without_nul(json_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN strpos(json_text, '\u0000') = 0 THEN json_text
                ELSE replace(replace(v1.guard_backslashes(json_text), '\u0000', ''), E'\x01', '\\') END
$$;

-- Turns each lone UTF-16 surrogate escape, which jsonb refuses, into U+FFFD; pairs stay.
CREATE OR REPLACE FUNCTION v1.without_lone_surrogates(json_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT replace(
        regexp_replace(
            regexp_replace(
                v1.guard_backslashes(json_text),
                '\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})', '\\ufffd', 'g'),
            '(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}', '\\ufffd', 'g'),
        E'\x01', '\\')
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
