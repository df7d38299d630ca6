# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cht.sync.plugins.module_utils._status import UNKNOWN, entry

STATE = {**UNKNOWN, "engine": "relay", "seq": "7-x", "pending": 0, "age": 3.2, "postgresql": 5, "deleted": 1}


def known(**changes):
    return {"a/medic": {**STATE, **changes}}


@pytest.mark.parametrize(
    ("couchdb", "changes", "in_step"),
    [
        (5, {}, True),
        (6, {}, False),
        (4, {}, False),
        (5, {"pending": 3}, False),
        (5, {"pending": None}, True),
        (5, {"seq": None}, False),
        (0, {"seq": None, "pending": None, "postgresql": 0}, True),
        (6, {"quarantined": 1}, True),
        (6, {"collisions": 1}, True),
        (7, {"collisions": 1}, False),
    ],
)
def test_in_step(couchdb, changes, in_step):
    assert entry("a/medic", [couchdb, couchdb], known(**changes))["in_step"] is in_step


@pytest.mark.parametrize(
    ("counts", "changes", "missing", "nearly"),
    [
        ([5, 5], {}, 0, True),
        ([4, 9], {}, 0, True),  # documents came while it was counted
        ([9, 4], {}, 0, True),  # or went
        ([6, 9], {}, 1, True),
        ([2, 3], {}, -2, True),
        ([900, 900], {}, 895, False),
        ([900, 900], {"quarantined": 890}, 5, True),
        ([5, 5], {"pending": 900}, 0, False),
        ([5, 5], {"postgresql": None}, None, False),
        ([], {}, None, False),
    ],
)
def test_what_is_missing(counts, changes, missing, nearly):
    found = entry("a/medic", counts, known(**changes))
    assert (found["missing"], found["nearly"]) == (missing, nearly)


def test_a_source_the_database_does_not_know_is_not_in_step():
    assert not entry("b/medic", [0, 0], {})["in_step"]


def test_what_was_not_counted_is_not_in_step():
    assert not entry("a/medic", [], known(), "no answer")["in_step"]
    assert not entry("a/medic", [5, 5], known(postgresql=None))["in_step"]
