-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# A column of the first place of some types among `parent` and `grandparent`, two joined contacts. #}
{% macro nearest_place(types, column) -%}
    case
    {%- for place in ['parent', 'grandparent'] %}
        when {{ place }}.contact_type in ({% for type in types %}'{{ type }}'{{ ', ' if not loop.last }}{% endfor %})
        then {{ place }}.{{ column }}
    {%- endfor %}
    end
{%- endmacro %}
