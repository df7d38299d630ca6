-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The kinds of contact: those in CHT's settings, and those of the fixed hierarchy that are not listed there.
{{ config(unique_key='id') }}

with setting as (
    select type ->> 'id' as id, bool_or(type ->> 'person' = 'true') is true as person
    from {{ source('v1', 'couchdb') }} c
    cross join lateral jsonb_array_elements(
        case when jsonb_typeof(c.doc #> '{settings,contact_types}') = 'array'
             then c.doc #> '{settings,contact_types}' else '[]' end
    ) type
    where c._id = 'settings' and not c._deleted and type ->> 'id' is not null
    group by 1
),

fixed (id, person) as (
    values
    {%- for type in var('place_types') %} ('{{ type }}', false),{% endfor %}
    {%- for type in var('person_types') %} ('{{ type }}', true){{ ',' if not loop.last }}{% endfor %}
)

select id, person, true as configured from setting
union all
select id, person, false from fixed where id not in (select id from setting)
{% if is_incremental() %}
except
select id, person, configured from {{ this }}
{% endif %}
