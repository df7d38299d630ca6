-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    report.uuid,
    report.saved_timestamp,
    report.reported,
    report.reported_day,
    report.reported_month,
    report.received,
    report.form,
    report.chw_uuid,
    chw.name as chw_name,
    report.area_uuid,
    area.name as area_name,
    report.facility_uuid,
    facility.name as facility_name,
    report.patient_uuid,
    report.household_uuid
from {{ ref('fct_report') }} report
left join {{ ref('dim_chw') }} chw on chw.uuid = report.chw_uuid
left join {{ ref('dim_area') }} area on area.uuid = report.area_uuid
left join {{ ref('dim_facility') }} facility on facility.uuid = report.facility_uuid
