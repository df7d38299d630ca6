-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Models whose rows would outlive their documents. A full refresh of a part of the models drops the foreign keys of
-- the others; `dbt run --full-refresh` of everything brings them back.
-- depends_on: {{ ref('fct_report') }}
with wanted (name) as (
    select null::text where false
    {%- for node in graph.nodes.values() if node.resource_type == 'model' %}
        {#- Of the model, or of one of its columns, as cht-pipeline has them #}
        {%- set constraints = node.constraints + node.columns.values() | map(attribute='constraints', default=[]) | sum(start=[]) %}
        {%- if constraints | selectattr('type', 'eq', 'foreign_key') | list %}
    union all select '{{ node.schema }}."{{ node.alias }}"'
        {%- endif %}
    {%- endfor %}
)

select name
from wanted
where not exists (
    select from pg_constraint where conrelid = to_regclass(name) and contype = 'f' and confdeltype = 'c'
)
