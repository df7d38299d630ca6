-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The rows whose id PostgreSQL cannot hold as the source has it: stored without NULs, and with U+FFFD for lone surrogates.
CREATE TABLE v1.shortened_id (
    id varchar PRIMARY KEY,               -- as in v1.couchdb
    original text NOT NULL                -- as JSON text
);

-- Of rows stamped until then nobody knows whether their id was shortened: they go to the first document whose id was.
ALTER TABLE v1.stamp ADD COLUMN ids_unknown_until timestamp;
UPDATE v1.stamp SET ids_unknown_until = last;
ALTER TABLE v1.stamp ALTER COLUMN ids_unknown_until SET NOT NULL;
