-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    t.uuid,
    t.owner_uuid,
    t.title,
    t.state,
    t.authored,
    t.due_day,
    t.due_month,
    t.end_day,
    (t.state in ('Draft', 'Ready') and t.due_day < {{ local_day('now()') }})::int as overdue,
    t.chw_uuid,
    chw.name as chw_name,
    t.area_uuid,
    area.name as area_name,
    t.facility_uuid,
    facility.name as facility_name
from {{ ref('fct_task') }} t
left join {{ ref('dim_chw') }} chw on chw.uuid = t.chw_uuid
left join {{ ref('dim_area') }} area on area.uuid = t.area_uuid
left join {{ ref('dim_facility') }} facility on facility.uuid = t.facility_uuid
