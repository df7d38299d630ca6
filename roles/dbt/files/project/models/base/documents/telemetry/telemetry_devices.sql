-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What the device said of itself, a row for each user, device and day.
{{ config(
    indexes=[
        {'columns': ['uuid'], 'type': 'hash'},
        {'columns': ['saved_timestamp']},
        {'columns': ['period_start']},
        {'columns': ['android_version']},
    ],
    post_hook="{{ drop_outdated(ref('document_metadata')) }}",
) }}

select
    uuid,
    saved_timestamp,
    {{ telemetry_period() }} as period_start,
    doc #>> '{device,deviceInfo,hardware,manufacturer}' as device_manufacturer,
    doc #>> '{device,deviceInfo,hardware,model}' as device_model,
    doc #>> '{device,userAgent}' as user_agent,
    doc #>> '{device,deviceInfo,app,version}' as cht_android_version,
    {{ short("doc #>> '{device,deviceInfo,software,androidVersion}'") }} as android_version,
    doc #>> '{device,deviceInfo,storage,free}' as storage_free,
    doc #>> '{device,deviceInfo,storage,total}' as storage_total,
    doc #>> '{device,deviceInfo,network,upSpeed}' as network_up_speed,
    doc #>> '{device,deviceInfo,network,downSpeed}' as network_down_speed
from {{ changed_documents(['telemetry']) }} d
