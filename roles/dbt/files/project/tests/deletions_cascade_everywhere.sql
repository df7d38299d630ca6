-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Models whose rows would outlive their documents. A full refresh of a part of the models drops the foreign keys of
-- the others; `dbt run --full-refresh` of everything brings them back.
-- depends_on: {{ ref('fct_report') }}
with wanted (name) as (
    values
    {%- for node in graph.nodes.values() if node.resource_type == 'model'
        and node.constraints | selectattr('type', 'eq', 'foreign_key') | list %}
    ('{{ node.schema }}.{{ node.alias }}'){{ ',' if not loop.last }}
    {%- endfor %}
)

select name
from wanted
where not exists (
    select from pg_constraint where conrelid = to_regclass(name) and contype = 'f' and confdeltype = 'c'
)
