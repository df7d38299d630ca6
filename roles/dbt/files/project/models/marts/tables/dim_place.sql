-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Every place, with the area and the facility it belongs to: the nearest ones on the way up, itself included. One without a date
-- is taken to be there since the place above it is.
{{ config(
    indexes=[{'columns': ['area_uuid', 'registered_month']}, {'columns': ['area_uuid', 'left_month']}, {'columns': ['facility_uuid']}],
    meta={'follows': {
        'place': {'reads': ['uuid'], 'keys': 'select uuid from changed'},
        'contact': {
            'reads': ['uuid', 'parent_uuid', 'contact_type', 'reported', 'muted'],
            'keys': places_below('changed'),
        },
    }},
) }}

select
    place.uuid,
    {{ code('level_0.contact_type') }} as place_type,
    {{ nearest_place(var('area_types')) }} as area_uuid,
    {{ nearest_place(var('facility_types')) }} as facility_uuid,
    level_0.reported as registered,
    known.registered_month,
    {{ muted_above('known.registered_month') }} as left_month,
    {{ broken_hierarchy() }} as problem
from {{ ref('place') }} place
join {{ ref('contact') }} level_0 on level_0.uuid = place.uuid
{%- for level in range(1, var('hierarchy_levels')) %}
left join {{ ref('contact') }} level_{{ level }} on level_{{ level }}.uuid = level_{{ level - 1 }}.parent_uuid
{%- endfor %}
cross join lateral (select coalesce({{ local_month(registered_above()) }}, {{ first_month() }}) as registered_month) known
where {{ is_stale('place.uuid') }}
