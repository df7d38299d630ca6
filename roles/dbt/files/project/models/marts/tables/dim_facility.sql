-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Facilities, each an area's or a supervisor's.
{{ config(
    meta={'follows': {
        'dim_place': {'reads': ['uuid', 'place_type'], 'keys': 'select uuid from changed'},
        'contact': {'reads': ['uuid', 'name'], 'keys': 'select uuid from changed join dim_place using (uuid)'},
    }},
) }}

select
    facility.uuid,
    contact.name
from {{ ref('dim_place') }} facility
join {{ ref('contact') }} contact on contact.uuid = facility.uuid
where facility.facility_uuid = facility.uuid and {{ is_stale('facility.uuid') }}
