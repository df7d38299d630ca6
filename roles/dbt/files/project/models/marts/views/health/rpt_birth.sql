-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    b.uuid,
    {{ place_columns('b') }},
    b.household_uuid,
    b.baby_uuid,
    b.delivery_uuid,
    b.born,
    b.born_month,
    case when b.outcome = 'stillborn' then 'stillbirth' else 'live birth' end as birth,
    b.outcome,
    b.sex,
    b.birth_weight,
    b.birth_weight < 2500 as is_low_birth_weight,
    b.breastfed_within_1_hour,
    b.danger_sign
from {{ ref('fct_baby') }} b
{{ place_joins('b') }}
