-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{{ config(
    meta={'follows': follow_form('delivery', ['pregnancy_uuid'])},
    indexes=[{'columns': ['patient_uuid']}, {'columns': ['area_uuid', 'delivered_month']}],
) }}

with form as (
    {{ form_model('delivery') }}
),

delivery as (
    select
        form.*,
        case when delivery_date is not null or delivery_place is not null or babies_delivered > 0
            then least(delivery_date, reported_day) end as delivered
    from form
)

select
    *,
    {{ month_of('delivered') }} as delivered_month
from delivery
