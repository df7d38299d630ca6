-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# on-run-end: keeps what became of each node for var dbt_results_days. #}
{% macro store_results(results) %}
    {%- set table = adapter.get_relation(target.database, target.schema, 'dbt_results') if execute -%}
    {%- if table and results %}
    delete from {{ table }} where start_time < (now() at time zone 'UTC') - interval '{{ var("dbt_results_days") }} days';
    insert into {{ table }}
    values
    {%- for result in results %}
        {%- set times = result.timing | selectattr('started_at') | list %}
        {%- set start = (times | map(attribute='started_at') | min) if times else run_started_at %}
        {%- set end = (result.timing | selectattr('completed_at') | map(attribute='completed_at') | max) if times else start %}
        (
            '{{ invocation_id }}.{{ result.node.unique_id }}', '{{ invocation_id }}', '{{ result.node.unique_id }}',
            '{{ result.node.database }}', '{{ schema_in_use(result.node) }}', '{{ result.node.name }}',
            '{{ result.node.resource_type }}', '{{ result.status }}',
            '{{ start.strftime("%Y-%m-%d %H:%M:%S.%f") }}', '{{ end.strftime("%Y-%m-%d %H:%M:%S.%f") }}',
            {{ result.execution_time }}, {{ result.adapter_response.get('rows_affected', 'null') }}
        ){{ ',' if not loop.last }}
    {%- endfor %}
    {%- endif %}
{% endmacro %}
