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

{# Ids of the places at and below those in a relation's column uuid, as `contact` has them. #}
{% macro places_below(relation) -%}
    with recursive below (uuid, level) as (
        select uuid, 1 from {{ relation }}
        union
        select c.uuid, level + 1 from below
        join contact c on c.parent_uuid = below.uuid
        join place on place.uuid = c.uuid
        where level < {{ var('hierarchy_levels') }}
    )
    select uuid from below
{%- endmacro %}

{# A list of SQL's. #}
{% macro in_list(values) -%}
    ('{{ values | join("', '") }}')
{%- endmacro %}
