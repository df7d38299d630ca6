-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    d.patient_uuid,
    {{ place_columns('d') }},
    d.household_uuid,
    d.report_uuid,
    d.died,
    d.died_month,
    d.sex,
    d.age_in_days,
    d.age_band,
    d.place_of_death,
    m.patient_uuid is not null as is_maternal
from {{ ref('fct_death') }} d
left join {{ ref('fct_maternal_death') }} m on m.patient_uuid = d.patient_uuid
{{ place_joins('d') }}
