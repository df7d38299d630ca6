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
    SELECT coalesce(substring(rev FROM '^([0-9]{1,18})-')::bigint, 0)
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
             THEN 'substring(_rev::text FROM ''^(?:\["|)([0-9]+-[^"]+)'')' ELSE 'NULL' END)
$$;

-- The revision of a quarantined change; null where it cannot be read.
CREATE OR REPLACE FUNCTION v1.entry_rev(raw text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    change jsonb;
BEGIN
    change := v1.readable(raw);
    RETURN coalesce(change #>> '{doc,_rev}', change #>> '{changes,0,rev}');
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END
$$;

-- Lands rows of an old table. The newest revision of a document stays, whoever brought it, also where it waits in
-- quarantine; if that one cannot be read, an engine brought it, later. Stamps grow from row to row, and within a document
-- with its revision. A row's saved_timestamp is kept where that is above all stamps before it; it becomes so by as little
-- as it takes.
-- refused: rows to quarantine, with the SQLSTATE.
CREATE OR REPLACE FUNCTION v1.adopt_rows(a v1.adoption, tids tid[], stamp timestamp, refused jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' AS $$
DECLARE
    bad record;
    last_bad timestamp;
BEGIN
    FOR bad IN EXECUTE format($sql$
        WITH named AS MATERIALIZED (
            SELECT o.*, v1.old_name(o.doc -> '_id', o.id_column) AS id, v1.old_name(o.doc -> '_rev', o.rev_column) AS rev,
                   coalesce(o._deleted, false) OR coalesce(o.doc -> '_deleted' = 'true', false) AS deleted,
                   $2 ->> o.old_source AS source
            FROM (%s) o
            WHERE o.old_source NOT LIKE '%%/\_users' -- credentials
        ), ordered AS MATERIALIZED (
            SELECT n.*, b.reason, t.source AS stored_source,
                   row_number() OVER (ORDER BY n.saved, v1.generation(n.rev), n.rev COLLATE "C" NULLS FIRST, n.tid) AS ord
            FROM named n
            CROSS JOIN LATERAL (SELECT CASE WHEN n.id IS NULL THEN 'no id'
                                            WHEN NOT n.deleted AND jsonb_typeof(n.doc) IS DISTINCT FROM 'object'
                                            THEN 'the document is no object'
                                            ELSE 'refused by the table: ' || ($5 ->> n.tid::text) END AS reason) b
            LEFT JOIN v1.couchdb t ON t._id = n.id
            WHERE starts_with(n.id, '_design/') IS NOT TRUE
              AND CASE WHEN t.source = n.source THEN v1.is_later(n.rev, t._rev) AND NOT (t._deleted AND t._rev IS NULL) ELSE true END
              AND NOT EXISTS (
                  SELECT FROM v1.quarantine q
                  WHERE q.source = n.source AND q.doc_id = n.id AND q.closed_at IS NULL
                    AND (v1.entry_rev(q.raw) IS NULL OR NOT v1.is_later(n.rev, v1.entry_rev(q.raw))))
        ), ranked AS MATERIALIZED (
            SELECT o.*,
                   greatest($4, max(CASE WHEN isfinite(o.saved) THEN o.saved ELSE $3 END - o.ord * interval '1 microsecond')
                                OVER (ORDER BY o.ord)) + o.ord * interval '1 microsecond' AS stamp,
                   row_number() OVER (PARTITION BY o.id, o.source, o.reason
                                      ORDER BY v1.generation(o.rev) DESC, o.rev COLLATE "C" DESC NULLS LAST) AS nth,
                   coalesce(o.stored_source, first_value(o.source) OVER (PARTITION BY o.id
                                                                         ORDER BY o.reason NULLS FIRST, o.ord)) AS owner
            FROM ordered o
        ), landed AS (
            INSERT INTO v1.couchdb (saved_timestamp, _id, _deleted, source, doc, _rev)
            SELECT r.stamp, r.id, r.deleted, r.source, v1.adopted_doc(r.doc, r.id, r.rev, r.deleted), r.rev
            FROM ranked r
            WHERE r.reason IS NULL AND r.source = r.owner AND r.nth = 1
            ON CONFLICT (_id) DO UPDATE SET
                saved_timestamp = excluded.saved_timestamp, _deleted = excluded._deleted,
                doc = excluded.doc, _rev = excluded._rev, seq = NULL
        )
        SELECT r.source, r.old_source, r.id, r.stamp, coalesce(r.reason, 'id_collision') AS reason,
               jsonb_build_object('id', r.id, 'seq', NULL, 'deleted', r.deleted,
                   'changes', jsonb_build_array(jsonb_build_object('rev', r.rev)), -- a doc that is no object names none
                   'doc', CASE jsonb_typeof(r.doc) WHEN 'object' THEN v1.adopted_doc(r.doc, r.id, r.rev, r.deleted)
                                                   ELSE r.doc END) AS event
        FROM ranked r
        WHERE r.reason IS NOT NULL OR r.source <> r.owner OR r.source IS NULL
        ORDER BY r.stamp
    $sql$, v1.old_rows(a)) USING tids, a.sources, stamp, (SELECT last FROM v1.stamp), refused
    LOOP
        IF bad.source IS NULL THEN
            RAISE object_not_in_prerequisite_state USING
                MESSAGE = format('%s has rows of source "%s", which were not there when its adoption began',
                                 a.old_table, bad.old_source),
                HINT = 'stop upstream''s cht-sync for good';
        END IF;
        PERFORM v1.quarantine_row(bad.source, bad.stamp, bad.id, NULL, bad.reason, bad.event::text, true);
        last_bad := bad.stamp;
    END LOOP;
    UPDATE v1.stamp SET last = greatest(last, last_bad, (SELECT max(saved_timestamp) FROM v1.couchdb));
END
$$;

-- Why the table refuses a row, e.g. for an id longer than an index entry may be: the SQLSTATE; null where it does not.
CREATE OR REPLACE FUNCTION v1.old_row_refusal(a v1.adoption, old_row tid, stamp timestamp) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM v1.adopt_rows(a, ARRAY[old_row], stamp, NULL);
    RAISE SQLSTATE 'UNDO1';
EXCEPTION
    WHEN SQLSTATE 'UNDO1' THEN RETURN NULL; -- this was a trial
    WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN RETURN SQLSTATE;
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
BEGIN
    SELECT * INTO a FROM v1.adoption t WHERE t.old_table = adopted;
    IF a.finished_at IS NOT NULL THEN
        RETURN a;
    END IF;
    batch := v1.old_batch(a, size);

    BEGIN
        PERFORM v1.adopt_rows(a, batch.tids, stamp, NULL);
    EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
        PERFORM v1.adopt_rows(a, batch.tids, stamp, (
            SELECT jsonb_object_agg(old_row::text, refusal)
            FROM unnest(batch.tids) AS old_row CROSS JOIN LATERAL v1.old_row_refusal(a, old_row, stamp) AS refusal
            WHERE refusal IS NOT NULL));
    END;

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

-- The table beside a v2 table, which may be gone, that says how far its sources were read; null where there is none.
CREATE OR REPLACE FUNCTION v1.old_progress(place text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%I.couchdb_progress', p.old_schema)
    FROM (SELECT (parse_ident(place))[1] AS old_schema) p
    WHERE p.old_schema <> 'v1' -- ours
      AND to_regclass(format('%I.couchdb_progress', p.old_schema)) IS NOT NULL
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
