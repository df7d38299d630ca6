-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    d.uuid,
    {{ place_columns('d') }},
    d.household_uuid,
    d.patient_uuid,
    d.reported,
    d.delivered,
    d.delivered_month,
    d.delivery_place,
    d.delivery_place = 'health_facility' as in_facility,
    d.delivery_mode,
    d.delivery_conductor,
    d.woman_outcome,
    d.babies_delivered,
    d.danger_sign,
    d.pnc_24_hours as pnc_within_24_hours,
    {{ pnc_within('d', 3) }} as pnc_within_3_days,
    {{ pnc_within('d', 7) }} as pnc_within_7_days
from {{ ref('form_delivery') }} d
{{ place_joins('d') }}
where d.delivered is not null
