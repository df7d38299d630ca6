-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Months, up to the current one. A month that begins makes rows of everything that has one for each.
{{ config(unique_key='month', incremental_strategy='append') }}

select month::date as month
from generate_series(
    {{ first_month() }}::timestamp, date_trunc('month', now() at time zone '{{ var("time_zone") }}'), interval '1 month'
) month
{% if is_incremental() %}
where month > (select max(month) from {{ this }})
{% endif %}
