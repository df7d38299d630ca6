-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
Models that are whole tables, as packages have them: dbt would drop the table, with the views that read it, and make it again in each
run. Here the table stays, and its rows are replaced in one transaction, which no reader waits for. Its columns cannot differ,
since a model that changed is made beside (cht-dbt).
#}

{% materialization table, adapter='postgres' %}
    {%- set there = load_cached_relation(this) -%}
    {%- if there is none or not there.is_table or should_full_refresh() -%}
        {{ return(dbt.materialization_table_default()) }}
    {%- endif -%}
    {%- set made = make_temp_relation(this) -%}
    {%- set columns = adapter.get_columns_in_relation(there) | map(attribute='quoted') | join(', ') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks) }}
    {%- do run_query('create temporary table ' ~ made ~ ' on commit drop as (' ~ sql ~ ')') -%}
    {%- call statement('main') -%}
        delete from {{ this }};
        insert into {{ this }} ({{ columns }}) select {{ columns }} from {{ made }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}
