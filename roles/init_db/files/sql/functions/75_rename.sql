-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Gives a source another name, with all that is known of it. Its documents are stamped anew, so that models see them
-- change, and so are its open quarantine entries, in one order with the documents, so that a retry knows what came later.
-- Its lease ends. with_documents false leaves out what takes long, for a rehearsal.
CREATE OR REPLACE FUNCTION v1.rename_source(old_name text, new_name text, with_documents boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    free_stamp CONSTANT timestamp := v1.lock_stamp();
    restamped bigint;
BEGIN
    IF EXISTS (SELECT FROM v1.couchdb c WHERE c.source = new_name) THEN
        RAISE unique_violation USING
            MESSAGE = format('source "%s" cannot be renamed to "%s", which has documents already', old_name, new_name),
            HINT = 'two sources cannot be made one; remove the rename';
    END IF;
    -- The target may have been fed in vain: all its documents collided with the old name's.
    DELETE FROM v1.source s WHERE s.source = new_name;
    DELETE FROM v1.couchdb_progress p WHERE p.source = new_name;
    UPDATE v1.source s SET source = new_name, lease = NULL WHERE s.source = old_name;
    UPDATE v1.couchdb_progress p SET source = new_name WHERE p.source = old_name;
    UPDATE v1.adoption a
    SET sources = (SELECT coalesce(jsonb_object_agg(s.key, CASE s.value WHEN old_name THEN new_name ELSE s.value END), '{}')
                   FROM jsonb_each_text(a.sources) s)
    WHERE a.finished_at IS NULL;

    -- Of two entries with one text stays the open one, else the new name's.
    DELETE FROM v1.quarantine q USING v1.quarantine twin
    WHERE (q.source, twin.source) IN ((old_name, new_name), (new_name, old_name)) AND twin.raw_sha256 = q.raw_sha256
      AND CASE WHEN (q.closed_at IS NULL) = (twin.closed_at IS NULL) THEN q.source = old_name ELSE q.closed_at IS NOT NULL END;
    UPDATE v1.quarantine q SET source = new_name WHERE q.source = old_name;
    UPDATE v1.quarantine q SET closed_at = clock_timestamp()
    FROM v1.couchdb c LEFT JOIN v1.shortened_id s ON s.id = c._id
    WHERE q.source = new_name AND q.reason = 'id_collision' AND q.closed_at IS NULL
      AND coalesce(s.original, c._id) = q.doc_id AND c.source = old_name;

    IF with_documents THEN
        WITH old AS MATERIALIZED (
            SELECT o._id, o.entry,
                   free_stamp + row_number() OVER (ORDER BY o.old_stamp, o.entry NULLS FIRST) * interval '1 microsecond' AS new_stamp
            FROM (SELECT c._id, NULL::bigint AS entry, c.saved_timestamp AS old_stamp FROM v1.couchdb c WHERE c.source = old_name
                  UNION ALL
                  SELECT NULL, q.id, q.stamp FROM v1.quarantine q WHERE q.source = new_name AND q.closed_at IS NULL) o
        ), documents AS (
            UPDATE v1.couchdb c SET source = new_name, saved_timestamp = old.new_stamp FROM old WHERE c._id = old._id
        ), entries AS (
            UPDATE v1.quarantine q SET stamp = old.new_stamp FROM old WHERE q.id = old.entry
        )
        SELECT count(*) INTO restamped FROM old;
        UPDATE v1.stamp SET last = free_stamp + restamped * interval '1 microsecond' WHERE restamped > 0;
    END IF;
END
$$;
