-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    s.uuid,
    {{ place_columns('s') }},
    s.household_uuid,
    s.patient_uuid,
    s.subject,
    s.again,
    s.reported,
    s.reported_day,
    s.reported_month,
    s.followed_up,
    s.visited_facility,
    case
        when s.visited_facility then 'visited the facility'
        when s.followed_up is not null then 'did not visit the facility'
        else 'not followed up'
    end as outcome
from {{ ref('fct_danger_sign') }} s
{{ place_joins('s') }}
