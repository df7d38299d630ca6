-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# Measures of agg_area_month on mothers and children, as in area_month_measures. #}
{% macro health_measures() %}
    {{ return([
        {
            'of': 'fct_pregnancy', 'month': 'registered_month',
            'where': is_new_pregnancy('t'),
            'reads': ['uuid', 'outcome', 'ended_month', 'weeks_at_registration', 'age_in_years'],
            'counts': {
                'pregnancies_new': 'count(*)',
                'pregnancies_dated': 'count(t.weeks_at_registration)',
                'pregnancies_early': 'count(*) filter (where t.weeks_at_registration < 12)',
                'pregnancies_teen': 'count(*) filter (where t.age_in_years between 10 and 19)',
            },
        },
        {
            'of': 'fct_pregnancy', 'month': 'entered_month',
            'reads': ['uuid'],
            'counts': {'pregnancies_entered': 'count(*)'},
        },
        {
            'of': 'fct_pregnancy', 'month': 'anc_1_month',
            'reads': ['uuid'],
            'counts': {'anc_1_entered': 'count(*)'},
        },
        {
            'of': 'fct_pregnancy', 'month': 'anc_4_month',
            'reads': ['uuid'],
            'counts': {'anc_4_entered': 'count(*)'},
        },
        {
            'of': 'fct_pregnancy', 'month': 'contacts_8_month',
            'reads': ['uuid'],
            'counts': {'contacts_8_entered': 'count(*)'},
        },
        {
            'of': 'fct_pregnancy', 'month': 'left_month',
            'reads': ['uuid', 'anc_1_month', 'anc_4_month', 'contacts_8_month'],
            'counts': {
                'pregnancies_left': 'count(*)',
                'anc_1_left': 'count(t.anc_1_month)',
                'anc_4_left': 'count(t.anc_4_month)',
                'contacts_8_left': 'count(t.contacts_8_month)',
            },
        },
        {
            'of': 'fct_pregnancy', 'month': 'ended_month',
            'reads': ['uuid', 'outcome', 'anc_1', 'anc_4', 'contacts_8'],
            'counts': {
                'pregnancies_lost': "count(*) filter (where t.outcome in ('miscarriage', 'abortion'))",
                'pregnancies_delivered': "count(*) filter (where t.outcome = 'delivery')",
                'delivered_anc_1': "count(t.anc_1) filter (where t.outcome = 'delivery')",
                'delivered_anc_4': "count(t.anc_4) filter (where t.outcome = 'delivery')",
                'delivered_contacts_8': "count(t.contacts_8) filter (where t.outcome = 'delivery')",
            },
        },
        {
            'of': 'form_delivery', 'month': 'delivered_month',
            'reads': ['uuid', 'reported_day', 'delivered', 'delivery_place', 'pnc_24_hours', 'pnc_3_days', 'pnc_7_days'],
            'counts': {
                'deliveries': 'count(*)',
                'deliveries_placed': 'count(t.delivery_place)',
                'deliveries_in_facility': "count(*) filter (where t.delivery_place = 'health_facility')",
                'pnc_24_hours_known': 'count(t.pnc_24_hours)',
                'pnc_24_hours': 'count(*) filter (where t.pnc_24_hours)',
                'pnc_3_days_known': 'count(' ~ pnc_within('t', 3) ~ ')',
                'pnc_3_days': 'count(*) filter (where ' ~ pnc_within('t', 3) ~ ')',
                'pnc_7_days_known': 'count(' ~ pnc_within('t', 7) ~ ')',
                'pnc_7_days': 'count(*) filter (where ' ~ pnc_within('t', 7) ~ ')',
            },
        },
        {
            'of': 'fct_baby', 'month': 'born_month',
            'reads': ['uuid', 'outcome', 'birth_weight'],
            'counts': {
                'births': "count(*) filter (where t.outcome <> 'stillborn')",
                'stillbirths': "count(*) filter (where t.outcome = 'stillborn')",
                'births_weighed': 'count(t.birth_weight)',
                'births_low_weight': 'count(*) filter (where t.birth_weight < 2500)',
            },
        },
        {
            'of': 'fct_danger_sign', 'month': 'reported_month',
            'reads': ['uuid', 'again', 'followed_up', 'visited_facility'],
            'counts': {
                'danger_signs': 'count(*) filter (where not t.again)',
                'referrals': 'count(*)',
                'referrals_followed_up': 'count(t.followed_up)',
                'referrals_completed': 'count(*) filter (where t.visited_facility)',
            },
        },
        {
            'of': 'fct_death', 'month': 'died_month',
            'reads': ['patient_uuid', 'age_band'],
            'counts': {
                'deaths': 'count(*)',
                'deaths_neonatal': "count(*) filter (where t.age_band = 'neonatal')",
                'deaths_child': "count(*) filter (where t.age_band = 'child')",
            },
        },
        {
            'of': 'fct_maternal_death', 'month': 'died_month',
            'reads': ['patient_uuid'],
            'counts': {'deaths_maternal': 'count(*)'},
        },
    ]) }}
{% endmacro %}

{# Whether a row of fct_pregnancy counts as a new pregnancy of its month: of one registered twice in a month the last does. #}
{% macro is_new_pregnancy(row) -%}
    ({{ row }}.outcome is distinct from 'registered_again' or {{ row }}.ended_month > {{ row }}.registered_month) is true
{%- endmacro %}
