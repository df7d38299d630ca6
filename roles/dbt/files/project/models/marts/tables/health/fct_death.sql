-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A row for each person who died. CHT writes a reported death into the person, and takes it out again when it was withdrawn;
-- reports it has not come to yet count, too: the newest says whether the person died. A stillborn baby has not lived.
{{ config(
    unique_key='patient_uuid',
    meta={'follows': {
        'dim_person': {'reads': ['uuid', 'is_dead', 'died', 'date_of_birth', 'sex', 'area_uuid', 'facility_uuid', 'household_uuid'],
                       'keys': 'select uuid from changed'},
        'form_death_report': {
            'reads': ['uuid', 'patient_uuid', 'reported', 'chw_uuid', 'area_uuid', 'facility_uuid', 'household_uuid', 'date_of_death',
                      'place_of_death', 'age_in_days'],
            'keys': 'select coalesce(patient_uuid, uuid) from changed',
        },
        'fct_report': {
            'reads': ['form', 'is_valid', 'patient_uuid', 'reported'],
            'keys': "select patient_uuid from changed where form = 'undo_death_report'",
        },
        'fct_baby': {'reads': ['baby_uuid', 'outcome'], 'keys': 'select baby_uuid from changed'},
    }},
    indexes=[{'columns': ['area_uuid', 'died_month']}],
) }}

with told as (
    select
        coalesce(patient_uuid, uuid) as patient_uuid, uuid, reported, reported_day, chw_uuid, area_uuid, facility_uuid, household_uuid,
        date_of_death, place_of_death, age_in_days
    from {{ about_stale(ref('form_death_report')) }} r
),

withdrawn as (
    select patient_uuid, max(reported) as reported
    from {{ ref('fct_report') }}
    where form = 'undo_death_report' and is_valid and patient_uuid is not null and {{ is_stale('patient_uuid') }}
    group by patient_uuid
),

-- The first report since, as CHT takes it.
valid as (
    select distinct on (t.patient_uuid) t.*
    from told t
    left join withdrawn w on w.patient_uuid = t.patient_uuid
    where w.reported is null or t.reported > w.reported
    order by t.patient_uuid, t.reported, t.uuid
),

dead as (
    select patient_uuid from valid
    union
    select p.uuid
    from {{ ref('dim_person') }} p
    where p.is_dead and {{ is_stale('p.uuid') }}
      and not exists (select from withdrawn w where w.patient_uuid = p.uuid)
    except
    select baby_uuid from {{ ref('fct_baby') }} where outcome = 'stillborn' and {{ is_stale('baby_uuid') }}
),

person as (
    select * from {{ ref('dim_person') }} p where {{ is_stale('p.uuid') }}
),

death as (
    select
        dead.patient_uuid,
        v.uuid as report_uuid,
        v.chw_uuid,
        coalesce(p.area_uuid, v.area_uuid) as area_uuid,
        coalesce(p.facility_uuid, v.facility_uuid) as facility_uuid,
        coalesce(p.household_uuid, v.household_uuid) as household_uuid,
        p.sex,
        p.date_of_birth,
        coalesce(p.died, v.date_of_death, v.reported_day) as died,
        v.age_in_days,
        v.reported_day,
        v.place_of_death
    from dead
    left join valid v on v.patient_uuid = dead.patient_uuid
    left join person p on p.uuid = dead.patient_uuid
),

-- Nobody dies before birth: then one of the days is wrong, and the age is not known.
aged as (
    select
        *,
        case
            when died >= date_of_birth then died - date_of_birth
            when date_of_birth is null and age_in_days >= reported_day - died then age_in_days - (reported_day - died)
        end as age
    from death
)

select
    patient_uuid,
    report_uuid,
    chw_uuid,
    area_uuid,
    facility_uuid,
    household_uuid,
    sex,
    died,
    {{ month_of('died') }} as died_month,
    age as age_in_days,
    case
        when age < 29 then 'neonatal'
        when age <= 1827 then 'child'
        when age < 15 * 365.25 then '5-14 years'
        when age < 50 * 365.25 then '15-49 years'
        when age is not null then '50 years and over'
        else 'unknown'
    end as age_band,
    place_of_death
from aged
