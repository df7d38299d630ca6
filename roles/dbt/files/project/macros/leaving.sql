-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
Who has left: CHT writes the moment of muting into `muted`, and the day of a death into `date_of_death`; others write true, or a day in
their own words. Whatever is set there counts, also where it does not say when.
#}

{# Whether anything is set there; empty or false is not. So do reports say whether CHT found errors in them. #}
{% macro is_set(text) -%}
    coalesce(lower(btrim({{ text }})) not in ('', 'false', 'no', '0', 'null', 'none', 'undefined', '{}', '[]'), false)
{%- endmacro %}

{# When a contact was muted; null also where that is not said. #}
{% macro muted_at(text) -%}
    case when {{ is_set(text) }} then coalesce({{ moment_of(text) }}, {{ day_in_words(text) }} at time zone 'UTC') end
{%- endmacro %}

{# A day that names its month, as JavaScript writes one (Sun May 03 2026 08:00:00 GMT+0000) or mail does (Sun, 03 May 2026). #}
{% macro day_in_words(text) -%}
    {%- set month -%}
        lower(coalesce(
            substring({{ text }} from '([A-Za-z]{3})[a-z]*[.]? +[0-9]{1,2},? +[12][0-9]{3}'),
            substring({{ text }} from '[0-9]{1,2}[ -]([A-Za-z]{3})')
        ))
    {%- endset -%}
    {{ day_of(
        "substring(" ~ text ~ " from '([12][0-9]{3})')",
        "nullif((position(" ~ month ~ " in 'jan feb mar apr may jun jul aug sep oct nov dec') + 3) / 4, 0)::text",
        "substring(" ~ text ~ " from '(?:^|[^0-9])([0-9]{1,2})(?:[^0-9]|$)')",
    ) }}
{%- endmacro %}
