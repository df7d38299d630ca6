-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
Schemas are named as they are said: dbt's own rule would make dbt_marts of marts. A refresh (cht-dbt) makes models beside those in
use, in the schema dbt_next: all, then that is also the target's; or a part, whose ids an environment variable names.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if is_beside() and node.resource_type == 'model' and (not part_beside() or node.unique_id in part_beside()) -%}
    dbt_next
    {%- elif is_beside() -%}
    {{ custom_schema_name or 'dbt' }}
    {%- else -%}
    {{ custom_schema_name or target.schema }}
    {%- endif -%}
{%- endmacro %}

{% macro part_beside() -%}
    {{ return(fromjson(env_var('CHT_SYNC_DBT_PART', '[]'))) }}
{%- endmacro %}

{% macro is_beside() -%}
    {{ return(target.schema == 'dbt_next' or part_beside() | length > 0) }}
{%- endmacro %}

{# The schema in which a model is in use. #}
{% macro schema_in_use(node) -%}
    {{ return((node.config.schema or 'dbt') if is_beside() else node.schema) }}
{%- endmacro %}

{# Where a run keeps what it knows of its models: tables beside those of the models in use, which it must not change. #}
{% macro own_schema() -%}
    {{ return('dbt_next' if is_beside() else target.schema) }}
{%- endmacro %}
