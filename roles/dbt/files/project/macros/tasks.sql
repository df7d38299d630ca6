-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

{# Whether a task is open though it cannot be done any more: the app that would have closed it has not been used since. #}
{% macro never_closed(task, today) -%}
    ({{ task }}.state in ('Draft', 'Ready') and {{ task }}.end_day < {{ today }})
{%- endmacro %}
