-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- One row for each new pregnancy and each stage of care it reached. Not every stage is part of the one
-- before it, so they have no numbers; their names sort as they stand in the chart.
select
    p.uuid,
    {{ place_columns('p') }},
    p.registered_month,
    stage.name as stage
from {{ ref('fct_pregnancy') }} p
left join {{ ref('form_delivery') }} d on d.uuid = p.delivery_uuid
cross join lateral (
    values
        ('All registered', true),
        ('At least 1 facility visit', p.anc_1 is not null),
        ('At least 4 facility visits', p.anc_4 is not null),
        ('At least 8 contacts', p.contacts_8 is not null),
        ('Birth reported', d.delivered is not null),
        ('Birth reported in a facility', d.delivery_place = 'health_facility'),
        ('Postnatal visit in 24 hours', d.pnc_24_hours)
) stage (name, reached)
{{ place_joins('p') }}
where stage.reached and {{ is_new_pregnancy('p') }}
