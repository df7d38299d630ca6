-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What the app counted for a health worker in a month, a row for each target of a target document. Of two documents of one
-- worker and month, made by two accounts, the newest counts.
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
            'fct_target_document': {
                'reads': ['uuid', 'saved_timestamp', 'chw_uuid', 'reporting_month', 'updated'],
                'keys': 'select uuid from changed
                         union select d.uuid from changed join fct_target_document d using (chw_uuid, reporting_month)',
            },
            'dim_chw': {
                'reads': ['uuid', 'area_uuid', 'facility_uuid'],
                'keys': 'select t.document_uuid from changed join fct_target t on t.chw_uuid = changed.uuid',
            },
        },
    },
) }}

with target as (
    select distinct on (d.uuid, {{ code("target ->> 'id'") }})
        d.uuid as document_uuid,
        d.saved_timestamp,
        d.chw_uuid,
        d.reporting_month,
        d.updated,
        {{ code("target ->> 'id'") }} as target_id,
        {{ one_of("target ->> 'type'", ['count', 'percent']) }} as type,
        {{ number_of("target ->> 'goal'") }} as goal,
        {{ number_of("target #>> '{value,pass}'") }} as pass,
        {{ number_of("target #>> '{value,total}'") }} as total,
        {{ number_of("target #>> '{value,percent}'") }} as percent
    from {{ ref('fct_target_document') }} d
    join {{ source('v1', 'couchdb') }} c on c._id = d.uuid and not c._deleted
    cross join lateral jsonb_array_elements(
        case when jsonb_typeof(c.doc -> 'targets') = 'array' then c.doc -> 'targets' else '[]' end
    ) with ordinality as targets (target, position)
    where {{ code("target ->> 'id'") }} is not null and {{ is_stale('d.uuid') }}
    order by d.uuid, target_id, position
)

select
    target.document_uuid || ' ' || target.target_id as uuid,
    target.document_uuid,
    target.chw_uuid,
    chw.area_uuid,
    chw.facility_uuid,
    target.reporting_month,
    target.target_id,
    target.type,
    target.goal,
    target.pass,
    target.total,
    target.percent,
    target.updated,
    not exists (
        select from {{ ref('fct_target_document') }} newer
        where newer.chw_uuid = target.chw_uuid and newer.reporting_month = target.reporting_month
          and (coalesce(newer.updated, '-infinity'), newer.saved_timestamp) > (coalesce(target.updated, '-infinity'), target.saved_timestamp)
    ) as is_newest
from target
left join {{ ref('dim_chw') }} chw on chw.uuid = target.chw_uuid
