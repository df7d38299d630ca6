-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
How a mart learns which of its rows to make again, whatever happened to the tables it reads.

Triggers on those tables write the keys of the rows that a change makes outdated into the table `stale`, in the
transaction of the change: rows that were inserted, updated or deleted, also by a cascade or by hand, with what they held
before and after. A run of the mart takes its keys, computes their rows and writes what differs, in one transaction;
that in turn fires the triggers of the marts that read this one. So what a run costs depends on what changed, and the
models below may be ours or upstream's.

A mart says in its config what it follows:

    meta={'follows': {'contact': {'reads': ['uuid', 'parent_uuid'], 'keys': 'select uuid from changed'}}}

For each table: the columns that the mart reads, and a query that turns `changed`, those columns of the table's rows
before and after, into keys of the mart. An update that leaves these columns as they were is no change. A key is the text of the
mart's `unique_key`, or of the column that the config's meta names as `key`, where one makes several rows.
The query may read other tables that the mart reads, and the mart, by their names without schema. Of each row of the mart
one followed table's row alone must give the key: where two models change at once, neither sees what the other does.

A table that was made anew, by a full refresh, has lost its triggers: then all of its rows count as changed.
#}

{# on-run-start: the table of keys; and no trigger stays of what is followed no more. #}
{% macro create_stale() %}
    create table if not exists {{ own_schema() }}.stale (model text not null, key text not null);
    {#- Its lock waits for all who write, an index that is there or not. #}
    {%- if execute and run_query("select to_regclass('" ~ own_schema() ~ ".stale_model') is null").columns[0].values()[0] %}
    create index stale_model on {{ own_schema() }}.stale (model);
    {%- endif %}
    {%- if execute %}
    {%- set wanted = [] %}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.meta.follows %}
        {%- for name in node.config.meta.follows %}
            {%- do wanted.append("'stale_" ~ node.name ~ "_by_" ~ name ~ "'") %}
        {%- endfor %}
    {%- endfor %}
    do $do$
    declare
        unwanted regprocedure;
    begin
        -- Others wait behind this one where somebody reads a followed table for long: then the next run drops it.
        perform set_config('lock_timeout', '500ms', true);
        for unwanted in
            select oid from pg_proc
            where pronamespace = '{{ own_schema() }}'::regnamespace and proname ^@ 'stale_'
              and proname not in ({{ (wanted or ["''"]) | join(', ') }})
        loop
            execute format('drop function %s cascade', unwanted);
        end loop;
    exception when lock_not_available then
        null;
    end
    $do$
    {%- endif %}
{% endmacro %}

{# Whether a mart's query is to make stale rows only. A unit test has no table. #}
{% macro only_stale() %}
    {{ return(model.resource_type == 'model' and is_incremental()) }}
{% endmacro %}

{# Condition of a mart's query: whether the row of this key is to be made. #}
{% macro is_stale(key) -%}
    {%- if only_stale() -%} {{ key }} in (select key from stale_keys) {%- else -%} true {%- endif -%}
{%- endmacro %}

{# The column of a mart that holds the key. #}
{% macro stale_key() -%}
    {{ model.config.meta.key or model.config.unique_key }}
{%- endmacro %}

{# What a mart follows: relation, function, columns and query of each, and a digest by which a changed one is noticed. #}
{% macro followed() %}
    {%- set parents = [] -%}
    {%- for name, follow in (model.config.meta.follows or {}) | dictsort -%}
        {%- set nodes = graph.nodes.values() | selectattr('resource_type', 'eq', 'model') | selectattr('name', 'eq', name) | list -%}
        {%- if nodes | length != 1 -%}
            {{ exceptions.raise_compiler_error(model.name ~ ' follows ' ~ name ~ ', which is no model') }}
        {%- endif -%}
        {%- do parents.append({
            'relation': nodes[0].schema ~ '."' ~ nodes[0].alias ~ '"',
            'function': 'stale_' ~ model.name ~ '_by_' ~ name,
            'columns': '"' ~ follow.reads | join('", "') ~ '"',
            'query': follow['keys'],
            'digest': local_md5(follow | string ~ schema_in_use(model)),
        }) -%}
    {%- endfor -%}
    {{ return(parents) }}
{% endmacro %}

{# A query for the numbers of those whose triggers are missing. #}
{% macro unfollowed(parents) -%}
    {%- set wanted = [] -%}
    {%- for parent in parents -%}
        {%- do wanted.append("(" ~ loop.index0 ~ ", '" ~ parent.relation ~ "', '" ~ parent.function ~ "', '" ~ parent.digest ~ "')") -%}
    {%- endfor -%}
    select number from (values {{ wanted | join(', ') }}) wanted (number, relation, function, digest)
    where 3 > (
        select count(*) from pg_trigger t join pg_proc p on p.oid = t.tgfoid
        where t.tgrelid = to_regclass(wanted.relation) and t.tgenabled <> 'D' and p.proname = wanted.function
          and p.pronamespace = to_regnamespace('{{ own_schema() }}') and obj_description(p.oid, 'pg_proc') = wanted.digest
    )
{%- endmacro %}

{% macro nothing_stale() -%}
    select not exists (select from {{ own_schema() }}.stale where model = '{{ model.name }}')
        and not exists ({{ unfollowed(followed()) }})
{%- endmacro %}

{# Pre-hook: makes triggers that are missing, and counts all rows there as changed; then takes the keys of the rows to make. #}
{% macro open_stale() %}
    {%- set parents = followed() if execute else [] -%}
    {%- set missing = run_query(unfollowed(parents)).columns[0].values() | sort if parents else [] -%}
    {%- for number in missing %}
    {{ make_triggers(parents[number]) }}
    {%- if is_incremental() %}
    insert into {{ own_schema() }}.stale select distinct '{{ model.name }}', {{ stale_key() }} from {{ this }};
    insert into {{ own_schema() }}.stale with changed as (select {{ parents[number].columns }} from {{ parents[number].relation }})
    select '{{ model.name }}', key from ({{ parents[number].query }}) keys (key) where key is not null;
    {%- endif %}
    {%- endfor %}
    {%- if missing %}
    {#- At once, for they lock the tables. #}
    commit; begin;
    {%- endif %}
    {%- if is_incremental() %}
    create temp table stale_keys (key text) on commit drop;
    with taken as (delete from {{ own_schema() }}.stale where model = '{{ model.name }}' returning key)
    insert into stale_keys select distinct key from taken;
    analyze stale_keys
    {%- else %}
    delete from {{ own_schema() }}.stale where model = '{{ model.name }}'
    {%- endif %}
{% endmacro %}

{% macro make_triggers(parent) %}
    {%- set function = own_schema() ~ '.' ~ parent.function %}
    create or replace function {{ function }}() returns trigger language plpgsql
    set search_path = {{ own_schema() }}, {{ 'dbt, ' if is_beside() }}{{ schema_in_use(model) }}, pg_temp
    as $function$
    begin
        if to_regclass('"{{ this.identifier }}"') is null then
            -- Whoever makes it anew makes all of it.
            return null;
        end if;
        {%- set before, after = 'select ' ~ parent.columns ~ ' from old_rows', 'select ' ~ parent.columns ~ ' from new_rows' %}
        {%- for event, changed in [('INSERT', after), ('DELETE', before),
                                   ('UPDATE', '(' ~ before ~ ' except ' ~ after ~ ') union all (' ~ after ~ ' except ' ~ before ~ ')')] %}
        if tg_op = '{{ event }}' then
            if exists (select from {{ 'old_rows' if event == 'DELETE' else 'new_rows' }}) then
                insert into stale with changed as ({{ changed }})
                select '{{ model.name }}', key from ({{ parent.query }}) keys (key) where key is not null;
            end if;
        end if;
        {%- endfor %}
        return null;
    end
    $function$;
    comment on function {{ function }} is '{{ parent.digest }}';
    {%- for event, rows in [('insert', 'new table as new_rows'), ('update', 'old table as old_rows new table as new_rows'),
                            ('delete', 'old table as old_rows')] %}
    create or replace trigger {{ parent.function }}_{{ event }} after {{ event }} on {{ parent.relation }}
    referencing {{ rows }} for each statement execute function {{ function }}();
    {%- endfor %}
{% endmacro %}

{# The incremental strategy `stale`: of the rows of these keys, drops those that are no more and writes those that are new. #}
{% macro get_incremental_stale_sql(arguments) %}
    {%- set target, made, key = arguments.target_relation, arguments.temp_relation, arguments.unique_key %}
    {%- set columns = arguments.dest_columns | map(attribute='quoted') | list %}
    delete from {{ target }} t using stale_keys
    where t.{{ stale_key() }} = stale_keys.key and not exists (
        select from {{ made }} made
        where made.{{ key }} = t.{{ key }} and (made.{{ columns | join(', made.') }}) is not distinct from (t.{{ columns | join(', t.') }})
    );
    insert into {{ target }} ({{ columns | join(', ') }}) select {{ columns | join(', ') }} from {{ made }}
    on conflict ({{ key }}) do nothing
{% endmacro %}

{# Post-hook: a new table has no statistics yet, and the models below it are next. #}
{% macro analyze_new() %}
    {% if not is_incremental() %}analyze {{ this }}{% endif %}
{% endmacro %}
