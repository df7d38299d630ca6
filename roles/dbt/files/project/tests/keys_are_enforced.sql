-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Marts whose keys the database does not enforce. That it does costs less than to count them each hour.
-- depends_on: {{ ref('agg_area_month') }}
with wanted (name) as (
    values
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.meta.follows %}
    ('{{ node.schema }}.{{ node.alias }}'){{ ',' if not loop.last }}
    {%- endfor %}
)

select name
from wanted
where not exists (select from pg_constraint where conrelid = to_regclass(name) and contype = 'p')
