-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# on-run-start: the project's models, as a table. A view that lists them would only be made anew when it changes itself. #}
{% macro list_models() %}
    {%- set table = own_schema() ~ '.project_model' %}
    create table if not exists {{ table }} (
        unique_id text primary key, schema_name text not null, model text not null, materialized text not null
    )
    {%- if execute %}
    {%- set rows = [] %}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized != 'ephemeral' %}
        {%- do rows.append("('" ~ [node.unique_id, schema_in_use(node), node.name, node.config.materialized] | join("', '") ~ "')") %}
    {%- endfor %};
    delete from {{ table }} kept where row(kept.*) not in (values {{ rows | join(', ') }});
    insert into {{ table }} values {{ rows | join(', ') }} on conflict do nothing
    {%- endif %}
{% endmacro %}

{# Keys of the marts on devices and feedback: JSON arrays, since what they are made of can be any text. #}

{#
User, device and instance of a telemetry document, whose id is telemetry-<year>-<month>-<day, if daily>-<user>-<device>. A copy that the app
kept of a conflict ends in -conflicted-<moment>, and is of the same device; so is a copy of a copy.
#}
{% macro device_key() -%}
    jsonb_build_array(user_name, {{ device_id() }}, instance)::text
{%- endmacro %}
{% macro device_id() -%}
    {%- set rest = "substring(regexp_replace(uuid, '(-conflicted(-[0-9]+)?)+$', '') from '^telemetry-[0-9]+-[0-9]+-(?:[0-9]+-)?(.*)$')" -%}
    {%- set text = "(case when starts_with(" ~ rest ~ ", user_name || '-') then substr(" ~ rest ~ ", length(user_name) + 2) else coalesce(" ~ rest ~ ", uuid) end)" -%}
    {{ shaped(text, '^[A-Za-z0-9][A-Za-z0-9_:.-]*$', 100) }}
{%- endmacro %}

{# Day, source and message of a feedback document. #}
{% macro feedback_key() -%}
    jsonb_build_array({{ local_day(moment_of('period_start')) }}, {{ feedback_source() }}, {{ feedback_message() }})::text
{%- endmacro %}
{% macro feedback_source() -%}
    case when source = 'manual' then 'manual' else 'automatic' end
{%- endmacro %}

{# What an error begins with, so that like ones count together. What a user wrote stays out. #}
{% macro feedback_message() -%}
    case when source is distinct from 'manual' then {{ error_words('message') }} else '' end
{%- endmacro %}

{# Whether it says when, and a day that there is: then text and day are in one order, by the bytes of the text. #}
{% macro feedback_is_dated() -%}
    period_start ~ '^[12][0-9]{3}-[0-9]{2}-[0-9]{2}' and {{ iso_day('period_start') }} is not null
{%- endmacro %}
