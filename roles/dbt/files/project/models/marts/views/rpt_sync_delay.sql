-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    t.uuid,
    t.reported,
    t.reported_day,
    t.reported_month,
    {{ is_over('t.reported_month') }} as is_full_month,
    t.received,
    greatest(date_part('epoch', t.received - t.reported), 0) / 86400 as delay_days,
    t.form,
    {{ place_columns('t') }}
from {{ ref('fct_report') }} t
{{ place_joins('t') }}
where t.received is not null and t.reported is not null
