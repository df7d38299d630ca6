-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Which document a change is of. Two ids may differ by what jsonb cannot hold only, and are two documents all the same.

-- The id of a row or event: a page's document names itself, an event is named.
CREATE OR REPLACE FUNCTION v1.change_id(change jsonb, is_event boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(CASE WHEN NOT is_event THEN change -> 'doc' ->> '_id' END, change ->> 'id')
$$;

-- The same of a text, as its source has it, in JSON; null where it is `stored_id`.
CREATE OR REPLACE FUNCTION v1.original_id(row_text text, is_event boolean, stored_id text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    escaped CONSTANT text := v1.escaped(row_text);
    change jsonb;
    id text;
BEGIN
    BEGIN
        change := escaped::jsonb;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        change := v1.outline(escaped);
    END;
    id := v1.unescaped(to_json(v1.change_id(change, is_event))::text);
    RETURN CASE WHEN id <> to_json(stored_id)::text THEN id END;
END
$$;
