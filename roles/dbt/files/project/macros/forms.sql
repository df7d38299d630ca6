-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
A model of a form: a row for each of its valid reports, with what fct_report knows of it and the form's fields.

Which fields is written in the model's YAML: each column that has `meta.field`, the dotted path below `fields`, is read
from there as its data_type says. A boolean is true for the answer yes and false for no, or, where it has
`meta.selected`, whether that is among the choices selected. What is no such value, or was not answered, is null.
Text is an id of a row of the models in `meta.names`, or one of `meta.words`, else `other`: what is typed into a form stays out.
Forms of a site's own get both from the inventory (dbt_forms, cht_dbt/forms.py).
#}
{% macro form_model(form, model_name=none) %}
{%- set columns = [] -%}
{%- if execute -%}
    {#- By name, since a unit test of the model is another node. -#}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == (model_name or 'form_' ~ form) -%}
        {%- do columns.extend(node.columns.values() | selectattr('meta.field', 'defined')) -%}
    {%- endfor -%}
{%- endif %}
-- depends_on: {{ ref('contact') }}
select
    report.uuid,
    report.reported,
    report.reported_day,
    report.reported_month,
    report.chw_uuid,
    report.area_uuid,
    report.facility_uuid,
    report.household_uuid,
    report.patient_uuid
    {%- for column in columns %},
    {{ form_field(column) }} as {{ column.name }}
    {%- endfor %}
from (
    -- Taken out of the document once, not for each column.
    select r.*, c.doc -> 'fields' as fields
    from {{ ref('fct_report') }} r
    join {{ source('v1', 'couchdb') }} c on c._id = r.uuid and not c._deleted
    where r.form = '{{ form }}' and r.is_valid and {{ is_stale('r.uuid') }}
    offset 0
) report
{% endmacro %}

{# What a form's model follows: its reports, and what its columns name (`reports`, `contacts`: those with meta.names). #}
{% macro follow_form(form, reports=[], contacts=[]) -%}
    {%- set follows = {'fct_report': {
        'reads': ['uuid', 'form', 'is_valid', 'saved_timestamp', 'reported', 'chw_uuid', 'area_uuid', 'facility_uuid', 'household_uuid', 'patient_uuid'],
        'keys': "select uuid from changed where form = '" ~ form ~ "'" ~ (' union ' ~ naming('form_' ~ form, reports) if reports),
    }} -%}
    {%- if contacts -%}
        {%- do follows.update({'contact': {'reads': ['uuid'], 'keys': naming('form_' ~ form, contacts)}}) -%}
    {%- endif -%}
    {{ return(follows) }}
{%- endmacro %}

{# A field as a column's type. #}
{% macro form_field(column) -%}
    {%- set text = "nullif(fields #>> '{" ~ column.meta.field | replace('.', ',') ~ "}', '')" -%}
    {%- if column.meta.selected -%}
        '{{ column.meta.selected }}' = any(string_to_array({{ text }}, ' '))
    {%- elif column.data_type == 'boolean' -%}
        case {{ text }} when 'yes' then true when 'no' then false end
    {%- elif column.data_type == 'date' -%}
        ({{ iso_day(text) }})::date
    {%- elif column.data_type == 'integer' -%}
        trunc({{ decimal_of(text, 9) }})::integer
    {%- elif column.meta.names -%}
        {{ known_id(reference("fields #> '{" ~ column.meta.field | replace('.', ',') ~ "}'"), column.meta.names) }}
    {%- elif column.meta.words -%}
        {{ one_of(text, column.meta.words) }}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ '.' ~ column.name ~ ' is text: say in its meta which `words` there are, or what it `names` (models with a uuid)') }}
    {%- endif -%}
{%- endmacro %}

{# The rows of a form model about stale patients; one about nobody is known by its own uuid. #}
{% macro about_stale(form, patient='patient_uuid') -%}
    (
        select * from {{ form }} where {{ patient }} is not null and {{ is_stale(patient) }}
        union all
        select * from {{ form }} where {{ patient }} is null and {{ is_stale('uuid') }}
    )
{%- endmacro %}

{# Whether the mother or baby was seen within 3 or 7 days of the birth; null where the report came too early to tell. #}
{% macro pnc_within(delivery, days) -%}
    case when {{ delivery }}.reported_day >= {{ delivery }}.delivered + {{ days }}
        then {{ delivery }}.pnc_24_hours or {{ delivery }}.pnc_3_days {%- if days == 7 %} or {{ delivery }}.pnc_7_days {%- endif %}
    end
{%- endmacro %}
