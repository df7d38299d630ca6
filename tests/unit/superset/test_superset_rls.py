# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of row-level security: which are sent at all."""

import pytest

from ansible_collections.cht.sync.plugins.module_utils._superset import SupersetError
from ansible_collections.cht.sync.plugins.module_utils._superset_rls import check_clause, wanted_rules


@pytest.mark.parametrize(
    "clause",
    [
        "area_uuid = '7d1b2b8e-6a0e-4b7e-9a3b-1f3c8f2f0a11'",
        "1 = 0",
        "(a = 1 OR b = ')') AND \"c)\" = 2",
        "name = 'it''s; -- fine'",
    ],
)
def test_a_condition_is_taken(clause):
    assert check_clause(clause) is None


@pytest.mark.parametrize(
    "clause, problem",
    [
        (" ", "is empty"),
        ("a = 1) OR (1 = 1", "closes a parenthesis"),
        ("(a = 1", "not closed"),
        ("a = 'x", "quote (')"),
        ('a" = 1', 'quote (")'),
        ("a = 1 -- b = 2", "comment"),
        ("a = 1 /* b", "comment"),
        ("a = 1; SELECT 2", "semicolon"),
    ],
)
def test_what_would_let_more_through_is_refused(clause, problem):
    assert problem in check_clause(clause)


def rule(**more):
    return {"name": "r", "filter_type": "Regular", "datasets": ["marts.x"], "clause": "a = 1", "group_key": None, **more}


def find(named):
    return {"id": 1, "label": "x (id:1)"} if named in ("marts.x", "the uuid of x") else {"id": 2, "label": "y (id:2)"}


def test_a_dataset_named_twice_is_one():
    wanted = wanted_rules([rule(datasets=["marts.x", "marts.y", "the uuid of x"])], find)
    assert [dataset["id"] for dataset in wanted["r"]["datasets"]] == [1, 2]


@pytest.mark.parametrize(
    "rules, words",
    [
        ([rule(clause="a = 1)")], ['"r"', "closes a parenthesis", "a = 1)"]),
        ([rule(), rule()], ["two", '"r"']),
        ([rule(datasets=[])], ['"r"', "no datasets"]),
    ],
)
def test_a_rule_that_cannot_be_is_named(rules, words):
    with pytest.raises(SupersetError) as caught:
        wanted_rules(rules, find)
    assert all(word in str(caught.value) for word in words)
