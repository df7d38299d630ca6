-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# What all rpt_* views carry of a row's place and CHW, in the same words, and the joins that give the names. #}
{% macro place_columns(row) -%}
    {{ row }}.facility_uuid,
    facility.name as facility_name,
    {{ row }}.area_uuid,
    area.name as area_name,
    {{ row }}.chw_uuid,
    chw.name as chw_name
{%- endmacro %}

{% macro place_joins(row) -%}
    left join {{ ref('dim_facility') }} facility on facility.uuid = {{ row }}.facility_uuid
    left join {{ ref('dim_area') }} area on area.uuid = {{ row }}.area_uuid
    left join {{ ref('dim_chw') }} chw on chw.uuid = {{ row }}.chw_uuid
{%- endmacro %}

{# From when on counts what no date is known of, nor of the places above: the first month of dim_month. #}
{% macro first_month() -%}
    '2000-01-01'::date
{%- endmacro %}
