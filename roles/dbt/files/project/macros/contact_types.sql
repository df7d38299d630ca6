-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# The kinds of contact in the settings of each instance. #}
{% macro instance_contact_types() %}
select setting.instance, type ->> 'id' as id, bool_or(type ->> 'person' = 'true') is true as person
from (
    -- Of an instance of which two databases have settings, the newest count.
    select distinct on (1) {{ instance_of('source') }} as instance, doc
    from {{ source('v1', 'instance_document') }}
    where _id = 'settings' and not _deleted
    order by 1, saved_timestamp desc
) setting
cross join lateral jsonb_array_elements(
    case when jsonb_typeof(setting.doc #> '{settings,contact_types}') = 'array'
         then setting.doc #> '{settings,contact_types}' else '[]' end
) type
where type ->> 'id' is not null
group by 1, 2
{% endmacro %}

{# Those of all instances, and those of the fixed hierarchy that no settings list. #}
{% macro contact_types() %}
with setting as (
    select id, bool_or(person) as person from {{ ref('instance_contact_type') }} group by 1
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

{# Post-hook of contact_type: what is no kind any more goes. #}
{% macro drop_gone_kinds() %}
    {%- if is_incremental() %}
    delete from {{ this }} where id not in (select id from ({{ contact_types() }}) now)
    {%- endif %}
{% endmacro %}

{# Pre- and post-hook of instance_contact_type: what is no kind any more goes, and where kinds changed, all contacts are sorted again. #}
{% macro remember_contact_types() %}
    {%- if is_incremental() %}
    create temp table contact_type_before on commit drop as table {{ this }}
    {%- endif %}
{% endmacro %}

{% macro sort_contacts_again() %}
    {%- if is_incremental() %}
    delete from {{ this }} where (instance, id) not in (select instance, id from ({{ instance_contact_types() }}) now);
    delete from {{ own_schema() }}.watermark where model in ('person', 'place', 'patient') and exists (
        (table contact_type_before except table {{ this }}) union all (table {{ this }} except table contact_type_before)
    )
    {%- endif %}
{% endmacro %}

{# Whether a contact is a person: as the settings of its own instance say, else by the fixed hierarchy. c is its raw row. #}
{% macro contact_type_join(contact='contact', c='c') -%}
    left join {{ ref('instance_contact_type') }} kind on kind.instance = {{ instance_of(c ~ '.source') }} and kind.id = {{ contact }}.contact_type
{%- endmacro %}
{% macro is_person(contact='contact') -%}
    coalesce(kind.person, {{ contact }}.contact_type in {{ in_list(var('person_types')) }})
{%- endmacro %}

{# Post-hook: drops contacts that are a person, or none, when all are sorted again. #}
{% macro drop_resorted(person) %}
    delete from {{ this }} t using (
        select contact.uuid
        from {{ ref('contact') }} contact
        join {{ source('v1', 'couchdb') }} c on c._id = contact.uuid
        {{ contact_type_join() }}
        where current_setting('cht.since') = '-infinity' and {{ 'not' if person }} {{ is_person() }}
    ) other
    where other.uuid = t.uuid
{% endmacro %}
