# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Permissions as people write them."""

import pytest

from ansible_collections.cht.sync.plugins.module_utils._superset import SupersetError
from ansible_collections.cht.sync.plugins.module_utils._superset_datasets import Missing
from ansible_collections.cht.sync.plugins.module_utils._superset_permissions import Permissions, UnknownPermission, canonical

KNOWN = [
    "can_read on Dashboard",
    "can_write on Dashboard",
    "menu_access on SQL Lab",
    "datasource_access on [CHT warehouse].[rpt_area](id:1)",
    "datasource_access on [CHT warehouse].[rpt_target](id:11)",
    "schema_access on [CHT warehouse].[marts]",
    "schema_access on [CHT warehouse].[cht].[marts]",
    "schema_access on [CHT warehouse].[cht].[other_marts]",
    "schema_access on [Elsewhere].[marts]",
    "schema_access on [Many].[a].[marts]",
    "schema_access on [Many].[b].[marts]",
]


@pytest.fixture
def known():
    return Permissions({text: number for number, text in enumerate(KNOWN, 1)})


@pytest.mark.parametrize(
    "text, meant",
    [
        ("can read on Dashboard", "can_read on Dashboard"),
        (" can_read on Dashboard ", "can_read on Dashboard"),
        ("menu access on SQL Lab", "menu_access on SQL Lab"),
        ("schema_access on [Data on CHT].[marts]", "schema_access on [Data on CHT].[marts]"),
    ],
)
def test_a_permission_has_one_spelling(text, meant):
    assert canonical(text) == meant


@pytest.mark.parametrize("text", ["Dashboard", "can_read", "", "on Dashboard", "can_read on "])
def test_another_form_is_refused(text):
    with pytest.raises(UnknownPermission, match="as Superset shows it"):
        canonical(text)


def test_an_unknown_permission_is_named_with_the_nearest(known):
    with pytest.raises(UnknownPermission) as caught:
        known.named("can_reed on Dashboard")
    assert '"can_reed on Dashboard": did you mean "can_read on Dashboard" or' in str(caught.value)


def test_nothing_near_is_no_guess(known):
    with pytest.raises(UnknownPermission) as caught:
        known.named("xyzzy on Qqqqqqqqqq")
    assert "did you mean" not in str(caught.value)


def test_a_dataset_is_found_by_its_number(known):
    assert known.of_dataset(1) == "datasource_access on [CHT warehouse].[rpt_area](id:1)"
    with pytest.raises(Missing):
        known.of_dataset(2)


def test_a_schema_is_given_in_all_its_forms_and_no_other(known):
    both = {"schema_access on [CHT warehouse].[marts]", "schema_access on [CHT warehouse].[cht].[marts]"}
    assert known.of_schema("CHT warehouse", "marts") == both
    with pytest.raises(Missing, match="nothing"):
        known.of_schema("CHT warehouse", "nothing")


def test_a_schema_of_several_catalogs_is_ambiguous(known):
    with pytest.raises(SupersetError, match="Several catalogs") as caught:
        known.of_schema("Many", "marts")
    assert not isinstance(caught.value, Missing)
