-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    t.uuid,
    t.reporting_month,
    t.target_id,
    t.type,
    t.goal,
    t.pass,
    t.total,
    t.percent,
    (t.goal > 0)::int as has_goal,
    (t.goal > 0 and case when t.type = 'percent' then t.percent else t.pass end >= t.goal)::int as achieved,
    t.updated,
    t.chw_uuid,
    chw.name as chw_name,
    t.area_uuid,
    area.name as area_name,
    t.facility_uuid,
    facility.name as facility_name
from {{ ref('fct_target') }} t
left join {{ ref('dim_chw') }} chw on chw.uuid = t.chw_uuid
left join {{ ref('dim_area') }} area on area.uuid = t.area_uuid
left join {{ ref('dim_facility') }} facility on facility.uuid = t.facility_uuid
