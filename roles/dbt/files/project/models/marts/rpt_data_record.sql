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

{%- set area_types = "('" ~ var('area_types') | join("', '") ~ "')" %}
{%- set facility_types = "('" ~ var('facility_types') | join("', '") ~ "')" %}

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
),

placed as (
    select
        r.*,
        r.reported at time zone '{{ var("time_zone") }}' as reported_here,
        chw.name as contact_name,
        case when parent.contact_type in {{ area_types }} then parent.uuid
             when grandparent.contact_type in {{ area_types }} then grandparent.uuid end as area_uuid,
        case when parent.contact_type in {{ facility_types }} then parent.uuid
             when grandparent.contact_type in {{ facility_types }} then grandparent.uuid end as facility_uuid,
        parent.uuid as known_parent_uuid,
        parent.name as parent_name,
        grandparent.name as grandparent_name
    from changed
    join {{ ref('data_record') }} r on r.uuid = changed.uuid
    left join {{ ref('contact') }} chw on chw.uuid = r.contact_uuid
    left join {{ ref('contact') }} parent on parent.uuid = r.parent_uuid
    left join {{ ref('contact') }} grandparent on grandparent.uuid = r.grandparent_uuid
)

select
    uuid,
    saved_timestamp,
    reported,
    reported_here::date as reported_day,
    date_trunc('month', reported_here)::date as reported_month,
    form,
    contact_uuid as chw_uuid,
    -- Only of who belongs to an area or facility: others are patients, whose names no dashboard shows.
    case when known_parent_uuid in (area_uuid, facility_uuid) then contact_name end as chw_name,
    area_uuid,
    case when area_uuid = known_parent_uuid then parent_name else grandparent_name end as area_name,
    facility_uuid,
    case when facility_uuid = known_parent_uuid then parent_name else grandparent_name end as facility_name
from placed
