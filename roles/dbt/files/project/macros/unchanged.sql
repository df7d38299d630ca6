-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
Most of a run in which little changed is dbt's own work for each model, so models for which nothing changed end at once.
Others, and all models of packages, are dbt's own incremental ones.
#}

{% materialization incremental, adapter='postgres' %}
    {%- set question = 'none' -%}
    {%- if is_incremental() and model.config.meta.follows -%}
        {%- set question = nothing_stale() -%}
    {%- elif is_incremental() and model.config.meta.window -%}
        {%- set question = window_is_empty() -%}
    {%- endif -%}
    {%- if question != 'none' and run_query(question).columns[0].values()[0] -%}
        {%- call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) -%}{%- endcall -%}
        {{ return({'relations': [this]}) }}
    {%- endif -%}
    {{ return(dbt.materialization_incremental_default()) }}
{% endmaterialization %}
