-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Several CHT instances in one warehouse. What CHT names the same in each of them can be the raw table's for one source only;
-- that of the others is kept apart, as id_collision, and stays open there for as long as that is so.

-- Settings, user-settings and forms, each source's own: its last change, wherever that is kept. No other document that is kept
-- apart is shown. Columns are those of v1.couchdb, and stamps are of the same clock. For role dbt.
CREATE OR REPLACE VIEW v1.instance_document AS
SELECT c.saved_timestamp, c._id, c._deleted, c.source, c.doc
FROM v1.couchdb c
WHERE v1.is_of_instance(c._id)
UNION ALL
SELECT q.stamp, q.doc_id::varchar, k.gone, q.source, CASE WHEN k.gone THEN v1.tombstone(q.doc_id, k.change #>> '{doc,_rev}')
                                                       ELSE k.change -> 'doc' END
FROM v1.quarantine q
CROSS JOIN LATERAL (
    SELECT r.change, 'true' IN (r.change -> 'deleted', r.change #> '{doc,_deleted}') IS TRUE AS gone
    -- What collides was read before. OFFSET 0: once a row, and never that of another entry.
    FROM (SELECT v1.readable(q.raw)::jsonb AS change OFFSET 0) r
) k
WHERE q.closed_at IS NULL AND q.reason = 'id_collision' AND v1.is_of_instance(q.doc_id)
  AND NOT EXISTS (
      SELECT FROM v1.quarantine newer
      WHERE newer.source = q.source AND newer.doc_id = q.doc_id AND newer.closed_at IS NULL AND newer.reason = 'id_collision'
        AND newer.stamp > q.stamp)
  AND NOT EXISTS (SELECT FROM v1.couchdb c WHERE c._id = q.doc_id AND c.source = q.source);

-- The stamp of the newest change that either shows: whatever has a lower one is there. For role dbt.
CREATE OR REPLACE VIEW v1.newest_change AS
SELECT greatest(
    (SELECT max(c.saved_timestamp) FROM v1.couchdb c),
    (SELECT max(q.stamp) FROM v1.quarantine q
     WHERE q.closed_at IS NULL AND q.reason = 'id_collision' AND v1.is_of_instance(q.doc_id))
) AS saved_timestamp;
