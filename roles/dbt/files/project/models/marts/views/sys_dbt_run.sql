-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A row for each run that dbt_results still knows, of models or of tests.
{{ config(post_hook='grant select on {{ this }} to monitor') }}

select
    invocation_id,
    min(start_time) at time zone 'UTC' as started,
    {{ local_time("min(start_time) at time zone 'UTC'") }} as began,
    extract(epoch from max(start_time + make_interval(secs => execution_time)) - min(start_time))::double precision as seconds,
    count(*) filter (where resource_type = 'model')::integer as models,
    count(*) filter (where resource_type = 'test')::integer as tests,
    count(*) filter (where status in ('error', 'fail'))::integer as failed,
    count(*) filter (where status = 'skipped')::integer as skipped
from {{ ref('dbt_results') }}
group by invocation_id
