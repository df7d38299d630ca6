-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What the app counted for a health worker in a month, a row for each target of a target document.
{{ config(
    indexes=[
        {'columns': ['document_uuid']},
        {'columns': ['area_uuid']},
        {'columns': ['facility_uuid']},
        {'columns': ['chw_uuid']},
        {'columns': ['reporting_month']},
    ],
    meta={
        'key': 'document_uuid',
        'follows': {
            'document_metadata': {
                'reads': ['uuid', 'saved_timestamp', 'doc_type'],
                'keys': "select uuid from changed where doc_type = 'target'",
            },
            'contact': {'reads': ['uuid'], 'keys': naming('fct_target', ['chw_uuid'], 'document_uuid')},
            'dim_chw': {
                'reads': ['uuid', 'area_uuid', 'facility_uuid'],
                'keys': 'select t.document_uuid from changed join fct_target t on t.chw_uuid = changed.uuid',
            },
        },
    },
) }}

with target as (
    select distinct on (m.uuid, {{ code("target ->> 'id'") }})
        m.uuid as document_uuid,
        {{ known_id(reference("c.doc -> 'owner'")) }} as chw_uuid,
        c.doc ->> 'reporting_period' as period,
        {{ moment_of("c.doc ->> 'updated_date'") }} as updated,
        {{ code("target ->> 'id'") }} as target_id,
        {{ one_of("target ->> 'type'", ['count', 'percent']) }} as type,
        {{ number_of("target ->> 'goal'") }} as goal,
        {{ number_of("target #>> '{value,pass}'") }} as pass,
        {{ number_of("target #>> '{value,total}'") }} as total,
        {{ number_of("target #>> '{value,percent}'") }} as percent
    from {{ ref('document_metadata') }} m
    join {{ source('v1', 'couchdb') }} c on c._id = m.uuid and not c._deleted
    cross join lateral jsonb_array_elements(
        case when jsonb_typeof(c.doc -> 'targets') = 'array' then c.doc -> 'targets' else '[]' end
    ) with ordinality as targets (target, position)
    where m.doc_type = 'target' and {{ code("target ->> 'id'") }} is not null and {{ is_stale('m.uuid') }}
    order by m.uuid, target_id, position
)

select
    target.document_uuid || ' ' || target.target_id as uuid,
    target.document_uuid,
    target.chw_uuid,
    chw.area_uuid,
    chw.facility_uuid,
    case when target.period ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])$' then (target.period || '-01')::date end as reporting_month,
    target.target_id,
    target.type,
    target.goal,
    target.pass,
    target.total,
    target.percent,
    target.updated
from target
left join {{ ref('dim_chw') }} chw on chw.uuid = target.chw_uuid
