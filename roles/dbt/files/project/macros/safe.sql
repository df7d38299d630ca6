-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# Expressions over what documents hold, which can be anything: none of them ever fails. #}

{# Text for an index, whose entries are limited to 2704 bytes. #}
{% macro short(expression) -%}
    left({{ expression }}, 600)
{%- endmacro %}

{# A day as a timestamp. Days out of range roll over (30 February is 1 or 2 March) where a cast would fail. #}
{% macro day_of(year, month, day) -%}
    case
        when {{ year }} ~ '^[12]\d{3}$' and {{ month }} ~ '^\d{1,2}$' and {{ day }} ~ '^\d{1,2}$'
        then make_date(({{ year }})::int, 1, 1)
            + make_interval(months => ({{ month }})::int - 1, days => ({{ day }})::int - 1)
    end
{%- endmacro %}

{# The same of a text that begins with a day as ISO 8601 writes it. #}
{% macro iso_day(text) -%}
    {{ day_of("left(" ~ text ~ ", 4)", "substr(" ~ text ~ ", 6, 2)", "substr(" ~ text ~ ", 9, 2)") }}
{%- endmacro %}

{# A moment written as epoch milliseconds, number or text, or as ISO 8601, UTC unless it says otherwise. #}
{% macro moment_of(expression) -%}
    case
        when {{ expression }} ~ '^\d{1,14}(\.\d*)?$'
        then to_timestamp(({{ expression }})::double precision / 1000)
        when {{ expression }} ~ '^[12]\d{3}-\d\d-\d\d'
        then (
            {{ iso_day(expression) }}
            + coalesce(substring({{ expression }} from '[T ](\d\d:[0-5]\d(:[0-5]\d(\.\d{1,6})?)?)')::interval, '0')
            - coalesce(substring({{ expression }} from '[+-]\d\d:[0-5]\d$')::interval, '0')
        ) at time zone 'UTC'
    end
{%- endmacro %}

{# The first moment of what a telemetry document is about; where a part of the date is missing, its id has it too. #}
{% macro telemetry_period() -%}
    {{ day_of(
        "coalesce(doc #>> '{metadata,year}', substring(uuid from '^telemetry-(\d{4})-'))",
        "coalesce(doc #>> '{metadata,month}', substring(uuid from '^telemetry-\d{4}-(\d+)-'))",
        "coalesce(doc #>> '{metadata,day}', substring(uuid from '^telemetry-\d{4}-\d+-(\d{1,2})-'), '1')",
    ) }} at time zone '{{ var("time_zone") }}'
{%- endmacro %}

{# A day written as such, or the day of a moment in var time_zone. #}
{% macro date_of(expression) -%}
    case
        when {{ expression }} ~ '^[12]\d{3}-\d\d-\d\d$'
        then ({{ iso_day(expression) }})::date
        else {{ local_day(moment_of(expression)) }}
    end
{%- endmacro %}

{# First day of the month of a day. #}
{% macro month_of(day) -%}
    date_trunc('month', ({{ day }})::timestamp)::date
{%- endmacro %}

{# What clocks in var time_zone show at a moment, for people: Superset takes whatever has a zone of its own for UTC. #}
{% macro local_time(moment) -%}
    (({{ moment }}) at time zone '{{ var("time_zone") }}')
{%- endmacro %}

{# Day and month of a moment, in var time_zone. #}
{% macro local_day(moment) -%}
    {{ local_time(moment) }}::date
{%- endmacro %}
{% macro local_month(moment) -%}
    {{ month_of(local_day(moment)) }}
{%- endmacro %}

{# Whether a month is over there, so that nothing of it is still to come. Today's is worked out once, and not for each row. #}
{% macro is_over(month) -%}
    ({{ month }} < (select {{ local_month('now()') }}))
{%- endmacro %}

{# A number written as one, of up to 15 digits. #}
{% macro number_of(expression) -%}
    case when {{ expression }} ~ '^-?\d{1,15}(\.\d{1,15})?$' then ({{ expression }})::double precision end
{%- endmacro %}
