-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    p.uuid,
    {{ place_columns('p') }},
    p.household_uuid,
    p.patient_uuid,
    p.registered,
    p.registered_day,
    p.registered_month,
    {{ is_new_pregnancy('p') }} as is_new,
    p.age_in_years,
    p.age_in_years between 10 and 19 as is_teen,
    p.lmp,
    p.lmp_method,
    p.edd,
    p.weeks_at_registration,
    p.weeks_at_registration < 12 as is_early,
    case
        when p.weeks_at_registration is null then 'unknown'
        when p.weeks_at_registration < 12 then 'under 12 weeks'
        when p.weeks_at_registration < 28 then '12 to 27 weeks'
        else '28 weeks and over'
    end as registered_at,
    p.risk_factor,
    p.danger_sign,
    p.facility_visits,
    p.contacts,
    p.last_visited,
    p.follow_up_stopped,
    p.follow_up_stopped_for,
    p.outcome,
    p.ended,
    today.day < p.active_until as is_active,
    p.edd - today.day as days_until_due,
    coalesce(today.day < p.active_until and p.follow_up_stopped is null and p.edd - today.day between 0 and 30, false) as is_due_within_30_days
from {{ ref('fct_pregnancy') }} p
cross join (select {{ local_day('now()') }} as day) today
{{ place_joins('p') }}
