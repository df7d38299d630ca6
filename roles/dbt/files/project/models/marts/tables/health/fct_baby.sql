-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A row for each baby of a delivery. The form asks about the living and about the dead in two groups that repeat.
{{ config(
    meta={'key': 'delivery_uuid', 'follows': {
        'fct_report': {'reads': ['uuid', 'form', 'saved_timestamp'], 'keys': "select uuid from changed where form = 'delivery'"},
        'form_delivery': {
            'reads': ['uuid', 'reported', 'chw_uuid', 'area_uuid', 'facility_uuid', 'household_uuid', 'delivered'],
            'keys': 'select uuid from changed',
        },
        'contact': {'reads': ['uuid'], 'keys': naming('fct_baby', ['baby_uuid'], 'delivery_uuid')},
    }},
    indexes=[{'columns': ['delivery_uuid']}, {'columns': ['baby_uuid']}, {'columns': ['area_uuid', 'born_month']}],
) }}

with delivery as (
    select d.*, c.doc -> 'fields' as fields
    from {{ ref('form_delivery') }} d
    join {{ source('v1', 'couchdb') }} c on c._id = d.uuid and not c._deleted
    where {{ is_stale('d.uuid') }}
    offset 0
),

baby as (
    select d.*, 'alive-' || number as number, details, {{ reference("details -> 'child_doc'") }} as baby_uuid, 'alive' as outcome
    from delivery d,
        jsonb_path_query(d.fields, '$.babys_condition.baby_repeat[*].baby_details') with ordinality alive (details, number)
    union all
    select d.*, 'dead-' || number, details, {{ reference("details -> 'baby_death_profile_doc'") }},
        case when details ->> 'stillbirth' = 'yes' then 'stillborn' else 'died' end
    from delivery d, jsonb_path_query(d.fields, '$.baby_death.baby_death_repeat[*]') with ordinality dead (details, number)
)

select
    uuid || '~' || number as uuid,
    uuid as delivery_uuid,
    {{ known_id('baby_uuid') }} as baby_uuid,
    reported,
    reported_day,
    reported_month,
    chw_uuid,
    area_uuid,
    facility_uuid,
    household_uuid,
    delivered as born,
    delivered_month as born_month,
    outcome,
    {{ sex("details ->> 'baby_sex'") }} as sex,
    ({{ decimal_of("details ->> 'birth_weight'", 5) }})::integer as birth_weight,
    case details ->> 'breastfed_within_1_hour' when 'yes' then true when 'no' then false end as breastfed_within_1_hour,
    case details ->> 'r_baby_danger_sign_present' when 'yes' then true when 'no' then false end as danger_sign
from baby
