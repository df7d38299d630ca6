-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Taking over the tables of upstream's cht-sync, in batches. Run by the login user, who can read them.

-- While rows of a source are still being taken over no engine may feed it: it would be told a position too early.
CREATE OR REPLACE FUNCTION v1.refuse_unadopted(claimed text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM v1.adoption a, jsonb_each_text(a.sources) s WHERE a.finished_at IS NULL AND s.value = claimed) THEN
        RAISE SQLSTATE 'PT503' USING
            MESSAGE = format('source "%s" is being adopted from an old table', claimed),
            HINT = 'run site.yml to the end; the engine tries again by itself';
    END IF;
END
$$;

-- The number in front of a revision; 0 where there is none.
CREATE OR REPLACE FUNCTION v1.generation(rev text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(substring(rev FROM '^(\d{1,18})-')::bigint, 0)
$$;

-- Whether a revision is newer, in CouchDB's order. No revision is the oldest.
CREATE OR REPLACE FUNCTION v1.is_later(rev text, than text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (v1.generation(rev), coalesce(rev, '') COLLATE "C") > (v1.generation(than), coalesce(than, '') COLLATE "C")
$$;

-- The id or revision of an old row: what the document says, else the column, which Logstash filled twice (["x","x"])
-- or not at all (%{[doc][_id]}) at times.
CREATE OR REPLACE FUNCTION v1.old_name(in_doc jsonb, in_column text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN jsonb_typeof(in_doc) = 'string' THEN in_doc #>> '{}'
        WHEN starts_with(in_column, '["') THEN substring(in_column FROM '^\["([^"\\]+)"')
        WHEN NOT starts_with(in_column, '%{') THEN nullif(in_column, '')
    END
$$;

-- What is stored of an old document: as its source would send it, without credentials.
CREATE OR REPLACE FUNCTION v1.adopted_doc(doc jsonb, id text, rev text, deleted boolean) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN deleted THEN v1.tombstone(id, rev)
        WHEN doc ->> '_id' = id AND doc ->> '_rev' IS NOT DISTINCT FROM rev THEN v1.without_secrets(doc)
        ELSE v1.without_secrets(doc) || jsonb_strip_nulls(jsonb_build_object('_id', id, '_rev', rev))
    END
$$;

-- The query for rows of an old table, by their place in it ($1), in one shape for both kinds.
CREATE OR REPLACE FUNCTION v1.old_rows(a v1.adoption) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(
        CASE a.kind
            WHEN 'v2' THEN 'SELECT ctid AS tid, _id::text AS id_column, NULL AS rev_column, _deleted, '
                           'coalesce(source, '''') AS old_source, saved_timestamp AS saved, doc FROM %1$s WHERE ctid = ANY ($1)'
            ELSE 'SELECT ctid AS tid, _id::text AS id_column, %2$s AS rev_column, false AS _deleted, '
                 ''''' AS old_source, NULL::timestamp AS saved, doc FROM %1$s WHERE ctid = ANY ($1)'
        END,
        a.place,
        CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = a.place::regclass AND attname = '_rev')
             THEN 'substring(_rev::text FROM ''^(?:\["|)(\d+-[^"]+)'')' ELSE 'NULL' END)
$$;

-- Lands rows of an old table. The newest revision of a document stays, whoever brought it. A saved_timestamp above
-- all stored ones is kept, so that stamps still grow in commit order; other rows get new ones.
-- all_bad: a reason to quarantine every row.
CREATE OR REPLACE FUNCTION v1.adopt_rows(a v1.adoption, tids tid[], stamp timestamp, all_bad text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' AS $$
DECLARE
    bad record;
BEGIN
    FOR bad IN EXECUTE format($sql$
        WITH named AS MATERIALIZED (
            SELECT o.*, v1.old_name(o.doc -> '_id', o.id_column) AS id, v1.old_name(o.doc -> '_rev', o.rev_column) AS rev,
                   coalesce(o._deleted, false) OR coalesce(o.doc -> '_deleted' = 'true', false) AS deleted,
                   $2 ->> o.old_source AS source
            FROM (%s) o
            WHERE o.old_source NOT LIKE '%%/\_users' -- credentials
        ), ranked AS MATERIALIZED (
            SELECT n.*, b.reason,
                   row_number() OVER (ORDER BY n.saved, n.tid) AS ord,
                   row_number() OVER (PARTITION BY n.id, n.source, b.reason
                                      ORDER BY v1.generation(n.rev) DESC, n.rev COLLATE "C" DESC NULLS LAST) AS nth,
                   coalesce(t.source, first_value(n.source) OVER (PARTITION BY n.id
                                                                  ORDER BY b.reason NULLS FIRST, n.saved, n.tid)) AS owner
            FROM named n
            CROSS JOIN LATERAL (SELECT CASE WHEN n.id IS NULL THEN 'no id'
                                            WHEN NOT n.deleted AND jsonb_typeof(n.doc) IS DISTINCT FROM 'object'
                                            THEN 'the document is no object'
                                            ELSE $5 END AS reason) b
            LEFT JOIN v1.couchdb t ON t._id = n.id
            WHERE starts_with(n.id, '_design/') IS NOT TRUE
        ), landed AS (
            INSERT INTO v1.couchdb AS t (saved_timestamp, _id, _deleted, source, doc, _rev)
            SELECT CASE WHEN r.saved > $4 AND isfinite(r.saved) THEN r.saved
                        ELSE $3 + r.ord * interval '1 microsecond' END,
                   r.id, r.deleted, r.source, v1.adopted_doc(r.doc, r.id, r.rev, r.deleted), r.rev
            FROM ranked r
            WHERE r.reason IS NULL AND r.source = r.owner AND r.nth = 1
            ON CONFLICT (_id) DO UPDATE SET
                saved_timestamp = excluded.saved_timestamp, _deleted = excluded._deleted,
                doc = excluded.doc, _rev = excluded._rev, seq = NULL
            WHERE v1.is_later(excluded._rev, t._rev) AND NOT (t._deleted AND t._rev IS NULL)
        )
        SELECT r.source, r.old_source, r.id, coalesce(r.reason, 'id_collision') AS reason,
               jsonb_build_object('id', r.id, 'seq', NULL, 'deleted', r.deleted, 'doc',
                   CASE jsonb_typeof(r.doc) WHEN 'object' THEN v1.adopted_doc(r.doc, r.id, r.rev, r.deleted)
                                            ELSE r.doc END) AS event
        FROM ranked r
        WHERE r.reason IS NOT NULL OR r.source <> r.owner OR r.source IS NULL
    $sql$, v1.old_rows(a)) USING tids, a.sources, stamp, (SELECT last FROM v1.stamp), all_bad
    LOOP
        IF bad.source IS NULL THEN
            RAISE object_not_in_prerequisite_state USING
                MESSAGE = format('%s has rows of source "%s", which were not there when its adoption began',
                                 a.old_table, bad.old_source),
                HINT = 'stop upstream''s cht-sync for good';
        END IF;
        PERFORM v1.quarantine_row(bad.source, stamp, bad.id, NULL, bad.reason, bad.event::text, true);
    END LOOP;
END
$$;

-- The next rows of an old table: all of a range of blocks, or, in the order of their stamps, at least `size` rows.
-- position: where to go on afterwards; null at the end.
CREATE OR REPLACE FUNCTION v1.old_batch(a v1.adoption, size bigint, OUT tids tid[], OUT "position" text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
DECLARE
    query CONSTANT text := format('SELECT array_agg(ctid) FROM %s WHERE ', a.place);
    after CONSTANT text := CASE WHEN a.position IS NULL THEN 'saved_timestamp IS NOT NULL'
                                ELSE format('saved_timestamp > %L', a.position) END;
    first_block bigint;
BEGIN
    IF a.kind = 'logstash' THEN
        first_block := coalesce(a.position, '0');
        EXECUTE query || format('ctid >= ''(%s,0)'' AND ctid < ''(%s,0)''', first_block, first_block + size) INTO tids;
        IF first_block + size < pg_relation_size(a.place::regclass) / current_setting('block_size')::bigint THEN
            position := first_block + size;
        END IF;
    ELSE
        EXECUTE format('SELECT max(s)::text FROM (SELECT saved_timestamp AS s FROM %s WHERE %s ORDER BY s LIMIT %s) x',
                       a.place, after, size) INTO position;
        -- Rows that share a stamp stay together. Last come those without one.
        EXECUTE query || CASE WHEN position IS NULL THEN 'saved_timestamp IS NULL'
                              ELSE format('%s AND saved_timestamp <= %L', after, position) END INTO tids;
    END IF;
END
$$;

-- One step of an adoption, to be committed as such: rows, and how far, together. Answers where it stands.
CREATE OR REPLACE FUNCTION v1.adopt_batch(adopted text, size bigint) RETURNS v1.adoption
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stamp CONSTANT timestamp := v1.lock_stamp();
    a v1.adoption;
    batch record;
    at bigint;
BEGIN
    SELECT * INTO a FROM v1.adoption t WHERE t.old_table = adopted;
    IF a.finished_at IS NOT NULL THEN
        RETURN a;
    END IF;
    batch := v1.old_batch(a, size);

    BEGIN
        PERFORM v1.adopt_rows(a, batch.tids, stamp, NULL);
    EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
        -- One row is refused, e.g. for an id longer than an index entry may be: find it.
        FOR at IN 1 .. cardinality(batch.tids) LOOP
            BEGIN
                PERFORM v1.adopt_rows(a, batch.tids[at:at], stamp + at * interval '1 microsecond', NULL);
            EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
                PERFORM v1.adopt_rows(a, batch.tids[at:at], stamp, 'refused by the table: ' || SQLSTATE);
            END;
        END LOOP;
    END;
    UPDATE v1.stamp SET last = greatest(last, (SELECT max(saved_timestamp) FROM v1.couchdb));

    IF batch.position IS NULL AND a.kind = 'v2' THEN
        PERFORM v1.adopt_progress(a);
    END IF;
    UPDATE v1.adoption t SET
        position = coalesce(batch.position, t.position),
        rows = t.rows + coalesce(cardinality(batch.tids), 0),
        finished_at = CASE WHEN batch.position IS NULL THEN clock_timestamp() END
    WHERE t.old_table = adopted
    RETURNING * INTO a;
    RETURN a;
END
$$;

-- The table beside a v2 table which says how far its sources were read; null where there is none.
CREATE OR REPLACE FUNCTION v1.old_progress(place text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname <> 'v1', -- ours
         format('%I.couchdb_progress', n.nspname) AS p(name)
    WHERE c.oid = place::regclass AND to_regclass(p.name) IS NOT NULL
$$;

-- A v2 database goes on where it stopped. A position of ours is the truth, though.
CREATE OR REPLACE FUNCTION v1.adopt_progress(a v1.adoption) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    progress CONSTANT text := v1.old_progress(a.place);
BEGIN
    IF progress IS NOT NULL THEN
        EXECUTE format('INSERT INTO v1.couchdb_progress (seq, pending, updated_at, source)
                        SELECT seq, pending, coalesce(updated_at, now()), $1 ->> source FROM %s WHERE $1 ? source
                        ON CONFLICT (source) DO NOTHING', progress) USING a.sources;
    END IF;
END
$$;
