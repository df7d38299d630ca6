-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Finding the entries of a call's documents, where collisions stay open for good. A hash, since an id of any length must
-- find room: some entries are here for theirs.
CREATE INDEX quarantine_open_document ON v1.quarantine USING hash (doc_id) WHERE closed_at IS NULL;

-- Also on a server that others set up: vacuum when a twentieth is dead, not a fifth, for less bloat under upserts.
ALTER TABLE v1.couchdb SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

-- Functions whose signature changed or that are gone.
DROP FUNCTION IF EXISTS v1.close_quarantine(text, text, timestamp);
DROP FUNCTION IF EXISTS v1.close_quarantine_of_landed(text, timestamp);
