-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
Most of a run in which little changed is dbt's own work for each model. So of our models, those for which nothing changed
end at once, and the columns of the others are taken from their contracts: dbt would compare the query, the new rows and
the table, by five questions each. They cannot differ, since a model that changed is made anew (cht-dbt). Models of
packages, and tables that are made anew, are dbt's own incremental ones.
#}

{% materialization incremental, adapter='postgres' %}
    {%- set meta = model.config.meta -%}
    {%- if not is_incremental() or not model.contract.enforced or not (meta.follows or meta.window) -%}
        {{ return(dbt.materialization_incremental_default()) }}
    {%- endif -%}
    {%- if run_query(nothing_stale() if meta.follows else window_is_empty()).columns[0].values()[0] -%}
        {%- call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) -%}{%- endcall -%}
        {{ return({'relations': [this]}) }}
    {%- endif -%}
    {{ return(renew_rows(sql)) }}
{% endmaterialization %}

{# What changed, by the model's own strategy, in one transaction with its hooks. #}
{% macro renew_rows(sql) %}
    {%- set made = make_temp_relation(this) -%}
    {%- set columns = [] -%}
    {%- for name in model.columns -%}
        {%- do columns.append(api.Column(name, model.columns[name].data_type)) -%}
    {%- endfor -%}
    {%- set strategy = adapter.get_incremental_strategy_macro(context, config.get('incremental_strategy')) -%}
    {{ run_hooks(pre_hooks) }}
    {%- do run_query('create temporary table ' ~ made ~ ' on commit drop as (' ~ sql ~ ')') -%}
    {%- call statement('main') -%}
        {{ strategy({
            'target_relation': this,
            'temp_relation': made,
            'unique_key': config.get('unique_key'),
            'dest_columns': columns,
            'incremental_predicates': none,
        }) }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [this]}) }}
{% endmacro %}
