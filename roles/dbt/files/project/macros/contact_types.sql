-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# The kinds of contact: those in CHT's settings, and those of the fixed hierarchy that are not listed there. #}
{% macro contact_types() %}
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
{% endmacro %}

{# Pre- and post-hook of contact_type: what is no kind any more goes, and where kinds changed, all contacts are sorted again. #}
{% macro remember_contact_types() %}
    {%- if is_incremental() %}
    create temp table contact_type_before on commit drop as table {{ this }}
    {%- endif %}
{% endmacro %}

{% macro sort_contacts_again() %}
    {%- if is_incremental() %}
    delete from {{ this }} where id not in (select id from ({{ contact_types() }}) now);
    delete from {{ own_schema() }}.watermark where model in ('person', 'place', 'patient') and exists (
        (table contact_type_before except table {{ this }}) union all (table {{ this }} except table contact_type_before)
    )
    {%- endif %}
{% endmacro %}

{# Post-hook: drops contacts that are a person, or none, when all are sorted again. #}
{% macro drop_resorted(person) %}
    delete from {{ this }} t using {{ ref('contact') }} c
    where current_setting('cht.since') = '-infinity' and c.uuid = t.uuid
      and {{ 'not' if person }} exists (select from {{ ref('contact_type') }} k where k.id = c.contact_type and k.person)
{% endmacro %}
