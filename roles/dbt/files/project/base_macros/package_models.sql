-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
What packages written for cht-pipeline v2 call: the same names, parameters and columns, on our base models. Expressions
of a package read the document as `couchdb.doc`, the report as `data_record`, the contact as `contact`.

Unlike there no row is missed, by the windows of window.sql, and rows go with their document, by a foreign key.
#}

{# A model of one form's reports: the columns that all have, and the package's own. #}
{% macro cht_form_model(form_name, form_columns, form_indexes=[]) -%}
    {{ cht_form_multi([{'form_name': form_name, 'form_columns': form_columns}], form_indexes) }}
{%- endmacro %}

{# The same of several forms, whose own columns must be alike. #}
{% macro cht_form_multi(forms, form_indexes=[]) -%}
    {{ config(**package_model('data_record', data_record_indexes() + form_indexes)) }}
    {%- for form in forms %}
    select {{ data_record_columns() }}, {{ form.form_columns }}
    {{ data_record_join(form.form_name) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#
A model of one kind of contact: the columns that all have, the uuids of the contacts above it, and the package's own.

parents: from the nearest up, each with the kind's name (`id`, the column's name too) and the model to look in (`table`).
#}
{% macro cht_contact_model(contact_type, parents, custom_contact_columns, custom_indexes=[]) -%}
    {{ config(**package_model('contact', contact_indexes() + custom_indexes)) }}
    select
        {{ contact_columns() }},
        {%- for parent in parents %}
        {{ parent.id }}.uuid as {{ parent.id }},
        {%- endfor %}
        {{ custom_contact_columns }}
    from {{ ref('contact') }} contact
    join {{ source('v1', 'couchdb') }} couchdb on couchdb._id = contact.uuid and not couchdb._deleted
    {%- for parent in parents %}
    left join {{ ref(parent.table) }} {{ parent.id }}
        on {{ parent.id }}.uuid = {{ 'contact' if loop.first else loop.previtem.id }}.parent_uuid
    {%- endfor %}
    where contact.contact_type = '{{ contact_type }}' and {{ in_window('contact.saved_timestamp') }}
{%- endmacro %}

{% macro data_record_columns() -%}
    data_record.uuid as uuid,
    data_record.saved_timestamp,
    data_record.contact_uuid as reported_by,
    data_record.parent_uuid as reported_by_parent,
    data_record.reported
{%- endmacro %}

{% macro data_record_indexes() -%}
    {{ return([
        {'columns': ['uuid'], 'type': 'hash'},
        {'columns': ['saved_timestamp']},
        {'columns': ['reported_by']},
        {'columns': ['reported_by_parent']},
        {'columns': ['reported']},
    ]) }}
{%- endmacro %}

{% macro data_record_join(form_name) -%}
    from {{ ref('data_record') }} data_record
    join {{ source('v1', 'couchdb') }} couchdb on couchdb._id = data_record.uuid and not couchdb._deleted
    where data_record.form = '{{ form_name }}' and {{ in_window('data_record.saved_timestamp') }}
{%- endmacro %}

{% macro contact_columns() -%}
    contact.uuid as uuid,
    contact.saved_timestamp,
    contact.parent_uuid,
    contact.reported,
    contact.name
{%- endmacro %}

{% macro contact_indexes() -%}
    {{ return([
        {'columns': ['uuid'], 'type': 'hash'},
        {'columns': ['saved_timestamp']},
        {'columns': ['parent_uuid']},
        {'columns': ['reported']},
        {'columns': ['name']},
    ]) }}
{%- endmacro %}

{# For models that keep their place by their own newest row: stamps are unique and grow, so > and >= miss none. #}
{% macro max_existing_timestamp(timestampfield, target_ref=this) -%}
    {{ return("(select coalesce(max(" ~ timestampfield ~ "), '-infinity') from " ~ target_ref ~ ")") }}
{%- endmacro %}

{# How such a model is kept in step with the base model it reads. #}
{% macro package_model(parent, indexes) -%}
    {{ return({
        'materialized': 'incremental',
        'unique_key': 'uuid',
        'incremental_strategy': 'merge',
        'on_schema_change': 'append_new_columns',
        'indexes': indexes,
        'pre_hook': "{{ open_window() }}",
        'post_hook': [
            "{{ hang_on(ref('" ~ parent ~ "')) }}",
            "{{ drop_outdated(ref('" ~ parent ~ "')) }}",
            "{{ close_window() }}",
        ],
    }) }}
{%- endmacro %}

{# Post-hook: rows of a new table go with those of its parent. #}
{% macro hang_on(parent) -%}
    {% if not is_incremental() %}alter table {{ this }} add foreign key (uuid) references {{ parent }} (uuid) on delete cascade{% endif %}
{%- endmacro %}
