-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
What dbt does to a table or view in use locks readers out: it waits for those who read, and all who come later wait behind it. So
it waits half a second, lets those go on, and tries again; where somebody reads for longer, it fails and changes nothing.
#}
{% macro gently(statement) -%}
    do $gently$
    declare
        before text := current_setting('lock_timeout');
        waited timestamptz := clock_timestamp();
    begin
        loop
            begin
                perform set_config('lock_timeout', '500ms', true);
                {{ statement }};
                exit;
            exception when lock_not_available then
                if clock_timestamp() > waited + interval '20 s' then
                    raise;
                end if;
                perform pg_sleep(1);
            end;
        end loop;
        perform set_config('lock_timeout', before, true);
    end
    $gently$
{%- endmacro %}

{# dbt's own, of a relation that it replaces. #}
{% macro postgres__rename_relation(from_relation, to_relation) -%}
    {%- set name = adapter.quote_as_configured(to_relation.identifier, 'identifier') -%}
    {%- call statement('rename_relation') -%}
        {{ gently('alter table ' ~ from_relation.render() ~ ' rename to ' ~ name) }}
    {%- endcall -%}
{%- endmacro %}

{% macro postgres__drop_relation(relation) -%}
    {%- call statement('drop_relation', auto_begin=False) -%}
        {{ gently(get_drop_sql(relation)) }}
    {%- endcall -%}
{%- endmacro %}
