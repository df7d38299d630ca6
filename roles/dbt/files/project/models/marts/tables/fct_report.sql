-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Every report: who made it where, and about whom. A data_record without a form is a message, and no report.
--
-- Whom a report is about is decided by what an id is, not by the name of its field: forms write a household's id into
-- patient_uuid too. An id that is nobody's here may be known tomorrow: by its digest the report is found again then.
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
        {'columns': ['patient_digest']},
        {'columns': ['visited_digest']},
    ],
    meta={'follows': {
        'data_record': {'reads': ['uuid', 'saved_timestamp'], 'keys': 'select uuid from changed'},
        'contact': {'reads': ['uuid'], 'keys': naming('fct_report', ['chw_uuid'])},
        'document_metadata': {
            'reads': ['uuid', 'saved_timestamp', 'doc_type'],
            'keys': "select left(uuid, -5) from changed where doc_type = 'info' and uuid like '%-info'",
        },
        'dim_place': {
            'reads': ['uuid', 'place_type', 'area_uuid', 'facility_uuid'],
            'keys': 'select r.uuid from changed join data_record r on r.contact_uuid = changed.uuid
                     union select r.uuid from changed join data_record r on r.parent_uuid = changed.uuid
                     union select r.uuid from changed join data_record r on r.grandparent_uuid = changed.uuid
                     union select r.uuid from changed join fct_report r on r.household_uuid = changed.uuid
                     union ' ~ reports_about('select uuid as id from changed
                                              union select place_id from changed join place using (uuid)'),
        },
        'place': {
            'reads': ['uuid', 'place_id'],
            'keys': reports_about('select uuid as id from changed union select place_id from changed'),
        },
        'patient': {
            'reads': ['uuid', 'patient_id'],
            'keys': reports_about('select patient_id as id from changed'),
        },
        'dim_person': {
            'reads': ['uuid', 'household_uuid', 'area_uuid', 'facility_uuid'],
            'keys': 'select r.uuid from changed join fct_report r on r.patient_uuid = changed.uuid
                     union select r.uuid from changed join data_record r on r.contact_uuid = changed.uuid
                     union ' ~ reports_about('select uuid as id from changed'),
        },
    }},
) }}

with report as (
    select
        r.*,
        {{ instance_of('c.source') }} as instance,
        {{ reference("c.doc #> '{fields,patient_uuid}'") }} as named_patient,
        {{ reference("c.doc #> '{fields,visited_contact_uuid}'", "c.doc #> '{fields,place_uuid}'", "c.doc #> '{fields,household_uuid}'",
                     "c.doc #> '{fields,inputs,contact,_id}'") }} as named_visited,
        {{ is_set("c.doc ->> 'errors'") }} as has_errors
    from {{ ref('data_record') }} r
    join {{ source('v1', 'couchdb') }} c on c._id = r.uuid and not c._deleted
    where nullif(r.form, '') is not null and {{ is_stale('r.uuid') }}
    -- Taken out of the document once, not for each use.
    offset 0
),

about as (
    select
        r.*,
        coalesce(patient.uuid, other.person_uuid) as person_uuid,
        coalesce(patient.household_uuid, person.household_uuid, other.household_uuid) as household_uuid,
        other.place_uuid
    from report r
    left join {{ ref('dim_person') }} patient on patient.uuid = r.named_patient
    -- Mostly the household of the patient is known by now, and nothing else is looked for.
    left join lateral (
        select
            (array_agg(found.uuid order by rank, found.uuid) filter (where found.kind = 'person'))[1] as person_uuid,
            (array_agg(found.uuid order by rank, found.uuid) filter (where found.kind = 'household'))[1] as household_uuid,
            (array_agg(found.uuid order by rank, found.uuid) filter (where found.kind = 'place'))[1] as place_uuid
        from (values (1, r.named_patient), (2, r.patient_id), (3, r.named_visited), (4, r.place_id)) named (rank, id)
        cross join lateral (
            select p.uuid, 'person' as kind from {{ ref('dim_person') }} p where p.uuid = named.id
            union all
            select p.uuid, 'person'
            from {{ ref('patient') }} p
            join {{ source('v1', 'couchdb') }} its on its._id = p.uuid
            where p.patient_id = named.id and {{ instance_of('its.source') }} = r.instance
            union all
            select p.uuid, case when p.place_type in {{ in_list(var('household_types')) }} then 'household' else 'place' end
            from (
                select named.id as uuid
                union
                select place.uuid
                from {{ ref('place') }} place
                join {{ source('v1', 'couchdb') }} its on its._id = place.uuid
                where place.place_id = named.id and {{ instance_of('its.source') }} = r.instance
            ) candidate
            join {{ ref('dim_place') }} p on p.uuid = candidate.uuid
        ) found
        where patient.household_uuid is null and named.id <> ''
    ) other on patient.household_uuid is null
    left join {{ ref('dim_person') }} person on patient.uuid is null and person.uuid = other.person_uuid
)

select
    r.uuid,
    r.saved_timestamp,
    r.reported,
    {{ local_day('r.reported') }} as reported_day,
    {{ local_month('r.reported') }} as reported_month,
    {{ moment_of("info.doc ->> 'initial_replication_date'") }} as received,
    {{ code('r.form') }} as form,
    not r.has_errors as is_valid,
    {{ known_id('r.contact_uuid') }} as chw_uuid,
    -- The nearest of its places that still is there has the area; a report that names none was made where who made it is now.
    coalesce(own.area_uuid, parent.area_uuid, grandparent.area_uuid, worker.area_uuid) as area_uuid,
    coalesce(own.facility_uuid, parent.facility_uuid, grandparent.facility_uuid, worker.facility_uuid) as facility_uuid,
    case
        when r.person_uuid is not null then 'person'
        when r.household_uuid is not null then 'household'
        when r.place_uuid is not null then 'place'
        when coalesce(r.named_patient, r.patient_id, r.named_visited, r.place_id) <> '' then 'unknown'
    end as about,
    {{ patient_of_report('r') }} as patient_uuid,
    r.household_uuid,
    case when r.named_patient is distinct from r.person_uuid then {{ digest('r.named_patient') }} end as patient_digest,
    case when r.named_visited is distinct from r.household_uuid then {{ digest('r.named_visited') }} end as visited_digest
from about r
left join {{ ref('dim_place') }} own on own.uuid = r.contact_uuid
left join {{ ref('dim_place') }} parent on parent.uuid = r.parent_uuid
left join {{ ref('dim_place') }} grandparent on grandparent.uuid = r.grandparent_uuid
left join {{ ref('dim_person') }} worker on worker.uuid = r.contact_uuid and coalesce(own.uuid, parent.uuid, grandparent.uuid) is null
left join {{ source('v1', 'couchdb') }} info on info._id = r.uuid || '-info' and not info._deleted
