-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Persons, without name and phone.
{{ config(
    indexes=[
        {'columns': ['household_uuid']},
        {'columns': ['area_uuid', 'entered_month']},
        {'columns': ['area_uuid', 'left_month']},
        {'columns': ['area_uuid', 'five_month']},
        {'columns': ['facility_uuid']},
    ],
    meta={'follows': {
        'person': {'reads': ['uuid', 'saved_timestamp'], 'keys': 'select uuid from changed'},
        'contact': {'reads': ['uuid', 'parent_uuid', 'reported', 'muted'], 'keys': 'select uuid from changed join person using (uuid)'},
        'dim_place': {
            'reads': ['uuid', 'place_type', 'area_uuid', 'facility_uuid'],
            'keys': 'select c.uuid from changed join contact c on c.parent_uuid = changed.uuid join person on person.uuid = c.uuid',
        },
    }},
) }}

with known as (
    select
        person.uuid,
        case when place.place_type in {{ in_list(var('household_types')) }} then place.uuid end as household_uuid,
        place.area_uuid,
        place.facility_uuid,
        {{ sex('person.sex') }} as sex,
        {{ date_of("c.doc ->> 'date_of_birth'") }} as date_of_birth,
        contact.reported as registered,
        {{ date_of("c.doc ->> 'date_of_death'") }} as died,
        {{ moment_of('contact.muted') }} as muted
    from {{ ref('person') }} person
    join {{ ref('contact') }} contact on contact.uuid = person.uuid
    join {{ source('v1', 'couchdb') }} c on c._id = person.uuid and not c._deleted
    left join {{ ref('dim_place') }} place on place.uuid = contact.parent_uuid
    where {{ is_stale('person.uuid') }}
),

entered as (
    select *, case when household_uuid is not null then {{ local_month('registered') }} end as entered_month from known
),

counted as (
    select
        *,
        -- greatest and least leave out nulls.
        case when died is not null or muted is not null
            then greatest(least({{ month_of('died') }}, {{ local_month('muted') }}), entered_month) end as left_month
    from entered
)

select
    uuid,
    household_uuid,
    area_uuid,
    facility_uuid,
    sex,
    date_of_birth,
    registered,
    died,
    muted,
    entered_month,
    case when entered_month is not null then left_month end as left_month,
    -- Who was five already when registered never was one of the under-fives.
    case
        when {{ month_of("date_of_birth + interval '5 years'") }} > entered_month
        then least({{ month_of("date_of_birth + interval '5 years'") }}, left_month)
    end as five_month
from counted
