-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What each user's device said of itself last.
{{ config(
    unique_key='key',
    indexes=[{'columns': ['user_name']}],
    meta={'follows': {
        'telemetry': {
            'reads': ['uuid', 'user_name', 'saved_timestamp'],
            'keys': 'select ' ~ device_key() ~ ' from changed join document_metadata using (uuid) where ' ~ is_user_name('user_name') ~ '
                     union select d.key from changed join sys_device_state d using (user_name) where d.device_id = ' ~ device_id(),
        },
        'telemetry_devices': {
            'reads': ['uuid', 'saved_timestamp'],
            'keys': 'select ' ~ device_key() ~ ' from changed join telemetry using (uuid) join document_metadata using (uuid)
                     where ' ~ is_user_name('user_name'),
        },
    }},
) }}

with telemetry as (
    select t.*, m.instance, {{ device_key() }} as key, {{ device_id() }} as device_id
    from {{ ref('telemetry') }} t
    join {{ ref('document_metadata') }} m using (uuid)
    where {{ is_user_name('user_name') }}
    {%- if is_incremental() %} and user_name in (select key::jsonb ->> 0 from stale_keys){% endif %}
),

newest as (
    select distinct on (key) *
    from telemetry
    where {{ is_stale('key') }}
    order by key, period_start desc nulls last, saved_timestamp desc
)

select
    newest.key,
    newest.instance,
    newest.user_name,
    newest.device_id,
    newest.period_start as last_used,
    {{ version('newest.app_version') }} as app_version,
    {{ version('device.cht_android_version') }} as cht_android_version,
    {{ version('device.android_version') }} as android_version,
    {{ device_manufacturer('device.device_manufacturer') }} as device_manufacturer,
    {{ device_model('device.device_model') }} as device_model,
    {{ number_of('device.storage_free') }}::bigint as storage_free,
    {{ number_of('device.storage_total') }}::bigint as storage_total,
    {{ number_of('newest.doc_count_on_local_db') }}::bigint as documents
from newest
left join {{ ref('telemetry_devices') }} device on device.uuid = newest.uuid
