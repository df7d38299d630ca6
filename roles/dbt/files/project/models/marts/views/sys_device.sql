-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Devices as they last were, with whose they are.
select
    device.instance,
    device.user_name,
    device.device_id,
    device.last_used,
    extract(day from clock_timestamp() - device.last_used)::integer as days_unused,
    device.app_version,
    device.cht_android_version,
    device.android_version,
    device.device_manufacturer,
    device.device_model,
    device.storage_free,
    device.storage_total,
    device.documents,
    device.storage_free <= {{ var('device_least_storage') }} or device.documents > {{ var('device_most_documents') }} as at_risk,
    chw.uuid as chw_uuid,
    chw.name as chw_name,
    area.uuid as area_uuid,
    area.name as area_name,
    facility.uuid as facility_uuid,
    facility.name as facility_name
from {{ ref('sys_device_state') }} device
left join {{ ref('account') }} account on account.instance = device.instance and account.user_id = 'org.couchdb.user:' || device.user_name
left join {{ ref('dim_chw') }} chw on chw.uuid = account.contact_uuid
left join {{ ref('dim_area') }} area on area.uuid = chw.area_uuid
left join {{ ref('dim_facility') }} facility on facility.uuid = chw.facility_uuid
