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
    (t.state in ('Draft', 'Ready') and t.due_day < today.day and (t.end_day >= today.day or t.end_day is null))::int as overdue,
    coalesce({{ never_closed('t', 'today.day') }}, false)::int as expired,
    {{ place_columns('t') }}
from {{ ref('fct_task') }} t
cross join (select {{ local_day('now()') }} as day) today
{{ place_joins('t') }}
