-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Areas as they are now.
with last as (
    select area_uuid, max(last_reported_day) as last_reported_day, max(last_received) as last_received
    from {{ ref('agg_area_month') }}
    group by 1
)

select
    area.facility_uuid,
    area.facility_name,
    area.uuid as area_uuid,
    area.name as area_name,
    area.chw_uuid,
    area.chw_name,
    area.registered,
    last.last_reported_day,
    last.last_received,
    {{ local_day('now()') }} - {{ local_day('last.last_received') }} as days_since_sync,
    case
        when last.last_received is null then 'never'
        when {{ local_day('now()') }} - {{ local_day('last.last_received') }} < 30 then 'under 30 days'
        when {{ local_day('now()') }} - {{ local_day('last.last_received') }} <= 60 then '30 to 60 days'
        else 'over 60 days'
    end as silence
from {{ ref('dim_area') }} area
left join last on last.area_uuid = area.uuid
