-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    t.uuid,
    t.reporting_month,
    t.target_id,
    t.type,
    t.goal,
    t.pass,
    t.total,
    t.percent,
    (t.goal > 0)::int as has_goal,
    (t.goal > 0 and case when t.type = 'percent' then t.percent else t.pass end >= t.goal)::int as achieved,
    t.updated,
    {{ place_columns('t') }}
from {{ ref('fct_target') }} t
{{ place_joins('t') }}
where t.is_newest
