-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

select
    t.uuid,
    t.owner_uuid,
    t.title,
    t.state,
    t.authored,
    t.due_day,
    t.due_month,
    {{ is_over('t.due_month') }} as is_full_month,
    t.end_day,
    (t.state in ('Draft', 'Ready') and t.due_day < {{ local_day('now()') }})::int as overdue,
    {{ place_columns('t') }}
from {{ ref('fct_task') }} t
{{ place_joins('t') }}
