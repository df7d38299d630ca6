# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every indicator of the hand-worked instance, worked out by hand from its documents, beside why."""

import pytest

pytestmark = pytest.mark.server

MONTHS = ("2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01")
ZERO = (0, 0, 0, 0)
NONE = (None, None, None, None)

# Of each indicator its values in March, April, May and June.
AREA_1 = {
    # Amina and Beth in March; Carol, Fatuma and Dina in April.
    "chws_enrolled": (1, 1, 1, 1), "areas_active": (1, 1, 1, 1), "areas_active_percent": (100, 100, 100, 100),
    "reports": (2, 6, 6, 11), "reports_invalid": ZERO, "reports_about_unknown": ZERO,
    # On 3 June there were two.
    "active_days": (2, 6, 6, 10),
    # Amina, Beth / Amina, Carol, Fatuma, Dina / Amina, Carol, Fatuma, Ruth / Amina, Beth, Dina, both babies, Kito, Lulu
    "people_served": (2, 4, 4, 7),
    "households_new": (3, 1, 0, 0), "households": (3, 4, 4, 4),
    # h1, h2 / h1, h3, h4 / h1, h2, h3 / h1, h2, h4
    "households_visited": (2, 3, 3, 3), "coverage_percent": (pytest.approx(66.7, abs=0.1), 75, 75, 75), "coverage_met": (1, 1, 1, 1),
    # Three babies in June, the stillborn one, who is a person too, and Dina's among them.
    "people_new": (7, 2, 0, 3),
    # In May Juma was muted and Ruth died; in June Dina and her baby died. Lulu's contact does not say that she did.
    "population": (7, 9, 7, 7),
    # Kito / and Lulu / Kito and Lulu / and Beth's baby
    "population_under_5": (1, 2, 2, 3),
    "tasks_due": (0, 2, 3, 1), "tasks_completed": (0, 2, 1, 0), "tasks_failed": (0, 0, 1, 0), "tasks_completed_percent": (None, 100, 50, None),
    "reports_received": (2, 0, 0, 0), "sync_delay_days": (3.5, 0, 0, 0), "sync_delay_days_mean": (1.75, None, None, None),

    "pregnancies_new": (2, 3, 0, 0),
    # Amina in week 8, Beth in week 26 / Fatuma in week 9, Dina in week 28, Carol not known
    "pregnancies_dated": (2, 2, 0, 0), "pregnancies_early": (1, 1, 0, 0), "pregnancies_early_percent": (50, 50, None, None),
    # Beth is 18.
    "pregnancies_teen": (1, 0, 0, 0), "pregnancies_teen_percent": (50, 0, None, None),
    # Amina, Beth / all five / without Beth, who gave birth, and Carol, who miscarried / without Dina. Fatuma, who refuses care, is pregnant.
    "pregnancies_active": (2, 5, 3, 2),
    # Amina and Beth went to a facility before they were registered.
    "pregnancies_active_anc_1": (2, 2, 1, 1), "pregnancies_active_anc_1_percent": (100, 40, pytest.approx(33.3, abs=0.1), 50),
    # Amina: 1 before, 2 in April, 4 in May. Contacts: 2, 4, 7, and in June 8.
    "pregnancies_active_anc_4": (0, 0, 1, 1), "pregnancies_active_anc_4_percent": (0, 0, pytest.approx(33.3, abs=0.1), 50),
    "pregnancies_active_contacts_8": (0, 0, 0, 1), "pregnancies_active_contacts_8_percent": (0, 0, 0, 50),
    "pregnancies_lost": (0, 0, 1, 0), "pregnancies_delivered": (0, 0, 1, 1),
    "delivered_anc_1": (0, 0, 1, 0), "delivered_anc_1_percent": (None, None, 100, 0),
    "delivered_anc_4": ZERO, "delivered_anc_4_percent": (None, None, 0, 0),
    "delivered_contacts_8": ZERO, "delivered_contacts_8_percent": (None, None, 0, 0),

    # Beth's in a facility on 28 May, told in June; Dina's at home.
    "deliveries": (0, 0, 1, 1), "deliveries_placed": (0, 0, 1, 1), "deliveries_in_facility": (0, 0, 1, 0),
    "deliveries_in_facility_percent": (None, None, 100, 0),
    "births": (0, 0, 1, 1), "stillbirths": (0, 0, 1, 0), "births_weighed": (0, 0, 1, 1), "births_low_weight": (0, 0, 0, 1),
    # Dina's report came the day after, too early to tell of day 3.
    "pnc_24_hours_known": (0, 0, 1, 1), "pnc_24_hours": (0, 0, 1, 0), "pnc_24_hours_percent": (None, None, 100, 0),
    "pnc_3_days_known": (0, 0, 1, 0), "pnc_3_days": (0, 0, 1, 0), "pnc_3_days_percent": (None, None, 100, None),
    "pnc_7_days_known": (0, 0, 1, 0), "pnc_7_days": (0, 0, 1, 0), "pnc_7_days_percent": (None, None, 100, None),

    # Fatuma, Amina / Amina / Beth and her baby; and Amina again, whose sign a follow-up still found on 29 May.
    "danger_signs": (0, 2, 1, 2), "referrals": (0, 2, 2, 2),
    # Fatuma was not followed up; Amina on 10 April, 29 May and 3 June; Beth, who did not go, and her baby.
    "referrals_followed_up": (0, 1, 2, 2), "referrals_completed": (0, 1, 1, 1), "referrals_completed_percent": (None, 50, 50, 50),

    # Ruth / Dina, ten days after the birth, her baby of five days, and Lulu of 236. Kito's death was withdrawn.
    "deaths": (0, 0, 1, 3), "deaths_neonatal": (0, 0, 0, 1), "deaths_child": (0, 0, 0, 1), "deaths_maternal": (0, 0, 0, 1),
}
# Registered in April; its CHW never reported.
AREA_2 = {name: (None, *((1,) * 3 if name in ("chws_enrolled",) else (0,) * 3)) for name in AREA_1
          if not name.endswith(("_percent", "_mean"))}
AREA_2["areas_active_percent"] = (None, 0, 0, 0)
# Esther in week 38, until 294 days after her LMP on 10 April; in May the CHW was replaced.
AREA_3 = {
    "chws_enrolled": (1, 1, 1, 1), "areas_active": (1, 0, 1, 0), "reports": (1, 0, 1, 0), "people_served": (1, 0, 1, 0),
    "households": (1, 1, 1, 1), "households_visited": (1, 0, 0, 0), "coverage_percent": (100, 0, 0, 0), "coverage_met": (1, 0, 0, 0),
    "population": (1, 1, 1, 1), "population_under_5": ZERO,
    "pregnancies_new": (1, 0, 0, 0), "pregnancies_early": ZERO, "pregnancies_teen": ZERO, "pregnancies_active": (1, 0, 0, 0),
    "pregnancies_active_anc_1": (1, 0, 0, 0), "pregnancies_active_anc_4": (1, 0, 0, 0), "pregnancies_active_contacts_8": ZERO,
    "deliveries": ZERO, "pregnancies_lost": ZERO, "deaths": ZERO}


@pytest.fixture(scope="module")
def worked(copy, hand_worked_database):
    warehouse = copy(hand_worked_database)
    yield warehouse
    warehouse.connection.close()


@pytest.mark.parametrize("area, expected", [("area-1", AREA_1), ("area-2", AREA_2), ("area-3", AREA_3)])
def test_areas_by_month(worked, area, expected):
    found = {}
    for position, month in enumerate(MONTHS):
        rows = worked.query(f"SELECT {', '.join(expected)} FROM marts.rpt_area_month WHERE area_uuid = %s AND month = %s", area, month)
        for name, value in zip(expected, rows[0] if rows else [None] * len(expected)):
            found.setdefault(name, [None] * 4)[position] = value
    assert {name: tuple(values) for name, values in found.items()} == expected


def test_no_indicator_is_left_out(worked):
    """Every column of the view is worked out here, or is none."""
    others = {"month", "is_full_month", "facility_uuid", "facility_name", "area_uuid", "area_name", "chw_uuid", "chw_name", "areas", "last_reported_day",
              "areas_with_households", "tasks_ended"}
    columns = set(worked.column("SELECT column_name FROM information_schema.columns WHERE table_schema = 'marts' AND table_name = 'rpt_area_month'"))
    assert columns - others == set(AREA_1)


def test_facility_by_month(worked):
    """What a dashboard sums up: May in both areas of fac-1, and how much each active CHW reported."""
    row = worked.row(
        "SELECT sum(areas_active) AS active, sum(areas) AS areas, sum(reports)::float / sum(areas_active) AS reports_per_chw, "
        "100.0 * sum(pregnancies_early) / nullif(sum(pregnancies_dated), 0) AS early, sum(coverage_met) AS met, "
        "sum(areas_with_households) AS with_households, sum(chws_enrolled) AS enrolled "
        "FROM marts.rpt_area_month WHERE facility_uuid = 'fac-1' AND month = '2026-05-01'")
    assert row == {"active": 1, "areas": 2, "reports_per_chw": 6, "early": None, "met": 1, "with_households": 1, "enrolled": 2}


def test_silent_chws_and_targets(worked):
    silence = dict(worked.query("SELECT area_uuid, silence FROM marts.rpt_area"))
    assert silence == {"area-1": "over 60 days", "area-2": "never", "area-3": "never"}
    targets = {target: tuple(row) for target, *row in worked.query("SELECT target_id, area_uuid, has_goal, achieved FROM marts.rpt_target")}
    assert targets == {"pregnancy-registrations-this-month": ("area-1", 1, 1), "facility-deliveries": ("area-1", 1, 0),
                       "births-this-month": ("area-1", 0, 0)}


def test_a_month_is_over_when_it_is_over_in_the_operators_zone(worked):
    """All of 2026 that the instance has; never the current one, wherever the session is."""
    current = worked.value("SELECT date_trunc('month', now() AT TIME ZONE 'Africa/Nairobi')::date")
    for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
        worked.query(f"SET timezone TO '{zone}'")
        months = worked.query("SELECT DISTINCT month, is_full_month FROM marts.rpt_area_month")
        assert current in dict(months) and all(is_full == (month < current) for month, is_full in months)
    worked.query("RESET timezone")


def test_care_cascade(worked):
    """Six registered; Amina, Beth and Esther went to a facility; Amina and Esther four times; Amina has eight contacts; Beth and
    Dina gave birth, Beth in a facility. They are charted by name."""
    assert worked.query('SELECT stage, count(*) FROM marts.rpt_care_cascade GROUP BY stage ORDER BY stage COLLATE "C"') == [
        ("All registered", 6), ("At least 1 facility visit", 3), ("At least 4 facility visits", 2), ("At least 8 contacts", 1),
        ("Birth reported", 2), ("Birth reported in a facility", 1), ("Postnatal visit in 24 hours", 1)]


def test_gestational_age_at_registration(worked):
    assert dict(worked.query("SELECT registered_at, count(*) FROM marts.rpt_pregnancy GROUP BY 1")) == {
        "under 12 weeks": 2, "12 to 27 weeks": 1, "28 weeks and over": 2, "unknown": 1}


def test_danger_sign_follow_up_and_births(worked):
    assert dict(worked.query("SELECT outcome, count(*) FROM marts.rpt_danger_sign GROUP BY 1")) == {
        "visited the facility": 3, "did not visit the facility": 2, "not followed up": 1}
    assert dict(worked.query("SELECT birth, count(*) FROM marts.rpt_birth GROUP BY 1")) == {"live birth": 2, "stillbirth": 1}
    assert dict(worked.query("SELECT delivery_place, count(*) FROM marts.rpt_delivery GROUP BY 1")) == {"health_facility": 1, "home": 1}
    assert dict(worked.query("SELECT age_band, count(*) FROM marts.rpt_death GROUP BY 1")) == {
        "50 years and over": 1, "15-49 years": 1, "neonatal": 1, "child": 1}
    assert worked.column("SELECT patient_uuid FROM marts.rpt_death WHERE is_maternal") == ["dina"]

