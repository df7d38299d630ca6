-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Every report: who made it where, and about whom.
{{ config(
    indexes=[
        {'columns': ['reported']},
        {'columns': ['reported_day']},
        {'columns': ['form']},
        {'columns': ['chw_uuid', 'reported']},
        {'columns': ['area_uuid', 'reported_month']},
        {'columns': ['facility_uuid']},
        {'columns': ['patient_uuid']},
        {'columns': ['household_uuid']},
    ],
    meta={'follows': {
        'data_record': {'reads': ['uuid', 'saved_timestamp'], 'keys': 'select uuid from changed'},
        'contact': {'reads': ['uuid'], 'keys': naming('fct_report', ['chw_uuid', 'patient_uuid'])},
        'document_metadata': {
            'reads': ['uuid', 'saved_timestamp', 'doc_type'],
            'keys': "select left(uuid, -5) from changed where doc_type = 'info' and uuid like '%-info'",
        },
        'dim_place': {
            'reads': ['uuid', 'place_type', 'area_uuid', 'facility_uuid'],
            'keys': 'select r.uuid from changed join data_record r on r.contact_uuid = changed.uuid
                     union select r.uuid from changed join data_record r on r.parent_uuid = changed.uuid
                     union select r.uuid from changed join data_record r on r.grandparent_uuid = changed.uuid
                     union select r.uuid from changed join place using (uuid)
                     join data_record r on r.place_id in (place.uuid, place.place_id)',
        },
        'place': {
            'reads': ['uuid', 'place_id'],
            'keys': 'select r.uuid from changed join data_record r on r.place_id in (changed.uuid, changed.place_id)',
        },
        'patient': {
            'reads': ['uuid', 'patient_id'],
            'keys': 'select r.uuid from changed join data_record r on r.patient_id = changed.patient_id',
        },
        'dim_person': {
            'reads': ['uuid', 'household_uuid'],
            'keys': 'select r.uuid from changed join fct_report r on r.patient_uuid = changed.uuid
                     union select r.uuid from changed join data_record r on r.patient_id = changed.uuid',
        },
    }},
) }}

with report as (
    select
        r.*,
        {% set named %}coalesce(
            {{ reference("c.doc #> '{fields,patient_uuid}'") }},
            (select min(patient.uuid) from {{ ref('patient') }} patient where patient.patient_id = r.patient_id),
            (select person.uuid from {{ ref('dim_person') }} person where person.uuid = r.patient_id)
        ){% endset %}{{ known_id(named) }} as patient_uuid
    from {{ ref('data_record') }} r
    join {{ source('v1', 'couchdb') }} c on c._id = r.uuid and not c._deleted
    where {{ is_stale('r.uuid') }}
)

select
    r.uuid,
    r.saved_timestamp,
    r.reported,
    {{ local_day('r.reported') }} as reported_day,
    {{ local_month('r.reported') }} as reported_month,
    {{ moment_of("info.doc ->> 'initial_replication_date'") }} as received,
    {{ code('r.form') }} as form,
    {{ known_id('r.contact_uuid') }} as chw_uuid,
    -- The nearest of its places that still is there tells the area.
    coalesce(own.area_uuid, parent.area_uuid, grandparent.area_uuid) as area_uuid,
    coalesce(own.facility_uuid, parent.facility_uuid, grandparent.facility_uuid) as facility_uuid,
    r.patient_uuid,
    coalesce(person.household_uuid, household.uuid) as household_uuid
from report r
left join {{ ref('dim_place') }} own on own.uuid = r.contact_uuid
left join {{ ref('dim_place') }} parent on parent.uuid = r.parent_uuid
left join {{ ref('dim_place') }} grandparent on grandparent.uuid = r.grandparent_uuid
left join {{ ref('dim_person') }} person on person.uuid = r.patient_uuid
left join {{ source('v1', 'couchdb') }} info on info._id = r.uuid || '-info' and not info._deleted
left join lateral (
    select min(dim_place.uuid) as uuid
    from {{ ref('place') }} place
    join {{ ref('dim_place') }} dim_place on dim_place.uuid = place.uuid
    where (place.uuid = r.place_id or place.place_id = r.place_id) and dim_place.place_type in {{ in_list(var('household_types')) }}
) household on true
