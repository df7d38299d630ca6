-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The sources as a Prometheus exporter shows them, labelled as CHT Watchdog's dashboards ask for them. A row a source of
-- the inventory; a null is left out by the exporter's query.
-- up: the relay calls at least every minute, Logstash only when something changes, and once a day when it restarts.
CREATE OR REPLACE VIEW v1.sync_metric AS
SELECT split_part(source, '/', 2) AS db,
       split_part(source, '/', 1) AS cht_instance,
       coalesce(substring(seq FROM '^[0-9]+')::double precision, 0) AS sequence,
       pending::double precision AS pending,
       extract(epoch FROM clock_timestamp() - updated_at)::double precision AS age,
       CASE WHEN engine = 'relay' THEN coalesce(updated_at > clock_timestamp() - interval '2 minutes', false)
            ELSE coalesce(greatest(updated_at, claimed_at) > clock_timestamp() - interval '25 hours', false)
       END::int::double precision AS up,
       quarantined::double precision AS quarantined,
       collisions::double precision AS collisions
FROM v1.sync_status
WHERE engine IS NOT NULL;
