-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Health workers: persons who belong to an area or facility, and are its primary contact or have an account. Others
-- may be patients, whose names no dashboard shows.
{{ config(
    indexes=[{'columns': ['area_uuid']}, {'columns': ['facility_uuid']}],
    meta={'follows': {
        'person': {'reads': ['uuid'], 'keys': 'select uuid from changed'},
        'contact': {'reads': ['uuid', 'name', 'parent_uuid'], 'keys': 'select uuid from changed join person using (uuid)'},
        'place': {'reads': ['uuid', 'contact_id'], 'keys': 'select contact_id from changed'},
        'account': {'reads': ['contact_uuid'], 'keys': 'select contact_uuid from changed'},
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
    home.area_uuid,
    home.facility_uuid
from {{ ref('person') }} person
join {{ ref('contact') }} contact on contact.uuid = person.uuid
join {{ ref('dim_place') }} home on home.uuid = contact.parent_uuid
where home.place_type in {{ in_list(var('area_types') + var('facility_types')) }}
  and (
      exists (select from {{ ref('place') }} place where place.uuid = home.uuid and place.contact_id = person.uuid)
      or exists (select from {{ ref('account') }} account where account.contact_uuid = person.uuid)
  )
  and {{ is_stale('person.uuid') }}
