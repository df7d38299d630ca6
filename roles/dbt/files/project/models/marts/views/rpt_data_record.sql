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
    report.is_valid,
    {{ place_columns('report') }},
    report.about,
    report.patient_uuid,
    report.household_uuid
from {{ ref('fct_report') }} report
{{ place_joins('report') }}
