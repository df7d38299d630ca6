-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Deaths of women in pregnancy, or within 42 days of its end, known by a pregnancy's reports or a delivery report alone.
{{ config(
    unique_key='patient_uuid',
    meta={'follows': {
        'fct_death': {
            'reads': ['patient_uuid', 'chw_uuid', 'area_uuid', 'facility_uuid', 'household_uuid', 'died'],
            'keys': 'select patient_uuid from changed',
        },
        'fct_pregnancy': {'reads': ['patient_uuid', 'outcome', 'ended'], 'keys': 'select patient_uuid from changed'},
        'form_delivery': {'reads': ['patient_uuid', 'delivered'], 'keys': 'select patient_uuid from changed'},
    }},
    indexes=[{'columns': ['area_uuid', 'died_month']}],
) }}

with ended as (
    select patient_uuid, ended as day, outcome
    from {{ ref('fct_pregnancy') }}
    where outcome in ('delivery', 'miscarriage', 'abortion', 'death') and {{ is_stale('patient_uuid') }}
    union all
    select patient_uuid, delivered, 'delivery'
    from {{ ref('form_delivery') }}
    where patient_uuid is not null and {{ is_stale('patient_uuid') }}
)

select distinct on (d.patient_uuid)
    d.patient_uuid,
    d.chw_uuid,
    d.area_uuid,
    d.facility_uuid,
    d.household_uuid,
    d.died,
    d.died_month,
    case when e.outcome = 'death' then 'pregnancy' else e.outcome end as after,
    d.died - e.day as days_after
from {{ ref('fct_death') }} d
join ended e on e.patient_uuid = d.patient_uuid and d.died between e.day and e.day + 42
where {{ is_stale('d.patient_uuid') }}
order by d.patient_uuid, e.day desc, e.outcome
