-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Finding what every CHT instance has under the same ids (v1.instance_document), in the raw table and apart.

-- Whether it is such an id. Indexes hang on this: it cannot be changed without them.
CREATE FUNCTION v1.is_of_instance(id text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT id ~ '^(settings$|org\.couchdb\.user:|form:)'
$$;

-- By stamp alone, since an id can be longer than an entry of an index may be.
CREATE INDEX couchdb_instance_document ON v1.couchdb (saved_timestamp) WHERE v1.is_of_instance(_id);
CREATE INDEX quarantine_instance_document ON v1.quarantine (stamp)
    WHERE closed_at IS NULL AND reason = 'id_collision' AND v1.is_of_instance(doc_id);
