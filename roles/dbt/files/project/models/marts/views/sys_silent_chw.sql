-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- When each area's CHW last was heard of. A device's clock may be wrong: what it puts into the future tells nothing.
select
    area.chw_uuid,
    area.chw_name,
    area.uuid as area_uuid,
    area.name as area_name,
    area.facility_uuid,
    area.facility_name,
    report.reported as last_reported,
    extract(day from clock_timestamp() - report.reported)::integer as days_since_report,
    greatest(report.received, device.last_used) as last_synced,
    extract(day from clock_timestamp() - greatest(report.received, device.last_used))::integer as days_since_sync,
    coalesce(
        greatest(report.received, report.reported, device.last_used) < clock_timestamp() - interval '{{ var("silent_days") }} days', true
    ) as silent
from {{ ref('dim_area') }} area
left join lateral (
    select r.reported, r.received from {{ ref('fct_report') }} r
    where r.chw_uuid = area.chw_uuid and r.reported < clock_timestamp() + interval '1 day'
    order by r.reported desc limit 1
) report on true
left join (
    select a.contact_uuid, max(d.last_used) as last_used
    from {{ ref('account') }} a
    join {{ ref('sys_device_state') }} d on a.instance = d.instance and a.user_id = 'org.couchdb.user:' || d.user_name
    where d.last_used < clock_timestamp() + interval '1 day'
    group by a.contact_uuid
) device on device.contact_uuid = area.chw_uuid
where area.chw_uuid is not null
