-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# Expressions over what documents hold, which can be anything: none of them ever fails. #}

{# Text for an index, whose entries are limited to 2704 bytes. #}
{% macro short(expression, length=600) -%}
    left({{ expression }}, {{ length }})
{%- endmacro %}

{#
The first of these JSON values that is an id, as text: a string that is not empty. CHT writes a reference as {"_id": ...},
but it may be "", {}, the id itself, or an object with a name and a phone number in place of an id:

    reference("doc #> '{contact,_id}'", "doc -> 'contact'")
#}
{% macro reference() -%}
    {{ short(first_of(varargs, '@.type() == "string" && @ != ""')) }}
{%- endmacro %}

{# The same for a shortcode, which forms may write as a number. #}
{% macro shortcode() -%}
    {{ short(first_of(varargs, '@.type() == "number" || @.type() == "string" && @ != ""')) }}
{%- endmacro %}

{# Looks at each value once, for a large document is unpacked each time. Strict: else the members of an array would count. #}
{% macro first_of(values, condition) -%}
    jsonb_path_query_first(jsonb_build_array({{ values | join(', ') }}), 'strict $[*] ? ({{ condition }})') #>> '{}'
{%- endmacro %}

{#
Digits are written [0-9] everywhere: what \d takes for one depends on the locale of the database, and a cast takes ASCII's only.
Parts are bounded, since a cast fails beyond the range of its type.
#}

{# A day as a timestamp; null where the calendar has no such day, for which a cast would fail. #}
{% macro day_of(year, month, day) -%}
    case
        when {{ year }} ~ '^[12][0-9]{3}$' and {{ month }} ~ '^(0?[1-9]|1[0-2])$' and {{ day }} ~ '^(0?[1-9]|[12][0-9]|3[01])$'
        then case
            when ({{ day }})::int <= extract(day from make_date(({{ year }})::int, ({{ month }})::int, 1) + interval '1 month' - interval '1 day')
            then make_date(({{ year }})::int, ({{ month }})::int, ({{ day }})::int)::timestamp
        end
    end
{%- endmacro %}

{# The same of a text that begins with a day as ISO 8601 writes it. #}
{% macro iso_day(text) -%}
    {{ day_of("left(" ~ text ~ ", 4)", "substr(" ~ text ~ ", 6, 2)", "substr(" ~ text ~ ", 9, 2)") }}
{%- endmacro %}

{# A moment written as epoch milliseconds, number or text, or as ISO 8601, UTC unless it says otherwise. #}
{% macro moment_of(expression) -%}
    case
        when {{ is_decimal(expression, 14) }}
        then to_timestamp(({{ expression }})::double precision / 1000)
        when {{ expression }} ~ '^[12][0-9]{3}-[0-9]{2}-[0-9]{2}'
        then (
            {{ iso_day(expression) }}
            + coalesce(substring({{ expression }} from
                '^[-0-9]{10}[T ]((([01][0-9]|2[0-3]):[0-5][0-9]|24:00)(:[0-5][0-9](\.[0-9]{1,6})?)?)')::interval, '0')
            - coalesce(regexp_replace(substring({{ expression }} from
                '^[-0-9]{10}[T ].*([+-](0[0-9]|1[0-4]):?[0-5][0-9])$'), '^(...):?(..)$', '\1:\2')::interval, '0')
        ) at time zone 'UTC'
    end
{%- endmacro %}

{# The first moment of what a telemetry document is about; where a part of the date is missing, its id has it too. #}
{% macro telemetry_period() -%}
    {{ day_of(
        "coalesce(doc #>> '{metadata,year}', substring(uuid from '^telemetry-([0-9]{4})-'))",
        telemetry_month("coalesce(doc #>> '{metadata,month}', substring(uuid from '^telemetry-[0-9]{4}-([0-9]+)-'))"),
        "coalesce(doc #>> '{metadata,day}', substring(uuid from '^telemetry-[0-9]{4}-[0-9]+-([0-9]{1,2})-'), '1')",
    ) }} at time zone '{{ var("time_zone") }}'
{%- endmacro %}

{#
Its month, 1 to 12. Apps before 3.8 wrote 0 to 11; of an app that does not say its version, only a 0 is known to be one of these.
#}
{% macro telemetry_month(month) -%}
    {%- set version -%} string_to_array(substring(doc #>> '{metadata,versions,app}' from '^v?([0-9]{1,4}[.][0-9]{1,4})'), '.')::int[] {%- endset -%}
    case when {{ month }} ~ '^[0-9]{1,2}$' then
        (({{ month }})::int + case when coalesce({{ version }} < '{3,8}' and ({{ month }})::int < 12, ({{ month }})::int = 0) then 1 else 0 end)::text
    end
{%- endmacro %}

{# A day written as such, or the day of a moment in var time_zone. #}
{% macro date_of(expression) -%}
    case
        when {{ expression }} ~ '^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$'
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

{# Whether it is a number of up to so many digits, as numeric and double precision can be cast from. #}
{% macro is_decimal(expression, digits) -%}
    {{ expression }} ~ '^[0-9]{1,{{ digits }}}(\.[0-9]{0,100})?$'
{%- endmacro %}

{# Such a number. #}
{% macro decimal_of(expression, digits) -%}
    case when {{ is_decimal(expression, digits) }} then ({{ expression }})::numeric end
{%- endmacro %}

{# A number written as one, of up to 15 digits, negative ones too. #}
{% macro number_of(expression) -%}
    case when {{ expression }} ~ '^-?[0-9]{1,15}(\.[0-9]{1,100})?$' then ({{ expression }})::double precision end
{%- endmacro %}
