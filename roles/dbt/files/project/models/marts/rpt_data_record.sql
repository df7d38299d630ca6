-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A row for each report, with who made it where. It is made again when the report changes, and when its CHW's, area's
-- or facility's contact does, by an edit or a deletion. With the report it goes, by the foreign key.
{{ config(indexes=[
    {'columns': ['reported']},
    {'columns': ['reported_day']},
    {'columns': ['form']},
    {'columns': ['chw_uuid']},
    {'columns': ['area_uuid']},
    {'columns': ['facility_uuid']},
]) }}

with changed_contact as (
    select uuid from {{ ref('contact') }} where {{ in_window('saved_timestamp') }}
    union all
    select _id from {{ source('v1', 'couchdb') }} where _deleted and {{ in_window('saved_timestamp') }}
),

changed as (
    select uuid from {{ ref('data_record') }} where {{ in_window('saved_timestamp') }}
    {%- if is_incremental() %}
    {%- for reference in ['contact_uuid', 'parent_uuid', 'grandparent_uuid'] %}
    union
    select r.uuid from {{ ref('data_record') }} r join changed_contact c on c.uuid = r.{{ reference }}
    {%- endfor %}
    {%- endif %}
)

select
    r.uuid,
    r.saved_timestamp,
    r.reported,
    (r.reported at time zone '{{ var("time_zone") }}')::date as reported_day,
    date_trunc('month', r.reported at time zone '{{ var("time_zone") }}')::date as reported_month,
    r.form,
    r.contact_uuid as chw_uuid,
    -- Only of who belongs to an area or facility: others are patients, whose names no dashboard shows.
    case when parent.contact_type in ('{{ (var("area_types") + var("facility_types")) | join("', '") }}') then chw.name end as chw_name,
    {{ nearest_place(var('area_types'), 'uuid') }} as area_uuid,
    {{ nearest_place(var('area_types'), 'name') }} as area_name,
    {{ nearest_place(var('facility_types'), 'uuid') }} as facility_uuid,
    {{ nearest_place(var('facility_types'), 'name') }} as facility_name
from changed
join {{ ref('data_record') }} r on r.uuid = changed.uuid
left join {{ ref('contact') }} chw on chw.uuid = r.contact_uuid
left join {{ ref('contact') }} parent on parent.uuid = r.parent_uuid
left join {{ ref('contact') }} grandparent on grandparent.uuid = r.grandparent_uuid
