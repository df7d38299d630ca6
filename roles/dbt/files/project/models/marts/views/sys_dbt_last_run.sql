-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A row for each model of the project: how its last run went, and how long the oldest change that it lacks has waited.
-- What a model holds was stored before document_metadata, where all begins, was started in the last run in which both
-- succeeded; and document_metadata may have left some of that for its next run, as its watermark tells.
-- depends_on: {{ ref('document_metadata') }}
{{ config(post_hook='grant select on {{ this }} to monitor') }}

{#- Upstream's base models keep no watermark, and what ours left there would be of old. #}
{%- set ours = ('model.' ~ project_name ~ '.document_metadata') in model.depends_on.nodes %}
{%- set read_until -%}
    {%- if ours -%}
    least(root.start_time, (select w.saved_timestamp from {{ target.schema }}.watermark w where w.model = 'document_metadata'))
    {%- else -%}
    root.start_time
    {%- endif -%}
{%- endset %}

select
    node.schema_name,
    node.model,
    node.materialized,
    latest.status,
    latest.start_time at time zone 'UTC' as started,
    {{ local_time("latest.start_time at time zone 'UTC'") }} as began,
    latest.execution_time as seconds,
    nullif(latest.rows_affected, -1) as rows_affected,
    good.start_time at time zone 'UTC' as succeeded,
    case
        when node.materialized <> 'view' and good.read_until is not null
        then greatest(0, extract(epoch from clock_timestamp() - lacking.since at time zone 'UTC'))::double precision
    end as lag_seconds,
    case when node.materialized <> 'view' then {{ local_time("lacking.since at time zone 'UTC'") }} end as lacks_since
from {{ target.schema }}.project_model node
left join lateral (
    select * from {{ ref('dbt_results') }} r
    where r.name = node.model and r.unique_id = node.unique_id
    order by r.start_time desc limit 1
) latest on true
left join lateral (
    select r.start_time, {{ read_until }} as read_until
    from {{ ref('dbt_results') }} r
    join {{ ref('dbt_results') }} root
        on root.invocation_id = r.invocation_id and root.name = 'document_metadata'
        and root.resource_type = 'model' and root.status = 'success'
    where r.name = node.model and r.unique_id = node.unique_id and r.status = 'success'
    order by r.start_time desc limit 1
) good on true
left join lateral (
    select min(c.saved_timestamp) as since from {{ source('v1', 'couchdb') }} c where c.saved_timestamp > good.read_until
) lacking on true
