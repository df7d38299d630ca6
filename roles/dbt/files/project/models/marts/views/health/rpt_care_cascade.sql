-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- One row for each pregnancy and each stage of care it reached, for a funnel.
select
    p.uuid,
    {{ place_columns('p') }},
    p.registered_month,
    stage.number as stage_number,
    stage.name as stage
from {{ ref('fct_pregnancy') }} p
left join {{ ref('form_delivery') }} d on d.uuid = p.delivery_uuid
cross join lateral (
    values
        (1, 'Registered', true),
        (2, '1 facility visit', p.anc_1 is not null),
        (3, '4 facility visits', p.anc_4 is not null),
        (4, '8 contacts', p.contacts_8 is not null),
        (5, 'Delivered in a facility', d.delivery_place = 'health_facility'),
        (6, 'Postnatal visit within 24 hours', d.pnc_24_hours)
) stage (number, name, reached)
{{ place_joins('p') }}
where stage.reached
