-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    t.uuid,
    t.reported,
    t.reported_day,
    t.reported_month,
    t.received,
    (greatest(extract(epoch from t.received - t.reported), 0) / 86400)::double precision as delay_days,
    t.form,
    t.chw_uuid,
    chw.name as chw_name,
    t.area_uuid,
    area.name as area_name,
    t.facility_uuid,
    facility.name as facility_name
from {{ ref('fct_report') }} t
left join {{ ref('dim_chw') }} chw on chw.uuid = t.chw_uuid
left join {{ ref('dim_area') }} area on area.uuid = t.area_uuid
left join {{ ref('dim_facility') }} facility on facility.uuid = t.facility_uuid
where t.received is not null and t.reported is not null
