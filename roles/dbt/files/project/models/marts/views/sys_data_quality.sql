-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What other numbers leave out or have to guess, by kind and area. Of the large tables each kind is found by an index, and what many
-- reports may have in common is counted by agg_area_month; the others are read once for all of their kinds.
{%- set household = 'place_type in ' ~ in_list(var('household_types')) %}
{%- set area = 'place_type in ' ~ in_list(var('area_types')) %}
{%- set no_cell = '(area_uuid is null or reported is null)' %}
{%- set future = "now() + interval '1 day'" %}
{%- set kinds = {
    'agg_area_month': {
        'Reports with errors': ['reports_invalid', 'Count as received, and in no other number'],
        'Reports about somebody unknown': ['reports_about_unknown', 'Count as reports, not as a visit'],
    },
    'fct_report': {
        'Reports with errors': [no_cell ~ ' and not is_valid', 'Count as received, and in no other number'],
        'Reports about somebody unknown': [no_cell ~ " and about = 'unknown'", 'Count as reports, not as a visit'],
        'Reports without a date': ['reported is null', 'Left out of all numbers by day or month'],
        'Reports dated in the future': ['reported > ' ~ future, 'Left out until that month'],
        'Reports from no area': ['area_uuid is null', 'Left out of all numbers of areas and health facilities'],
    },
    'dim_place': {
        'Households without a date': [household ~ ' and registered is null', 'Count since their area does, never as new'],
        'Areas without a date': [area ~ ' and registered is null', 'Count since their health facility does'],
        'Households dated in the future': [household ~ ' and registered > ' ~ future, 'Left out until that month'],
        'Areas dated in the future': [area ~ ' and registered > ' ~ future, 'Show only in months in which something happened, until then'],
        'Households in no area': [household ~ ' and area_uuid is null', 'Left out, with the people in them'],
        'Places that are their own ancestor': ["problem = 'cycle'", 'Health facility or area may be wrong or missing'],
        'Places of too many levels': ["problem = 'too_deep'", 'No health facility is found; raise hierarchy_levels'],
        'Places whose parent is missing': ["problem = 'parent_missing'", 'No health facility is found'],
    },
    'dim_person': {
        'People without a date': ['household_uuid is not null and registered is null', 'Count since their household does, never as new'],
        'People dated in the future': ['household_uuid is not null and registered > ' ~ future, 'Left out until that month'],
        'People muted without a date': ['household_uuid is not null and is_muted and muted is null', 'Left out of the population'],
        'People dead without a date': ['household_uuid is not null and is_dead and died is null', 'Left out of the population'],
        'People who died before birth': ['died < date_of_birth', 'Count as deaths of unknown age'],
        'People below a person': ["problem = 'below_person'", 'Left out of the population'],
        'People whose place is missing': ["problem in ('no_parent', 'parent_missing')", 'Left out of the population'],
    },
    'fct_death': {
        'Deaths without a date': ['died is null', 'Left out of deaths by month'],
        'Deaths dated in the future': ['died > today.day + 1', 'Left out until that month; the person is in the population until then'],
    },
    'fct_task': {
        'Tasks never closed': [never_closed('t', 'today.day'), 'Count as due; not as overdue, completed or failed'],
        'Tasks of no area': ['area_uuid is null', 'Left out of the numbers of areas and health facilities'],
        'Tasks without a due date': ['due_day is null', 'Left out of all numbers of tasks'],
    },
} %}

with today as (
    select {{ local_day('now()') }} as day
),

counted (kind, effect, area_uuid, facility_uuid, documents) as (
    {%- for table, kinds_of in kinds.items() %}
    {%- set sums = table == 'agg_area_month' %}
    select flaw.kind, flaw.effect, t.area_uuid, {{ 'null' if sums else 't.facility_uuid' }}, sum(flaw.documents)
    from {{ ref(table) }} t
    cross join today
    cross join lateral (
        values
        {%- for kind, (documents, effect) in kinds_of.items() %}
        ('{{ kind }}', '{{ effect }}', {{ documents if sums else '(' ~ documents ~ ')::int' }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) flaw (kind, effect, documents)
    where flaw.documents > 0
    {%- if not sums %} and ({% for documents, effect in kinds_of.values() %}{{ documents }}{{ ' or ' if not loop.last }}{% endfor %}){% endif %}
    group by 1, 2, 3, 4
    union all
    {%- endfor %}
    select 'Messages', 'No reports', null, null, count(*) from {{ ref('data_record') }} where form is null or form = ''
    union all
    select 'Targets of a second account', 'The newest of a CHW and month counts', chw.area_uuid, chw.facility_uuid, sum(older)
    from (
        select chw_uuid, count(*) - 1 as older
        from {{ ref('fct_target_document') }}
        where chw_uuid is not null and reporting_month is not null
        group by chw_uuid, reporting_month
        having count(*) > 1
    ) twice
    left join {{ ref('dim_chw') }} chw on chw.uuid = twice.chw_uuid
    group by 1, 2, 3, 4
    union all
    -- Why a dashboard may be empty.
    select 'Kinds of contact that CHT does not have', variable || ' names ' || contact_type || ': its numbers are empty', null, null, 1
    from {{ ref('sys_contact_type') }}
    -- As status.yml warns: nothing known yet is no mistake, and an instance with kinds of its own may have no person.
    where variable not in ('', 'person_types') and not known and exists (select from {{ ref('sys_contact_type') }} where known)
    union all
    select 'Areas whose contact is nobody here', 'Count as areas, without a CHW', uuid, facility_uuid, count(*)
    from {{ ref('dim_area') }} where chw_uuid is null
    group by 3, 4
    union all
    select 'Areas of no health facility', 'Left out of the numbers of health facilities', uuid, null, count(*)
    from {{ ref('dim_area') }} where facility_uuid is null
    group by 3
)

select
    counted.kind,
    counted.effect,
    coalesce(area.facility_uuid, counted.facility_uuid) as facility_uuid,
    coalesce(area.facility_name, facility.name) as facility_name,
    counted.area_uuid,
    area.name as area_name,
    sum(counted.documents)::bigint as documents
from counted
left join {{ ref('dim_area') }} area on area.uuid = counted.area_uuid
left join {{ ref('dim_facility') }} facility on facility.uuid = counted.facility_uuid
where counted.documents > 0
group by 1, 2, 3, 4, 5, 6
