-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Every place, with the area and the facility it belongs to: the nearest ones on the way up, itself included.
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
    {{ local_month('level_0.reported') }} as registered_month,
    case when {{ moment_of('level_0.muted') }} is not null
        then greatest({{ local_month(moment_of('level_0.muted')) }}, {{ local_month('level_0.reported') }}) end as left_month
from {{ ref('place') }} place
join {{ ref('contact') }} level_0 on level_0.uuid = place.uuid
{%- for level in range(1, var('hierarchy_levels')) %}
left join {{ ref('contact') }} level_{{ level }} on level_{{ level }}.uuid = level_{{ level - 1 }}.parent_uuid
{%- endfor %}
where {{ is_stale('place.uuid') }}
