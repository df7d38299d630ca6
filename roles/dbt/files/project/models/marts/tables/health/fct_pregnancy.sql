-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A row for each registration of a pregnancy, with what the reports after it say: how it is dated, how often the woman was
-- seen, how and when it ended. All pregnancies of a woman are made again together, since a report belongs to the newest
-- registration before it, unless it names one.
{%- set days = 294 %} {#- from the LMP, after which CHT's app no longer counts a pregnancy as going on #}
{{ config(
    meta={'key': 'patient_uuid', 'follows': {
        'form_pregnancy': {
            'reads': ['uuid', 'patient_uuid', 'reported', 'chw_uuid', 'area_uuid', 'facility_uuid', 'household_uuid', 'age_in_years',
                      'lmp', 'lmp_method', 'facility_visits', 'risk_factor', 'danger_sign'],
            'keys': 'select coalesce(patient_uuid, uuid) from changed',
        },
        'form_pregnancy_home_visit': {
            'reads': ['uuid', 'patient_uuid', 'reported', 'pregnancy_uuid', 'visit_option', 'miscarriage_date', 'abortion_date',
                      'clear_option', 'lmp', 'last_visit_attended', 'other_visits', 'other_facility_visits'],
            'keys': 'select patient_uuid from changed',
        },
        'form_delivery': {'reads': ['uuid', 'patient_uuid', 'reported', 'pregnancy_uuid', 'delivered'], 'keys': 'select patient_uuid from changed'},
        'fct_death': {'reads': ['patient_uuid', 'died'], 'keys': 'select patient_uuid from changed'},
    }},
    indexes=[
        {'columns': ['patient_uuid']},
        {'columns': ['area_uuid', 'registered_month']},
        {'columns': ['area_uuid', 'left_month']},
        {'columns': ['area_uuid', 'ended_month']},
    ],
) }}

with registration as (
    select
        uuid, reported, reported_day, reported_month, chw_uuid, area_uuid, facility_uuid, household_uuid,
        coalesce(patient_uuid, uuid) as patient_uuid, lmp, lmp_method, age_in_years, facility_visits, risk_factor, danger_sign,
        coalesce(lmp, reported_day) as dated,
        lead(reported_day) over (partition by coalesce(patient_uuid, uuid) order by reported, uuid) as next_registered
    from {{ about_stale(ref('form_pregnancy')) }} p
),

visit as (
    select distinct on (v.uuid)
        v.uuid, r.uuid as pregnancy_uuid, v.reported, v.reported_day, v.visit_option, v.lmp,
        v.visit_option in ('refused', 'migrated') and v.clear_option = 'clear_all' as follow_up_stopped,
        coalesce(v.miscarriage_date, v.abortion_date, v.reported_day) as lost,
        case when v.last_visit_attended then 1 else 0 end
        + case when v.other_visits then coalesce(v.other_facility_visits, 0) else 0 end as facility_visits
    from {{ ref('form_pregnancy_home_visit') }} v
    join registration r on r.patient_uuid = v.patient_uuid
    where {{ is_stale('v.patient_uuid') }}
      and (r.uuid = v.pregnancy_uuid or (r.reported < v.reported and v.reported_day < r.dated + {{ days }}))
    order by v.uuid, (r.uuid = v.pregnancy_uuid) is true desc, r.reported desc, r.uuid
),

newest_visit as (
    select distinct on (pregnancy_uuid) * from visit order by pregnancy_uuid, reported desc, uuid
),

-- Each contact of the woman with the CHW, with the visits to a facility that she told of, counted up.
counted as (
    select
        pregnancy_uuid, day,
        sum(facility_visits) over so_far as facility_visits,
        sum(1 + facility_visits) over so_far as contacts
    from (
        select uuid as pregnancy_uuid, uuid, reported, reported_day as day, coalesce(facility_visits, 0) as facility_visits from registration
        union all
        select pregnancy_uuid, uuid, reported, reported_day, facility_visits from visit
    ) contact
    window so_far as (partition by pregnancy_uuid order by reported, uuid)
),

cared as (
    select
        pregnancy_uuid,
        max(facility_visits) as facility_visits,
        max(contacts) as contacts,
        min(day) filter (where facility_visits >= 1) as anc_1,
        min(day) filter (where facility_visits >= 4) as anc_4,
        min(day) filter (where contacts >= 8) as contacts_8
    from counted
    group by pregnancy_uuid
),

dated as (
    select distinct on (pregnancy_uuid) pregnancy_uuid, lmp
    from visit
    where lmp is not null
    order by pregnancy_uuid, reported desc, uuid
),

-- CHT asks for the report of a birth until six weeks after the longest pregnancy.
delivery as (
    select distinct on (pregnancy_uuid) pregnancy_uuid, uuid, delivered
    from (
        select distinct on (d.uuid) d.uuid, r.uuid as pregnancy_uuid, d.delivered
        from {{ ref('form_delivery') }} d
        join registration r on r.patient_uuid = d.patient_uuid
        where {{ is_stale('d.patient_uuid') }} and d.delivered is not null
          and (r.uuid = d.pregnancy_uuid or (r.reported < d.reported and d.delivered < r.dated + {{ days + 42 }}))
        order by d.uuid, (r.uuid = d.pregnancy_uuid) is true desc, r.reported desc, r.uuid
    ) report
    order by pregnancy_uuid, delivered, uuid
),

ended as (
    select distinct on (pregnancy_uuid) pregnancy_uuid, outcome, day
    from (
        select pregnancy_uuid, 1 as rank, 'delivery' as outcome, delivered as day from delivery
        union all
        select pregnancy_uuid, 2, visit_option, lost from newest_visit where visit_option in ('miscarriage', 'abortion')
        union all
        -- Of a death without a date it is known only that the pregnancy goes on no more.
        select r.uuid, 3, 'death', coalesce(d.died, r.reported_day) from registration r
        join {{ ref('fct_death') }} d on d.patient_uuid = r.patient_uuid
        where d.died is null or d.died < r.dated + {{ days }}
        union all
        select uuid, 4, 'registered_again', next_registered from registration where next_registered is not null
    ) ends
    order by pregnancy_uuid, day, rank
),

pregnancy as (
    select
        r.uuid,
        r.patient_uuid,
        r.chw_uuid,
        r.area_uuid,
        r.facility_uuid,
        r.household_uuid,
        r.reported as registered,
        r.reported_day as registered_day,
        r.reported_month as registered_month,
        r.age_in_years,
        r.lmp_method,
        coalesce(dated.lmp, r.lmp) as lmp,
        coalesce(dated.lmp, r.lmp) + 280 as edd,
        (r.reported_day - coalesce(dated.lmp, r.lmp)) / 7 as weeks_at_registration,
        r.risk_factor,
        r.danger_sign,
        cared.facility_visits,
        cared.contacts,
        cared.anc_1,
        cared.anc_4,
        cared.contacts_8,
        newest_visit.reported_day as last_visited,
        case when newest_visit.follow_up_stopped then newest_visit.reported_day end as follow_up_stopped,
        case when newest_visit.follow_up_stopped then newest_visit.visit_option end as follow_up_stopped_for,
        ended.outcome,
        ended.day as ended,
        delivery.uuid as delivery_uuid,
        greatest(r.reported_day, least(ended.day, coalesce(dated.lmp, r.dated) + {{ days }})) as active_until
    from registration r
    join cared on cared.pregnancy_uuid = r.uuid
    left join dated on dated.pregnancy_uuid = r.uuid
    left join newest_visit on newest_visit.pregnancy_uuid = r.uuid
    left join delivery on delivery.pregnancy_uuid = r.uuid
    left join ended on ended.pregnancy_uuid = r.uuid
)

select
    *,
    {{ month_of('ended') }} as ended_month,
    case when registered_day < active_until then registered_month end as entered_month,
    case when registered_day < active_until then {{ month_of('active_until') }} end as left_month,
    case when anc_1 < active_until then {{ month_of('anc_1') }} end as anc_1_month,
    case when anc_4 < active_until then {{ month_of('anc_4') }} end as anc_4_month,
    case when contacts_8 < active_until then {{ month_of('contacts_8') }} end as contacts_8_month
from pregnancy
