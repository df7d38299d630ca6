-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
Counting documents without reading them all. Triggers on the table that is counted write, in the transaction of each
change, by how much it changes which count, into the table `document_tally`; a run of the model adds that to what it
holds, in one transaction. Whatever happens to the table, by cascade or by hand, is counted.

A table that was made anew (a full refresh) has lost its triggers; then the model counts anew as well.
#}

{% macro tally() -%}
    {{ own_schema() }}.document_tally
{%- endmacro %}

{# Counts of a table's rows; sign is 1 or -1. #}
{% macro tallied(rows, sign) -%}
    select
        (saved_timestamp at time zone 'UTC' at time zone '{{ var("time_zone") }}')::date as day,
        instance::text as instance,
        dbname::text as dbname,
        coalesce({{ code('doc_type') }}, '')::text as doc_type,
        {{ sign }} * count(*) as documents
    from {{ rows }}
    group by 1, 2, 3, 4
{%- endmacro %}

{# Whether the model holds counts that only need what was tallied since. #}
{% macro only_tallied(table) %}
    {%- if not execute or not is_incremental() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set found = run_query(
        "select count(*) from pg_trigger where tgrelid = to_regclass('" ~ table ~ "') and tgenabled <> 'D' "
        "and tgname ~ '^document_tally_(insert|update|delete)$'") -%}
    {{ return(found.rows[0][0] == 3) }}
{% endmacro %}

{# Pre-hook: sees to the triggers where they are missing. Making one keeps others from writing until all is counted. #}
{% macro open_tally(table) %}
    {%- if only_tallied(table) %}
    lock table {{ tally() }} in share row exclusive mode
    {%- else %}
    create table if not exists {{ tally() }} (
        day date not null, instance text not null, dbname text not null, doc_type text not null, documents bigint not null
    );
    create or replace function {{ tally() }}() returns trigger language plpgsql set search_path = {{ own_schema() }}, pg_temp
    as $function$
    begin
        if tg_op <> 'DELETE' then
            insert into document_tally {{ tallied('new_rows', 1) }};
        end if;
        if tg_op <> 'INSERT' then
            insert into document_tally {{ tallied('old_rows', -1) }};
        end if;
        return null;
    end
    $function$;
    {%- for event, rows in [('insert', 'new table as new_rows'), ('delete', 'old table as old_rows'),
                            ('update', 'old table as old_rows new table as new_rows')] %}
    create or replace trigger document_tally_{{ event }} after {{ event }} on {{ table }}
    referencing {{ rows }} execute function {{ tally() }}();
    {%- endfor %}
    delete from {{ tally() }};
    {%- if is_incremental() %}
    delete from {{ this }};
    {%- endif %}
    {%- endif %}
{% endmacro %}

{# Post-hook: what was tallied is counted. #}
{% macro close_tally() %}
    delete from {{ this }} where documents = 0;
    delete from {{ tally() }}
{% endmacro %}
