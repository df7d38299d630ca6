# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The four dashboards: what they show is what the marts hold, what CHT's documents say, and what a reader takes it for."""

import json
import time
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml
from dashboard import FILES, Dashboard
from playwright.sync_api import expect
from reading import MONTH as MONTH_NAME
from reading import labels, months, unequal, when
from stack import INVENTORY, until

pytestmark = [pytest.mark.one, pytest.mark.browser]

NAMES = ["community_health", "chw_activity", "maternal_child_health", "data_health"]
DESKTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
AREA_MONTH = yaml.safe_load((FILES / "datasets/datasets/rpt_area_month.yaml").read_text())["uuid"]
# What the project promises from the field to the screen.
PROMISE = 90

# The operator's calendar. The dashboards show twelve months up to the current one, percentages of a month those of the last that is over.
TIMEZONE = yaml.safe_load((INVENTORY / "group_vars/all/main.yml").read_text())["cht_sync_timezone"]
ZONE = f"'{TIMEZONE}'"
TODAY = f"(now() AT TIME ZONE {ZONE})::date"
MONTH = f"date_trunc('month', {TODAY})::date"
SINCE = f"({MONTH} - interval '11 months')::date"
LAST = f"({MONTH} - interval '1 month')::date"


def day(milliseconds):
    """SQL for the day of a moment that a document gives in milliseconds."""
    return f"(to_timestamp(({milliseconds})::bigint / 1000.0) AT TIME ZONE {ZONE})::date"


def documents(what, where):
    """SQL that asks CHT's documents themselves, so that the marts are not their own witness."""
    return f"SELECT {what} FROM v1.couchdb WHERE NOT _deleted AND {where}"


def area_months(what, month):
    return f"SELECT {what} FROM marts.rpt_area_month WHERE month = {month}"


PERCENT = "to_char(round(100 * {}), 'FM990%%')".replace("%%", "%")
COUNT = "to_char({}, 'FM999,999,990')"
ONE_DIGIT = "to_char(round({}::numeric, 1), 'FM999,990.0')"

# Chart -> SQL for what it shows, formatted as it shows it.
NUMBERS = {
    "community_health": {
        "Households registered": documents(COUNT.format("count(*)"), "doc->>'type' = 'clinic' AND doc->>'muted' IS NULL"),
        "People registered": area_months(COUNT.format("sum(population)"), MONTH),
        "Active CHWs": area_months(PERCENT.format("sum(areas_active)::numeric / sum(areas)"), LAST),
        "Household coverage": area_months(PERCENT.format("sum(households_visited)::numeric / sum(households)"), LAST),
        "Reports": documents(
            COUNT.format("count(*)"), f"doc->>'type' = 'data_record' AND doc ? 'form' AND {day('''doc->>'reported_date' ''')} >= {SINCE}"
        ),
        "People served": area_months(COUNT.format("sum(people_served)"), LAST),
        "CHWs meeting the target": area_months(PERCENT.format("sum(coverage_met)::numeric / sum(areas_with_households)"), LAST),
        "Deaths": f"SELECT {COUNT.format('count(*)')} FROM marts.rpt_death WHERE died >= {SINCE}",
    },
    "chw_activity": {
        "CHWs": documents(COUNT.format("count(*)"), "doc->>'type' = 'health_center' AND doc #>> '{contact,_id}' IS NOT NULL"),
        "CHWs without a report": area_months(COUNT.format("sum(areas) - sum(areas_active)"), LAST),
        "Silent CHWs": f"SELECT {COUNT.format('count(*)')} FROM marts.sys_silent_chw WHERE silent",
        "Days to sync": f"SELECT {ONE_DIGIT.format('avg(delay_days)')} FROM marts.rpt_sync_delay WHERE reported_month = {LAST}",
        "Tasks completed": area_months(PERCENT.format("sum(tasks_completed)::numeric / sum(tasks_ended)"), LAST),
        "Overdue tasks": documents(
            COUNT.format("count(*)"),
            f"doc->>'type' = 'task' AND doc->>'state' IN ('Draft', 'Ready') AND (doc #>> '{{emission,dueDate}}')::date < {TODAY} "
            f"AND (doc #>> '{{emission,endDate}}')::date >= {TODAY}",
        ),
    },
    "maternal_child_health": {
        "Active pregnancies": area_months(COUNT.format("sum(pregnancies_active)"), MONTH),
        "New pregnancies": f"SELECT {COUNT.format('count(*)')} FROM marts.rpt_pregnancy WHERE is_new AND registered_month >= {SINCE}",
        "Due within 30 days": f"SELECT {COUNT.format('count(*)')} FROM marts.rpt_pregnancy WHERE is_due_within_30_days",
        "Deliveries in a health facility": documents(
            PERCENT.format("count(*) FILTER (WHERE doc #>> '{fields,delivery_outcome,delivery_place}' = 'health_facility')::numeric / count(*)"),
            "doc->>'form' = 'delivery' AND doc #>> '{fields,delivery_outcome,delivery_place}' <> ''",
        ),
        "Referrals completed": f"SELECT {PERCENT.format('avg(coalesce(visited_facility, false)::int)')} FROM marts.rpt_danger_sign "
        f"WHERE reported_day >= {SINCE}",
        "Registered before 12 weeks": f"SELECT {PERCENT.format('avg(is_early::int)')} FROM marts.rpt_pregnancy "
        f"WHERE is_new AND registered_month >= {SINCE}",
    },
    "data_health": {
        "Changes kept aside": f"SELECT {COUNT.format('count(*)')} FROM v1.quarantine WHERE closed_at IS NULL AND reason <> 'id_collision'",
        "Devices at risk": f"SELECT {COUNT.format('count(*)')} FROM marts.sys_device WHERE storage_free <= 262144000 OR documents > 10000",
    },
}


def now():
    """What a clock of the operator's shows."""
    return datetime.now(ZoneInfo(TIMEZONE)).replace(tzinfo=None)


def differences(demo, dashboard, numbers):
    """Charts that show something else than the database holds: {chart: (shown, held)}."""
    shown = {title: dashboard.number(title) for title in numbers}
    held = {title: demo.sql(query) for title, query in numbers.items()}
    return {title: (shown[title], held[title]) for title in numbers if shown[title] != held[title]}


def overflows(page):
    """What is wider than the window, and charts that are drawn beyond their box, by title; `text` is one without charts."""
    return page.evaluate(
        """() => {
            const width = window.innerWidth, found = [];
            if (document.documentElement.scrollWidth > width) found.push(`page: ${document.documentElement.scrollWidth}`);
            for (const holder of document.querySelectorAll(".dashboard-component-chart-holder")) {
                const box = holder.getBoundingClientRect();
                const drawn = [...holder.querySelectorAll("canvas, .header-line, .subtitle-line, p")].map(part => part.getBoundingClientRect());
                if (box.left < 0 || box.right > width || drawn.some(part => part.right > box.right + 1 || part.bottom > box.bottom + 1))
                    found.push(holder.querySelector("[data-test-chart-name]")?.dataset.testChartName ?? "text");
            }
            return found;
        }"""
    )


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def odd(demo):
    """What happens, and makes one number two where it is counted in two ways: a woman registered twice, and another in no area."""
    report = json.loads(
        demo.sql("SELECT doc - '{_rev,_attachments}'::text[] FROM v1.couchdb WHERE doc->>'form' = 'pregnancy' AND NOT _deleted LIMIT 1")
    )
    nowhere = {"contact": {"_id": str(uuid.uuid4())}, "fields": {}}
    return [
        demo.write(**{**report, **more, "_id": str(uuid.uuid4()), "reported_date": int(time.time() * 1000)}) for more in ({}, {}, nowhere)
    ]


@pytest.fixture(scope="module")
def dashboard(demo, odd, windows, name):
    """A dashboard that is open for all tests of it, in the window of a small computer."""
    if name == "maternal_child_health":
        ids = "', '".join(odd)
        held = f"SELECT count(*) FROM marts.rpt_pregnancy WHERE uuid IN ('{ids}')"
        until(lambda: demo.sql(held) == str(len(odd)), PROMISE, "the registration of the odd pregnancies")
    with windows() as window:
        window.set_viewport_size(DESKTOP)
        dashboard = Dashboard(window, demo, name)
        dashboard.open()
        yield dashboard


def test_charts_do_not_wait_for_their_programs(dashboard):
    assert dashboard.late_programs() == []


def test_a_dashboard_shows_what_the_warehouse_holds(demo, dashboard, name):
    assert dashboard.errors() == []
    assert dashboard.window.locator("[data-test-chart-name]").count() == len(dashboard.charts)
    dashboard.screenshot(f"{name}-1366")
    deadline = time.monotonic() + PROMISE
    # The live writer of the demo may move the numbers between the two looks.
    while different := differences(demo, dashboard, NUMBERS[name]):
        assert time.monotonic() < deadline, different
        dashboard.open()


def test_numbers_that_a_reader_takes_for_the_same_are_equal(demo, dashboard, name):
    (last,) = map(datetime.fromisoformat, demo.sql(f"SELECT {LAST}").split())
    deadline = time.monotonic() + PROMISE
    # Each chart asks for itself, while the models go on.
    while different := unequal(dashboard, name, last):
        assert time.monotonic() < deadline, different
        dashboard.open()


def test_the_time_is_told_in_words_and_ends_with_the_operators_today(demo, dashboard, name):
    """It is seen without a click."""
    shown = dashboard.window.locator("[data-test=time-range-trigger]")
    words, span = ("Last quarter", "3 months") if name == "data_health" else ("Last year", "1 year")
    assert shown.is_visible() and shown.inner_text().strip() == words

    def told(time_range):
        answer = dashboard.window.request.get(f"{demo.url}/api/v1/time_range/?q=!((timeRange:'{time_range}'))").json()["result"][0]
        return [datetime.fromisoformat(answer[end]) for end in ("since", "until")]

    days = demo.sql(f"SELECT ({TODAY} + 1 - interval '{span}')::date, {TODAY} + 1").split("|")
    assert told(words) == [datetime.fromisoformat(day) for day in days]
    assert abs(told("now : tomorrow")[0] - now()) < timedelta(minutes=5)


def test_each_month_of_an_axis_has_its_label(demo, dashboard, name):
    assert_months(demo, dashboard, name)


def assert_months(demo, dashboard, name):
    since, last, current = (datetime.fromisoformat(day) for day in demo.sql(f"SELECT {SINCE}, {LAST}, {MONTH}").split("|"))
    year = months(since, current)
    for title, is_of_all_months in monthly(name).items():
        shown = labels(dashboard, title)
        assert shown, title
        if is_of_all_months:
            assert shown in (year, months(since, last)), title
        else:
            # From the first month in which there was something to the last.
            ends = (datetime.strptime(label, MONTH_NAME) for label in (shown[0], shown[-1]))
            assert shown == months(*ends) and set(shown) <= set(year), title


def monthly(name):
    """The charts of a dashboard that have an axis of months, and whether there is something of each month."""
    charts = map(yaml.safe_load, (path.read_text() for path in FILES.glob(f"dashboards/{name}/charts/*.yaml")))
    return {
        chart["slice_name"]: chart["dataset_uuid"] == AREA_MONTH
        for chart in charts
        if MONTH_NAME in (chart["params"].get("x_axis_time_format"), chart["params"].get("date_format"))
        and chart["viz_type"] != "pivot_table_v2"
    }


@pytest.mark.parametrize("name", ["data_health"], indirect=True)
def test_times_are_those_of_the_operators_zone(demo, dashboard):
    """In a table, on an axis, in a file. The other dashboards show days and months."""
    dashboard.open()
    for _, _, _, _, last_sync, zone, *_ in dashboard.rows("Databases"):
        assert abs(datetime.strptime(f"{now().year} {last_sync}", "%Y %d %b %H:%M:%S") - now()) < timedelta(minutes=30)
        assert zone == TIMEZONE

    runs, axis = "Last run of each model", "Seconds that dbt took"
    # A view, which is made with the project only.
    began = f"max(start_time) AT TIME ZONE 'UTC' AT TIME ZONE {ZONE}"
    held, precise = demo.sql(
        f"SELECT to_char({began}, 'DD Mon HH24:MI'), to_char({began}, 'YYYY-MM-DD HH24:MI:SS') FROM dbt.dbt_results WHERE name = 'rpt_area'"
    ).split("|")
    dashboard.chart(runs).get_by_placeholder("records").fill("rpt_area")
    expect(dashboard.chart(runs).locator("tbody tr", has_text="rpt_area").locator("td:nth-child(5)").first).to_have_text(held)
    expect(dashboard.chart(runs).locator("tbody tr")).to_have_count(2)
    assert f"marts,rpt_area,view,success,{precise}" in dashboard.file(runs)

    hours = f"to_char(date_trunc('hour', start_time AT TIME ZONE 'UTC' AT TIME ZONE {ZONE}), 'DD Mon HH24:MI')"
    ran = set(demo.sql(f"SELECT DISTINCT {hours} FROM dbt.dbt_results WHERE resource_type = 'model'").splitlines())
    # What the axis is drawn from: it names more hours than had runs.
    assert {when(row["began"]).strftime("%d %b %H:%M") for row in dashboard.data(axis)} <= ran


def test_on_a_phone_rows_become_a_column(demo, dashboard, name):
    dashboard.window.set_viewport_size(PHONE)
    dashboard.open()
    assert dashboard.errors() == []
    dashboard.screenshot(f"{name}-390")
    assert overflows(dashboard.window) == []
    assert_months(demo, dashboard, name)


def test_filters_narrow_what_is_shown(demo, page):
    page.set_viewport_size(DESKTOP)
    dashboard = Dashboard(page, demo, "community_health")
    dashboard.open()
    facility, area = demo.sql(
        "SELECT facility_name, area_name FROM marts.rpt_data_record WHERE facility_name IS NOT NULL GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1"
    ).split("|")

    dashboard.choose("Health facility", facility)
    dashboard.apply()
    expect_numbers(demo, dashboard, f"facility_name = '{facility}'", SINCE)
    assert [row[0] for row in dashboard.rows("Health facilities compared over full months")] == [facility]

    areas = demo.sql(f"SELECT DISTINCT area_name FROM marts.rpt_area WHERE facility_name = '{facility}'").split("\n")
    assert sorted(dashboard.choices("Area")) == sorted(areas)
    dashboard.choose("Area", area)
    dashboard.apply()
    expect_numbers(demo, dashboard, f"facility_name = '{facility}' AND area_name = '{area}'", SINCE)

    dashboard.choose_time("Current", "Current month")
    dashboard.apply()
    expect_numbers(demo, dashboard, f"facility_name = '{facility}' AND area_name = '{area}'", MONTH)


def expect_numbers(demo, dashboard, place, since):
    """Numbers of the marts and of the documents below them, for one place and from a day on."""
    expected = {
        "Reports": f"SELECT {COUNT.format('count(*)')} FROM marts.rpt_data_record WHERE {place} AND reported_day >= {since}",
        "Deaths": f"SELECT {COUNT.format('count(*)')} FROM marts.rpt_death WHERE {place} AND died >= {since}",
        "Households registered": f"SELECT {COUNT.format('sum(households)')} FROM marts.rpt_area_month WHERE {place} AND month = {MONTH}",
        "People registered": f"SELECT {COUNT.format('sum(population)')} FROM marts.rpt_area_month WHERE {place} AND month = {MONTH}",
    }
    deadline = time.monotonic() + PROMISE
    while different := differences(demo, dashboard, expected):
        assert time.monotonic() < deadline, different
        dashboard.window.wait_for_timeout(500)


def test_a_report_is_on_the_dashboard_within_90_seconds(demo, page):
    dashboard = Dashboard(page, demo, "community_health")
    page.set_viewport_size(DESKTOP)
    dashboard.open()
    before = count(dashboard.number("Reports"))
    report = json.loads(
        demo.sql(
            "SELECT doc - '{_rev,_attachments}'::text[] FROM v1.couchdb "
            "WHERE doc->>'form' = 'pregnancy_home_visit' AND NOT _deleted LIMIT 1"
        )
    )
    report.update(_id=str(uuid.uuid4()), reported_date=int(time.time() * 1000))
    written = time.monotonic()
    demo.write(**report)
    while True:
        dashboard.open()
        waited = time.monotonic() - written
        counted = demo.sql(f"SELECT count(*) FROM marts.rpt_data_record WHERE uuid = '{report['_id']}'") == "1"
        if counted and count(dashboard.number("Reports")) > before:
            break
        assert waited < PROMISE, f"the dashboard still shows {before} after {waited:.0f} s (in the mart: {counted})"
        page.wait_for_timeout(1000)
    print(f"from CouchDB to the dashboard: {waited:.0f} s")
    assert waited < PROMISE


def count(text):
    return int(text.replace(",", ""))
