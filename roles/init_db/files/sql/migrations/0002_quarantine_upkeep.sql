-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What quarantine needs to be tried again and cleared out.

-- When the change came, on the clock of v1.stamp: only what lands later closes the entry.
ALTER TABLE v1.quarantine ADD COLUMN stamp timestamp;
-- Whether raw is an event; otherwise it is a row of a page.
ALTER TABLE v1.quarantine ADD COLUMN is_event boolean;
UPDATE v1.quarantine SET stamp = created_at AT TIME ZONE 'UTC', is_event = strpos(raw, '"changes"') = 0;
ALTER TABLE v1.quarantine ALTER COLUMN stamp SET NOT NULL, ALTER COLUMN is_event SET NOT NULL;

-- Numbers the operator sets in the inventory and functions read.
CREATE TABLE v1.setting (
    name text PRIMARY KEY,
    value text NOT NULL
);
INSERT INTO v1.setting (name, value) VALUES ('quarantine_keep_days', '90');

-- Functions whose signature changed or that are gone (CREATE OR REPLACE would leave the old ones), and their type.
DROP FUNCTION IF EXISTS v1.land_row(text, timestamp, text, boolean);
DROP FUNCTION IF EXISTS v1.quarantine_row(text, text, text, text, text);
DROP FUNCTION IF EXISTS v1.land(text, timestamp, v1.call);
DROP FUNCTION IF EXISTS v1.read_page(text);
DROP FUNCTION IF EXISTS v1.read_events(text);
DROP FUNCTION IF EXISTS v1.without_nul(text);
DROP FUNCTION IF EXISTS v1.without_lone_surrogates(text);
DROP TYPE v1.call;
