-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{#
The measures of agg_area_month. Each names the mart it counts rows of (`of`, which has area_uuid), that mart's column with
the first day of the month (`month`), which rows (`where`), and what it reads besides. Expressions are over `t`, a row of the
mart: `counts` are integers and 0 where there is no row, `sums` are numbers and 0, `values` are null there.
#}
{% macro area_month_measures() %}
    {{ return([
        {
            'of': 'fct_report', 'month': 'reported_month',
            'reads': ['uuid', 'is_valid', 'about', 'reported', 'reported_day', 'received', 'patient_uuid', 'household_uuid'],
            'counts': {
                'reports': 'count(*) filter (where t.is_valid)',
                'active_days': 'count(distinct t.reported_day) filter (where t.is_valid)',
                'people_served': 'count(distinct t.patient_uuid) filter (where t.is_valid)',
                'households_visited': 'count(distinct t.household_uuid) filter (where t.is_valid)',
                'reports_invalid': 'count(*) filter (where not t.is_valid)',
                'reports_about_unknown': "count(*) filter (where t.about = 'unknown')",
                'reports_received': 'count(t.received)',
            },
            'sums': {'sync_delay_days': "sum(greatest(extract(epoch from t.received - t.reported), 0) / 86400)"},
            'values': {'last_reported_day': 'max(t.reported_day) filter (where t.is_valid)', 'last_received': 'max(t.received)'},
        },
        {
            'of': 'dim_place', 'month': 'registered_month', 'where': 't.place_type in ' ~ in_list(var('household_types')),
            'reads': ['uuid', 'place_type', 'registered'],
            'counts': {'households_registered': 'count(*)', 'households_undated': 'count(*) filter (where t.registered is null)'},
        },
        {
            'of': 'dim_place', 'month': 'left_month',
            'where': 't.place_type in ' ~ in_list(var('household_types')),
            'reads': ['uuid', 'place_type'],
            'counts': {'households_left': 'count(*)'},
        },
        {
            'of': 'dim_person', 'month': 'entered_month',
            'reads': ['uuid', 'five_month', 'registered'],
            'counts': {
                'people_registered': 'count(*)',
                'people_undated': 'count(*) filter (where t.registered is null)',
                'under_5_entered': 'count(t.five_month)',
            },
        },
        {
            'of': 'dim_person', 'month': 'left_month',
            'reads': ['uuid'],
            'counts': {'people_left': 'count(*)'},
        },
        {
            'of': 'dim_person', 'month': 'five_month',
            'reads': ['uuid'],
            'counts': {'under_5_left': 'count(*)'},
        },
        {
            'of': 'fct_task', 'month': 'due_month',
            'reads': ['uuid', 'state'],
            'counts': {
                'tasks_due': 'count(*)',
                'tasks_completed': "count(*) filter (where t.state = 'Completed')",
                'tasks_failed': "count(*) filter (where t.state = 'Failed')",
            },
        },
    ] + health_measures()) }}
{% endmacro %}

{% macro area_month_key(area, month) -%}
    {{ area }} || ' ' || to_char({{ month }}, 'YYYY-MM-DD')
{%- endmacro %}

{# What agg_area_month follows: the marts of its measures, by area and month; areas, and new months, by all months. #}
{% macro area_month_follows() %}
    {%- set follows = {
        'dim_area': {
            'reads': ['uuid', 'registered_month'],
            'keys': 'select ' ~ area_month_key('uuid', 'month') ~ ' from changed join dim_month on month >= registered_month
                     union select a.uuid from changed join agg_area_month a on a.area_uuid = changed.uuid',
        },
        'dim_month': {
            'reads': ['month'],
            'keys': 'select ' ~ area_month_key('uuid', 'month') ~ ' from changed cross join dim_area',
        },
    } -%}
    {%- for measure in area_month_measures() -%}
        {%- set follow = follows.setdefault(measure.of, {'reads': ['area_uuid'], 'keys': ''}) -%}
        {%- for column in measure.reads + [measure.month] if column not in follow.reads -%}
            {%- do follow.reads.append(column) -%}
        {%- endfor -%}
        {%- do follow.update({'keys': follow['keys'] ~ (' union ' if follow['keys'])
            ~ 'select ' ~ area_month_key('area_uuid', measure.month) ~ ' from changed'
            ~ (' where ' ~ measure.where | replace('t.', '') if measure.where is defined)}) -%}
    {%- endfor -%}
    {{ return(follows) }}
{% endmacro %}
