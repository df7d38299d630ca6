-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Which month of which health worker a target document is about.
{{ config(
    indexes=[{'columns': ['chw_uuid', 'reporting_month']}],
    meta={'follows': {
        'document_metadata': {
            'reads': ['uuid', 'saved_timestamp', 'doc_type'],
            'keys': "select uuid from changed where doc_type = 'target'",
        },
        'contact': {'reads': ['uuid'], 'keys': naming('fct_target_document', ['chw_uuid'])},
    }},
) }}

select
    m.uuid,
    m.saved_timestamp,
    {{ known_id(reference("c.doc -> 'owner'")) }} as chw_uuid,
    case when c.doc ->> 'reporting_period' ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])$' then (c.doc ->> 'reporting_period' || '-01')::date end as reporting_month,
    {{ moment_of("c.doc ->> 'updated_date'") }} as updated
from {{ ref('document_metadata') }} m
join {{ source('v1', 'couchdb') }} c on c._id = m.uuid and not c._deleted
where m.doc_type = 'target' and {{ is_stale('m.uuid') }}
