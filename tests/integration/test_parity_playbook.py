# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/parity.yml on a real warehouse."""

import os

import pytest
from parity_harness import differ

pytestmark = pytest.mark.once


@pytest.fixture
def operator(parity, playbook, monkeypatch):
    """Runs the playbook for source a/medic."""
    monkeypatch.setenv("PATH", parity.install(), prepend=os.pathsep)
    return lambda *arguments: playbook("parity", "-e", "parity_source=a/medic", *arguments)


def test_the_playbook_shows_what_differs_and_repairs_it(operator, parity, copied, couch, cursor):
    code, said = operator()
    assert code == 0 and "changed=0" in said and "a/medic: nothing differs (10 documents" in said
    expected = differ(couch, cursor)
    code, said = operator()
    assert code == 2 and "changed=0" in said and "Here --repair is -e parity_repair=true" in said
    assert all(line.replace(" ", " a/medic ", 1) in said for line in expected)
    code, said = operator("-e", "parity_repair=true", "--check")
    assert code == 2 and "changed=0" in said and parity.told == []
    code, said = operator("-e", "parity_repair=true")
    assert code == 0 and "changed=1" in said and "5 of 5 cured" in said and parity.unit() == "active"
    code, said = operator("-e", "parity_repair=true")
    assert code == 0 and "changed=0" in said and "cured" not in said


def test_the_playbook_tells_why_it_could_not(operator, copied, couch):
    couch.purge("doc-1")
    couch.purge("doc-2")
    code, said = operator("-e", "parity_repair=true", "-e", "parity_most_vanished=1")
    assert code == 2 and "2 documents vanished, more than --most-vanished 1: nothing was repaired" in said
    assert "vanished a/medic doc-1" in said


def test_the_playbook_compares_a_sample(operator, copied):
    code, said = operator("-e", "parity_sample=20")
    assert code == 0 and "of a sample of" in said
