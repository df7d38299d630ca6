-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Health workers: persons who belong to an area or facility, not to a household.
{{ config(
    indexes=[{'columns': ['area_uuid']}, {'columns': ['facility_uuid']}],
    meta={'follows': {
        'person': {'reads': ['uuid'], 'keys': 'select uuid from changed'},
        'contact': {'reads': ['uuid', 'name', 'parent_uuid'], 'keys': 'select uuid from changed join person using (uuid)'},
        'dim_place': {
            'reads': ['uuid', 'place_type', 'area_uuid', 'facility_uuid'],
            'keys': 'select c.uuid from changed join contact c on c.parent_uuid = changed.uuid where place_type in '
                ~ in_list(var('area_types') + var('facility_types')),
        },
    }},
) }}

select
    person.uuid,
    contact.name,
    place.area_uuid,
    place.facility_uuid
from {{ ref('person') }} person
join {{ ref('contact') }} contact on contact.uuid = person.uuid
join {{ ref('dim_place') }} place on place.uuid = contact.parent_uuid
where place.place_type in {{ in_list(var('area_types') + var('facility_types')) }} and {{ is_stale('person.uuid') }}
