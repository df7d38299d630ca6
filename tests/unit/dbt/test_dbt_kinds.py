# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of contact that the variables name and that there are not."""

import pytest
from cht_dbt.kinds import unknown

# As marts.sys_contact_type lists them
KINDS = [("area_types", "ward", True), ("facility_types", "county", True), ("household_types", "home", True), ("person_types", "person", True),
         ("", "school", True)]  # fmt: skip


@pytest.mark.parametrize("kinds", [
    KINDS,
    [],  # no such view yet
    [("area_types", "ward", False), ("facility_types", "county", False)],  # nothing came in yet
    [*KINDS, ("person_types", "patient", False)],  # the project's own, of CHT's fixed hierarchy
])  # fmt: skip
def test_nothing_is_wrong(kinds):
    assert unknown(kinds, {"area_types": ["ward"]}) == ""


def test_a_typo_is_told_with_what_there_is():
    text = unknown([*KINDS, ("area_types", "wards", False)], {})
    assert text.startswith("area_types names wards, but CHT has no such kind of contact, so dashboards lack it")
    assert text.endswith("set dbt_vars to kinds that there are: county, home, person, school, ward")


def test_what_sorts_contacts_is_looked_at_where_the_site_sets_it():
    assert unknown(KINDS, {"place_types": ["ward", "countys"], "silent_days": 3}).startswith("place_types names countys, but")
