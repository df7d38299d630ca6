-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What the app measured, a row for each user, device and day.
{{ config(
    indexes=[
        {'columns': ['uuid'], 'type': 'hash'},
        {'columns': ['saved_timestamp']},
        {'columns': ['period_start']},
        {'columns': ['user_name']},
        {'columns': ['app_version']},
    ],
    post_hook="{{ drop_outdated(ref('document_metadata')) }}",
) }}

select
    uuid,
    saved_timestamp,
    {{ telemetry_period() }} as period_start,
    {{ short("doc #>> '{metadata,user}'") }} as user_name,
    {{ short("doc #>> '{metadata,versions,app}'") }} as app_version,
    doc #>> '{metrics,boot_time,min}' as boot_time_min,
    doc #>> '{metrics,boot_time,max}' as boot_time_max,
    doc #>> '{metrics,boot_time,count}' as boot_time_count,
    doc #>> '{dbInfo,doc_count}' as doc_count_on_local_db
from {{ changed_documents(['telemetry']) }} d
