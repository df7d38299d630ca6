-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The raw tables. Columns and their order up to `doc` are those of cht-pipeline v2, whose models read them;
-- _rev and seq are ours.

-- One row per CouchDB document: its last change.
CREATE TABLE v1.couchdb (
    saved_timestamp timestamp NOT NULL,   -- UTC; unique, grows in commit order (v1.lock_stamp)
    _id varchar PRIMARY KEY,
    _deleted boolean NOT NULL,
    source varchar NOT NULL,              -- <couchdb host>/<database>
    doc jsonb COMPRESSION lz4 NOT NULL,   -- lz4: PostgreSQL spends a third less CPU on an upsert than with pglz
    _rev varchar,
    seq varchar
);
CREATE INDEX couchdb_saved_timestamp ON v1.couchdb (saved_timestamp);

-- How far each source has been delivered. seq null: from the start; pending null: not reported.
CREATE TABLE v1.couchdb_progress (
    seq varchar,
    pending integer,
    updated_at timestamptz NOT NULL,
    source varchar PRIMARY KEY
);

-- The sources of the inventory, and who may feed each: the one process that holds the lease.
CREATE TABLE v1.source (
    source varchar PRIMARY KEY,
    engine text,                          -- null: no longer in the inventory
    identity text,                        -- instance_start_time of the CouchDB database; null: unknown
    lease uuid,
    claimed_at timestamptz
);

-- The last stamp given out. Its one row is also the lock under which claim and ingest run.
CREATE TABLE v1.stamp (
    last timestamp NOT NULL,
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO v1.stamp (last) VALUES ('epoch');

-- Rows that could not land. Health data: the owner's only.
CREATE TABLE v1.quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source varchar NOT NULL,
    doc_id text,
    seq text,
    reason text NOT NULL,
    raw text NOT NULL,
    raw_sha256 bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,                -- a later change of the document landed
    UNIQUE (source, raw_sha256)           -- the text holds the id
);
CREATE INDEX quarantine_open ON v1.quarantine (source) WHERE closed_at IS NULL;

-- A call to api.ingest, read.
CREATE TYPE v1.call AS (
    last_seq text,
    pending bigint,
    rows bigint,
    cut_rows text[],  -- of a page: its rows, each without the closing brace
    events jsonb,     -- else: the array of events,
    events_text text  -- or its text, where jsonb cannot hold it
);
