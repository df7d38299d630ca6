-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Makes the next claim of a source begin at the start, and ends the lease of whoever feeds it. Documents stay: what is
-- stored as the source has it is not written again. For the operator (playbooks/resync.yml).
CREATE OR REPLACE FUNCTION v1.resync(source text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM v1.lock_stamp();
    UPDATE v1.source s SET lease = NULL WHERE s.source = resync.source;
    IF NOT FOUND THEN
        RAISE no_data_found USING
            MESSAGE = format('source "%s" is not in the database', resync.source),
            HINT = 'it knows: ' || (SELECT string_agg(s.source, ', ' ORDER BY s.source) FROM v1.source s);
    END IF;
    UPDATE v1.couchdb_progress p SET seq = NULL, pending = NULL WHERE p.source = resync.source;
END
$$;
