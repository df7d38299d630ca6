-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A row for each referral for danger signs: a report, or a baby of a delivery, for which a sign was found. A follow-up that
-- still finds one refers again. A follow-up answers the referral it names, else the newest before it.
{%- set referring = {
    'form_pregnancy': ('pregnancy', false), 'form_pregnancy_home_visit': ('pregnancy', false), 'form_pregnancy_danger_sign': ('pregnancy', false),
    'form_delivery': ('mother', false), 'form_pregnancy_danger_sign_follow_up': ('pregnancy', true),
    'form_pnc_danger_sign_follow_up_mother': ('mother', true), 'form_pnc_danger_sign_follow_up_baby': ('baby', true),
} %}
{%- set keys = 'select coalesce(patient_uuid, uuid) from changed' %}
{%- set reads = ['uuid', 'patient_uuid', 'reported', 'chw_uuid', 'area_uuid', 'facility_uuid', 'household_uuid', 'danger_sign'] %}
{%- set follows = {'fct_baby': {
    'reads': ['uuid', 'baby_uuid', 'reported', 'chw_uuid', 'area_uuid', 'facility_uuid', 'household_uuid', 'danger_sign'],
    'keys': 'select coalesce(baby_uuid, uuid) from changed',
}} %}
{%- for form, (subject, again) in referring.items() %}
    {%- do follows.update({form: {'reads': reads + (['visited', 'source_uuid'] if again else []), 'keys': keys}}) %}
{%- endfor %}
{{ config(
    meta={'follows': follows, 'key': 'patient_uuid'},
    indexes=[{'columns': ['patient_uuid']}, {'columns': ['area_uuid', 'reported_month']}],
) }}

with referral as (
    {%- for form, (subject, again) in referring.items() %}
    select
        uuid, '{{ subject }}' as subject, {{ again }} as again, coalesce(patient_uuid, uuid) as patient_uuid,
        reported, reported_day, reported_month, chw_uuid, area_uuid, facility_uuid, household_uuid
    from {{ about_stale(ref(form)) }} {{ form }}
    where danger_sign
    union all
    {%- endfor %}
    select
        uuid, 'baby', false, coalesce(baby_uuid, uuid),
        reported, reported_day, reported_month, chw_uuid, area_uuid, facility_uuid, household_uuid
    from {{ about_stale(ref('fct_baby'), 'baby_uuid') }} fct_baby
    where danger_sign
),

follow_up as (
    {%- for form, (subject, again) in referring.items() if again %}
    select '{{ subject }}' as subject, uuid, patient_uuid, reported, reported_day, visited, source_uuid
    from {{ ref(form) }}
    where {{ is_stale('patient_uuid') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

answer as (
    select distinct on (f.uuid) f.uuid, r.uuid as referral_uuid, f.reported_day, f.visited
    from follow_up f
    join referral r on r.patient_uuid = f.patient_uuid and r.subject = f.subject
    where r.reported < f.reported
    order by f.uuid, (r.uuid = f.source_uuid) is true desc, r.reported desc, r.uuid
)

select
    r.*,
    a.followed_up,
    coalesce(a.visited, false) as visited_facility
from referral r
left join (
    select referral_uuid, min(reported_day) as followed_up, bool_or(visited) as visited
    from answer
    group by referral_uuid
) a on a.referral_uuid = r.uuid
