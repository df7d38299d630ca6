-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What role monitor sees: no document, no lease.

CREATE OR REPLACE VIEW v1.document_revision AS
SELECT c._id, c._rev, c._deleted, c.source, s.original FROM v1.couchdb c LEFT JOIN v1.shortened_id s ON s.id = c._id;

-- What is kept apart, and why; not what is in it.
CREATE OR REPLACE VIEW v1.quarantined_document AS
SELECT source, doc_id AS id, reason FROM v1.quarantine WHERE closed_at IS NULL;

-- Others' views read this one (v1.sync_metric, dbt's marts.sys_sync): new columns go to its end, none goes away.
CREATE OR REPLACE VIEW v1.sync_status AS
SELECT s.source, s.engine, s.claimed_at, p.seq, p.pending, p.updated_at,
       (SELECT count(*) FROM v1.quarantine q
        WHERE q.source = s.source AND q.closed_at IS NULL AND q.reason <> 'id_collision') AS quarantined,
       (SELECT count(*) FROM v1.quarantine q
        WHERE q.source = s.source AND q.closed_at IS NULL AND q.reason = 'id_collision') AS collisions,
       s.replaced_at
FROM v1.source s LEFT JOIN v1.couchdb_progress p USING (source);
