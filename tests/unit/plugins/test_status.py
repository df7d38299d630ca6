# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cht.sync.plugins.module_utils._status import UNKNOWN, entry, table

STATE = {**UNKNOWN, "engine": "relay", "seq": "7-x", "pending": 0, "age": 3.2, "postgresql": 5, "deleted": 1}


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
    assert entry("a/medic", couchdb, {"a/medic": {**STATE, **changes}})["in_step"] is in_step


def test_a_source_the_database_does_not_know_is_not_in_step():
    assert not entry("b/medic", 0, {})["in_step"]


def test_an_unknown_pending_is_never_shown_as_zero():
    shown = "\n".join(table([entry("a/medic", 5, {"a/medic": {**STATE, "pending": None, "quarantined": 2}}), entry("b/medic", 0, {})]))
    assert "not reported" in shown and "never" in shown and "2 in quarantine" in shown
    assert len({len(line) for line in shown.splitlines()}) == 1
