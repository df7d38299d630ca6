-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# A share in percent; null where there is nothing to take a share of. #}
{% macro percent(part, whole) -%}
    (100.0 * ({{ part }}) / nullif({{ whole }}, 0))::double precision
{%- endmacro %}
