-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': {'fct_report': follow_form('delivery')}},
    indexes=[{'columns': ['patient_uuid']}],
) }}

with form as (
    {{ form_model('delivery') }}
)

select
    form.*,
    case when delivery_date is not null or delivery_place is not null or babies_delivered > 0
        then least(delivery_date, reported_day) end as delivered,
    case when delivery_date is not null or delivery_place is not null or babies_delivered > 0
        then date_trunc('month', least(delivery_date, reported_day)::timestamp)::date end as delivered_month
from form
