-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Filled by the macro store_results at the end of each run. History, so a full refresh leaves it alone.
{{ config(full_refresh=false, indexes=[{'columns': ['start_time']}, {'columns': ['name', 'start_time']}]) }}

select
    null::text as result_id,
    null::text as invocation_id,
    null::text as unique_id,
    null::text as database_name,
    null::text as schema_name,
    null::text as name,
    null::text as resource_type,
    null::text as status,
    null::timestamp as start_time,
    null::timestamp as end_time,
    null::double precision as execution_time,
    null::integer as rows_affected
where false
