-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The tables of upstream's cht-sync that are taken over, and how far. A row stays when its table is dropped.
CREATE TABLE v1.adoption (
    old_table text PRIMARY KEY,             -- as the operator names it: schema.table
    place text NOT NULL,                    -- where it stands now, quoted
    kind text NOT NULL CHECK (kind IN ('logstash', 'v2')),
    sources jsonb NOT NULL,                 -- source there -> source here; "" is a row that names none
    estimate bigint NOT NULL,               -- rows, before it began
    position text,                          -- read up to this block (logstash) or saved_timestamp (v2)
    rows bigint NOT NULL DEFAULT 0,         -- read so far
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    dropped_at timestamptz
);
