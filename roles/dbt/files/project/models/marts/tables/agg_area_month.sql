-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What happened in each area in each month, from the area's registration on: flows, whose sums are the stocks. An area
-- where nothing happened has its row of zeros; what happened before its registration has a row too.
{{ config(
    meta={'follows': area_month_follows()},
    indexes=[{'columns': ['area_uuid', 'month']}, {'columns': ['month']}],
) }}
{%- set measures = area_month_measures() %}

with cell as (
    {%- if only_stale() %}
    select left(key, -11) as area_uuid, right(key, 10)::date as month from stale_keys
    {%- else %}
    select area.uuid as area_uuid, month.month
    from {{ ref('dim_area') }} area
    join {{ ref('dim_month') }} month on month.month >= area.registered_month
    {%- for measure in measures %}
    union
    select area_uuid, {{ measure.month }} from {{ ref(measure.of) }} where {{ measure.month }} is not null
    {%- endfor %}
    {%- endif %}
)

{%- for measure in measures %},

measure_{{ loop.index }} as (
    select
        cell.area_uuid,
        cell.month
        {%- for kind in ['counts', 'sums', 'values'] %}{% for name, expression in measure.get(kind, {}).items() %},
        {{ expression }} as {{ name }}
        {%- endfor %}{% endfor %}
    from cell
    join {{ ref(measure.of) }} t on t.area_uuid = cell.area_uuid and t.{{ measure.month }} = cell.month
    {%- if measure.where is defined %}
    where {{ measure.where }}
    {%- endif %}
    group by 1, 2
)
{%- endfor %}

select
    {{ area_month_key('area.uuid', 'cell.month') }} as uuid,
    area.uuid as area_uuid,
    cell.month
    {%- for measure in measures %}{% for name in measure.get('counts', {}) %},
    coalesce({{ name }}, 0)::integer as {{ name }}
    {%- endfor %}{% for name in measure.get('sums', {}) %},
    coalesce({{ name }}, 0)::double precision as {{ name }}
    {%- endfor %}{% for name in measure.get('values', {}) %},
    {{ name }}
    {%- endfor %}{% endfor %}
from cell
join {{ ref('dim_area') }} area on area.uuid = cell.area_uuid
{%- for measure in measures %}
left join measure_{{ loop.index }} on measure_{{ loop.index }}.area_uuid = cell.area_uuid and measure_{{ loop.index }}.month = cell.month
{%- endfor %}
where cell.month <= (select max(month) from {{ ref('dim_month') }})
  and (cell.month >= area.registered_month
    {%- for measure in measures %} or measure_{{ loop.index }}.area_uuid is not null{% endfor %})
