-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

with stock as (
    select
        a.*,
        sum(households_registered - households_left) over up_to_month as households,
        sum(people_registered - people_left) over up_to_month as population,
        sum(under_5_entered - under_5_left) over up_to_month as population_under_5
    from {{ ref('agg_area_month') }} a
    window up_to_month as (partition by area_uuid order by month)
)

select
    stock.month,
    area.facility_uuid,
    area.facility_name,
    stock.area_uuid,
    area.name as area_name,
    area.chw_uuid,
    area.chw_name,
    1 as areas,
    (area.chw_uuid is not null)::int as chws_enrolled,
    (stock.reports > 0)::int as areas_active,
    {{ percent('(stock.reports > 0)::int', 1) }} as areas_active_percent,
    stock.reports,
    stock.active_days,
    stock.last_reported_day,
    stock.people_served,
    stock.households_registered as households_new,
    stock.households::integer,
    stock.households_visited,
    {{ percent('stock.households_visited', 'stock.households') }} as coverage_percent,
    (stock.households > 0)::int as areas_with_households,
    (stock.households > 0 and stock.households_visited >= 0.33 * stock.households)::int as coverage_met,
    stock.people_registered as people_new,
    stock.population::integer,
    stock.population_under_5::integer,
    stock.tasks_due,
    stock.tasks_completed,
    stock.tasks_failed,
    stock.tasks_completed + stock.tasks_failed as tasks_ended,
    {{ percent('stock.tasks_completed', 'stock.tasks_completed + stock.tasks_failed') }} as tasks_completed_percent,
    stock.reports_received,
    stock.sync_delay_days,
    stock.sync_delay_days / nullif(stock.reports_received, 0) as sync_delay_days_mean
from stock
join {{ ref('dim_area') }} area on area.uuid = stock.area_uuid
