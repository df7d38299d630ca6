-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Every task that the app gave a health worker.
{{ config(
    indexes=[
        {'columns': ['area_uuid', 'due_month']},
        {'columns': ['facility_uuid']},
        {'columns': ['chw_uuid']},
        {'columns': ['owner_uuid']},
        {'columns': ['user_id', 'instance']},
        {'columns': ['state']},
        {'columns': ['due_day']},
    ],
    meta={'follows': {
        'document_metadata': {
            'reads': ['uuid', 'saved_timestamp', 'doc_type'],
            'keys': "select uuid from changed where doc_type = 'task'",
        },
        'contact': {'reads': ['uuid'], 'keys': naming('fct_task', ['owner_uuid', 'requester_uuid', 'chw_uuid'])},
        'data_record': {'reads': ['uuid'], 'keys': naming('fct_task', ['requester_uuid'])},
        'account': {
            'reads': ['instance', 'user_id', 'contact_uuid'],
            'keys': 'select uuid from changed join fct_task using (instance, user_id)',
        },
        'dim_chw': {
            'reads': ['uuid', 'area_uuid', 'facility_uuid'],
            'keys': 'select t.uuid from changed join fct_task t on t.chw_uuid = changed.uuid',
        },
        'dim_person': {
            'reads': ['uuid', 'area_uuid', 'facility_uuid'],
            'keys': 'select t.uuid from changed join fct_task t on t.owner_uuid = changed.uuid',
        },
        'dim_place': {
            'reads': ['uuid', 'area_uuid', 'facility_uuid'],
            'keys': 'select t.uuid from changed join fct_task t on t.owner_uuid = changed.uuid',
        },
    }},
) }}

with task as (
    select
        m.uuid,
        m.instance,
        {{ user_id("c.doc ->> 'user'") }} as user_id,
        {{ known_id(reference("c.doc -> 'owner'")) }} as owner_uuid,
        {{ known_id(reference("c.doc -> 'requester'"), ['contact', 'data_record']) }} as requester_uuid,
        {{ one_of("c.doc ->> 'state'", ['Draft', 'Ready', 'Cancelled', 'Completed', 'Failed']) }} as state,
        {{ code("c.doc #>> '{emission,title}'") }} as title,
        {{ moment_of("c.doc ->> 'authoredOn'") }} as authored,
        {{ date_of("c.doc #>> '{emission,dueDate}'") }} as due_day,
        {{ date_of("c.doc #>> '{emission,endDate}'") }} as end_day
    from {{ ref('document_metadata') }} m
    join {{ source('v1', 'couchdb') }} c on c._id = m.uuid and not c._deleted
    where m.doc_type = 'task' and {{ is_stale('m.uuid') }}
)

select
    task.uuid,
    task.instance,
    task.user_id,
    {{ known_id('account.contact_uuid') }} as chw_uuid,
    coalesce(person.area_uuid, place.area_uuid, chw.area_uuid) as area_uuid,
    coalesce(person.facility_uuid, place.facility_uuid, chw.facility_uuid) as facility_uuid,
    task.owner_uuid,
    task.requester_uuid,
    task.title,
    task.state,
    task.authored,
    task.due_day,
    {{ month_of('task.due_day') }} as due_month,
    task.end_day
from task
left join {{ ref('account') }} account on account.instance = task.instance and account.user_id = task.user_id
left join {{ ref('dim_chw') }} chw on chw.uuid = account.contact_uuid
left join {{ ref('dim_person') }} person on person.uuid = task.owner_uuid
left join {{ ref('dim_place') }} place on place.uuid = task.owner_uuid
