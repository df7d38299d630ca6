-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# Of the joined contacts level_0, level_1 and so on, the id of the first whose kind is one of these. #}
{% macro nearest_place(types) -%}
    case
    {%- for level in range(var('hierarchy_levels')) %}
        when level_{{ level }}.contact_type in {{ in_list(types) }} then level_{{ level }}.uuid
    {%- endfor %}
    end
{%- endmacro %}

{# Of those contacts the moment at which the first that has one was registered. #}
{% macro registered_above() -%}
    coalesce(
    {%- for level in range(var('hierarchy_levels')) -%}
        level_{{ level }}.reported{{ ', ' if not loop.last }}
    {%- endfor -%}
    )
{%- endmacro %}

{# The month in which the first of them was muted: CHT mutes with a place all that is below it. Null where none is. #}
{% macro muted_above(registered_month) -%}
    least(
    {%- for level in range(var('hierarchy_levels')) %}
        -- greatest leaves out nulls.
        case when {{ is_set('level_' ~ level ~ '.muted') }}
            then greatest({{ local_month(muted_at('level_' ~ level ~ '.muted')) }}, {{ registered_month }}) end{{ ',' if not loop.last }}
    {%- endfor %}
    )
{%- endmacro %}

{# Why the way up from level_0 may be incomplete; null where it is not. #}
{% macro broken_hierarchy() -%}
    {%- set last = var('hierarchy_levels') - 1 -%}
    case
    {%- for level in range(1, var('hierarchy_levels')) %}
        when level_{{ level }}.uuid in (
            {%- for below in range(level) %}level_{{ below }}.uuid{{ ', ' if not loop.last }}{% endfor -%}
        ) then 'cycle'
    {%- endfor %}
        when {{ nearest_place(var('facility_types')) }} is not null then null
    {%- for level in range(last) %}
        when level_{{ level }}.parent_uuid is not null and level_{{ level + 1 }}.uuid is null then 'parent_missing'
    {%- endfor %}
        when level_{{ last }}.parent_uuid is not null then 'too_deep'
    end
{%- endmacro %}

{# Ids of the places at and below the contacts in a relation's column uuid, as `contact` has them: one may hang on a person. #}
{% macro places_below(relation) -%}
    with recursive below (uuid, level) as (
        select uuid, 1 from {{ relation }}
        union
        select c.uuid, level + 1 from below
        join contact c on c.parent_uuid = below.uuid
        where level < {{ var('hierarchy_levels') }}
    )
    select uuid from below join place using (uuid)
{%- endmacro %}

{# A list of SQL's. #}
{% macro in_list(values) -%}
    ('{{ values | join("', '") }}')
{%- endmacro %}
