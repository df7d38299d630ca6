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
        'person': {
            'reads': ['uuid', 'saved_timestamp'],
            'keys': 'select uuid from changed
                     union select c.uuid from changed join contact c on c.parent_uuid = changed.uuid join person on person.uuid = c.uuid',
        },
        'contact': {'reads': ['uuid', 'parent_uuid', 'reported', 'muted'], 'keys': 'select uuid from changed join person using (uuid)'},
        'dim_place': {
            'reads': ['uuid', 'place_type', 'area_uuid', 'facility_uuid', 'registered_month', 'left_month'],
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
        {{ is_set("c.doc ->> 'date_of_death'") }} as is_dead,
        {{ date_of("c.doc ->> 'date_of_death'") }} as died,
        {{ is_set('contact.muted') }} as is_muted,
        {{ muted_at('contact.muted') }} as muted,
        place.registered_month as place_registered_month,
        place.left_month as place_left_month,
        case
            when place.uuid is not null then null
            when contact.parent_uuid is null then 'no_parent'
            when exists (select from {{ ref('person') }} parent where parent.uuid = contact.parent_uuid) then 'below_person'
            else 'parent_missing'
        end as problem
    from {{ ref('person') }} person
    join {{ ref('contact') }} contact on contact.uuid = person.uuid
    join {{ source('v1', 'couchdb') }} c on c._id = person.uuid and not c._deleted
    left join {{ ref('dim_place') }} place on place.uuid = contact.parent_uuid
    where {{ is_stale('person.uuid') }}
),

entered as (
    select
        *,
        -- Who has no date is taken to be there since the household is.
        case when household_uuid is not null then coalesce({{ local_month('registered') }}, place_registered_month) end as entered_month
    from known
),

counted as (
    select
        *,
        case
            -- Who left nobody knows when is not counted at all.
            when (is_dead and died is null) or (is_muted and muted is null) then entered_month
            -- greatest and least leave out nulls.
            when is_dead or is_muted or place_left_month is not null
            then greatest(least({{ month_of('died') }}, {{ local_month('muted') }}, place_left_month), entered_month)
        end as left_month
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
    is_dead,
    died,
    is_muted,
    muted,
    entered_month,
    case when entered_month is not null then left_month end as left_month,
    -- Who was five already when registered never was one of the under-fives.
    case
        when {{ month_of("date_of_birth + interval '5 years'") }} > entered_month
        then least({{ month_of("date_of_birth + interval '5 years'") }}, left_month)
    end as five_month,
    problem
from counted
