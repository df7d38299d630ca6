-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A row for each source of the inventory: how far it is copied.

select
    split_part(s.source, '/', 1) as instance,
    split_part(s.source, '/', 2) as dbname,
    s.engine,
    s.pending,
    s.updated_at,
    {{ local_time('s.updated_at') }} as last_sync,
    '{{ var("time_zone") }}'::text as time_zone,
    extract(epoch from clock_timestamp() - s.updated_at)::double precision as age_seconds,
    s.quarantined,
    s.collisions,
    (
        select coalesce(sum(d.documents), 0)::bigint from {{ ref('sys_documents_per_day') }} d
        where s.source = d.instance || '/' || d.dbname
    ) as documents
from {{ source('v1', 'sync_status') }} s
where s.engine is not null
