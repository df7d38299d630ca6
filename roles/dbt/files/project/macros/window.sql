-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
How a model learns what changed, without missing a row and without reading one twice.

saved_timestamp is unique and grows in commit order, over the raw table and v1.instance_document together, so everything
up to a stamp that was seen is there. The table `watermark` keeps, for each model, up to where it is done. A run of a model
covers the window (since, until]: since is its own watermark; until is what all its parents have done, or the newest change
for a model without parents: with var batch_size the last of so many after since. A parent of another base layer (dbt_base)
keeps no watermark, and may delete and insert its newest row again, which takes ours along: then the window goes from our
newest row to the parent's.
The window moves on whatever rows came, so rows that a model leaves out, and tombstones, cost nothing the next time.

Pre-hook, model and post-hooks are one transaction: a watermark never says more than the model holds, and nobody sees
a model half done.
#}

{% macro create_watermark() %}
    create table if not exists {{ own_schema() }}.watermark (
        model text primary key,
        saved_timestamp timestamp not null
    )
{% endmacro %}

{# From where to where a run of the model goes, as two expressions. #}
{% macro window() %}
    {%- set parents, others = [], [] -%}
    {%- for id in model.depends_on.nodes if id.startswith('model.') -%}
        {%- set node = graph.nodes.get(id) -%}
        {%- if not node or node.package_name in (model.package_name, project_name) or node.config.meta.window -%}
            {%- do parents.append("'" ~ id.split('.') | last ~ "'") -%}
        {%- else -%}
            {%- do others.append("select max(saved_timestamp) from " ~ node.schema ~ '."' ~ node.alias ~ '"') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set watermarks = "saved_timestamp) from " ~ own_schema() ~ ".watermark where model" -%}
    {%- set since = "coalesce((select max(" ~ watermarks ~ " = '" ~ model.name ~ "' and " ~ is_incremental() ~ "), '-infinity')" -%}
    {%- set newest = "select saved_timestamp from " ~ source('v1', 'newest_change') -%}
    {%- if others -%}
        {%- set since = "coalesce((select max(saved_timestamp) from " ~ this ~ "), '-infinity')" if is_incremental() else "'-infinity'::timestamp" -%}
        {%- set until = "select min(max) from (" ~ others | join(' union all ') ~ ") others" -%}
    {%- elif parents -%}
        {%- set until = "select min(" ~ watermarks ~ " in (" ~ parents | join(', ') ~ ")" -%}
    {%- elif var('batch_size', none) and model.config.meta.window != 'unbatched' -%}
        {%- set size = var('batch_size') | int -%}
        {%- set batch = "select saved_timestamp from " ~ source('v1', 'couchdb') ~ " where saved_timestamp > " ~ since
            ~ " order by 1 limit " ~ size -%}
        {%- set until = "select case when count(*) < " ~ size ~ " then (" ~ newest ~ ") else max(saved_timestamp) end from ("
            ~ batch ~ ") batch" -%}
    {%- else -%}
        {%- set until = newest -%}
    {%- endif -%}
    {{ return((since, "coalesce((" ~ until ~ "), '-infinity')")) }}
{% endmacro %}

{% macro open_window() %}
    {%- set since, until = window() -%}
    select set_config('cht.since', {{ since }}::text, true), set_config('cht.until', {{ until }}::text, true)
{% endmacro %}

{% macro window_is_empty() -%}
    {%- set since, until = window() -%}
    select {{ since }} >= {{ until }}
{%- endmacro %}

{% macro in_window(stamp) -%}
    ({{ stamp }} > current_setting('cht.since')::timestamp and {{ stamp }} <= current_setting('cht.until')::timestamp)
{%- endmacro %}

{% macro close_window() %}
    insert into {{ own_schema() }}.watermark as w (model, saved_timestamp)
    select '{{ model.name }}', current_setting('cht.until')::timestamp
    where not exists (
        select from {{ own_schema() }}.watermark
        where model = '{{ model.name }}' and saved_timestamp = current_setting('cht.until')::timestamp
    )
    on conflict (model) do update set saved_timestamp = excluded.saved_timestamp;
    {#- A new table has no statistics yet, and the models below it are next. #}
    {% if not is_incremental() %}analyze {{ this }};{% endif %}
{% endmacro %}

{# The documents of some types that changed, with the stamp under which document_metadata knows them. #}
{% macro changed_documents(types) -%}
    (
        select m.uuid, m.saved_timestamp, m.doc_type, c.doc
        from {{ ref('document_metadata') }} m
        join {{ source('v1', 'couchdb') }} c on c._id = m.uuid and not c._deleted
        where m.doc_type in ({% for type in types %}'{{ type }}'{{ ', ' if not loop.last }}{% endfor %})
          and {{ in_window('m.saved_timestamp') }}
    )
{%- endmacro %}

{# Post-hook: drops rows whose document changed into one that does not belong into this model any more. #}
{% macro drop_outdated(parent) %}
    delete from {{ this }} t using {{ parent }} p
    where p.uuid = t.{{ config.get('unique_key') }}
      and {{ in_window('p.saved_timestamp') }}
      and t.saved_timestamp < p.saved_timestamp
{% endmacro %}
