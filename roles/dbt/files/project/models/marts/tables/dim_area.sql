-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Areas, with their CHW and facility.
{{ config(
    indexes=[{'columns': ['facility_uuid']}, {'columns': ['chw_uuid']}],
    meta={'follows': {
        'dim_place': {
            'reads': ['uuid', 'area_uuid', 'facility_uuid', 'registered', 'registered_month'],
            'keys': 'select uuid from changed where area_uuid = uuid',
        },
        'place': {'reads': ['uuid', 'contact_id'], 'keys': 'select uuid from changed join dim_place using (uuid) where area_uuid = uuid'},
        'contact': {
            'reads': ['uuid', 'name'],
            'keys': 'select uuid from changed join dim_place using (uuid) where area_uuid = uuid
                     union
                     select p.uuid from changed join dim_place p on p.facility_uuid = changed.uuid where p.area_uuid = p.uuid',
        },
        'person': {'reads': ['uuid'], 'keys': naming('dim_area', ['chw_uuid'])},
        'dim_chw': {'reads': ['uuid', 'name'], 'keys': 'select dim_area.uuid from changed join dim_area on chw_uuid = changed.uuid'},
    }},
) }}

select
    area.uuid,
    contact.name,
    {{ known_id('place.contact_id', ['person']) }} as chw_uuid,
    chw.name as chw_name,
    facility.uuid as facility_uuid,
    facility.name as facility_name,
    area.registered,
    area.registered_month
from {{ ref('dim_place') }} area
join {{ ref('place') }} place on place.uuid = area.uuid
join {{ ref('contact') }} contact on contact.uuid = area.uuid
left join {{ ref('contact') }} facility on facility.uuid = area.facility_uuid
left join {{ ref('dim_chw') }} chw on chw.uuid = place.contact_id
where area.area_uuid = area.uuid and {{ is_stale('area.uuid') }}
