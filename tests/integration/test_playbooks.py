# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's playbooks on a real warehouse, as for an external server."""

import re

import pytest
from calls import Source, page, row

pytestmark = pytest.mark.once

POISON = row("p\u001b[2J", "1-a", name="Amina", x="VALUE").replace('"VALUE"', "1e400000")


def test_an_empty_quarantine_is_said_to_be_empty(playbook, cursor):
    code, said = playbook("quarantine")
    assert code == 0 and "nothing is in quarantine" in said and "with an id of another" not in said


def test_what_waits_is_listed_and_collisions_apart(playbook, postgrest, cursor, source):
    other = Source(postgrest, cursor, "b/medic")
    source.lands(page(POISON, row("settings", "1-a")))
    other.lands(page(row("settings", "1-b")))
    code, said = playbook("quarantine")
    assert code == 0 and "changed=0" in said
    assert re.search(r"1 in quarantine \| source .*\| a/medic \| p\ufffd\[2J \| \| refused by jsonb: 22003 \| \d+ bytes \| 20", said), said
    assert re.search(r"1 with the id of another document, kept apart.*\| b/medic \| settings ", said), said
    _code, said = playbook("quarantine", "-e", "quarantine_source=b/medic")
    assert "nothing is in quarantine" in said and "| settings " in said


def test_of_many_the_newest_are_listed_with_the_number_of_all(playbook, source, cursor):
    source.lands(page(*(POISON.replace("p\\u001b[2J", f"id-{number:03}") for number in range(120))))
    code, said = playbook("quarantine")
    assert code == 0 and "120 in quarantine, the newest 100" in said
    assert "id-119" in said and "id-020" in said and "id-019" not in said
    _code, said = playbook("quarantine", "-e", "quarantine_retry=true")
    assert "0 of 120 left the quarantine, of these 100" in said


def test_a_retry_tells_each_outcome(playbook, source, cursor):
    source.lands(page(POISON.replace("p\\u001b[2J", "p"), POISON.replace("p\\u001b[2J", "q")))
    cursor.execute("UPDATE v1.quarantine SET raw = replace(raw, '1e400000', '7') WHERE doc_id = 'q'")
    code, said = playbook("quarantine", "-e", "quarantine_retry=true", "--check")
    assert code == 0 and "changed=1" in said and "1 of 2 left the quarantine (only tried: check mode)" in said
    assert source.stored("q") is None
    code, said = playbook("quarantine", "-e", "quarantine_retry=true")
    assert code == 0 and "changed=1" in said
    assert re.search(r"1 of 2 left the quarantine \| source .*\| q .*\| landed .*\| p .*\| still in quarantine", said), said
    assert "1 in quarantine" in said and source.stored("q")
    code, said = playbook("quarantine", "-e", "quarantine_retry=true")
    assert code == 0 and "changed=0" in said and "0 of 1 left" in said


@pytest.mark.parametrize(
    ("name", "variable", "words"),
    [
        ("quarantine", "quarantine_retry=perhaps", ["must be true or false"]),
        ("quarantine", "quarantine_source=nowhere/medic", ['no source "nowhere/medic"', "a/medic, b/medic"]),
        ("resync", "x=y", ["resync_source is not set", "all, or one of a/medic, b/medic"]),
        ("resync", "resync_source=", ["resync_source is not set"]),
        ("resync", "resync_source=a", ['no source "a"', "a/medic, b/medic"]),
        ("parity", "x=y", ["parity_source is not set", "all, or one of a/medic, b/medic"]),
        (
            "parity",
            '{"parity_source": "a", "parity_repair": "perhaps", "parity_sample": "some", "parity_most_vanished": "few"}',
            ['no source "a"', "parity_repair is \"perhaps\": it must be true or false", "parity_sample is \"some\": it must be a number of documents",
             "parity_most_vanished is \"few\": it must be a number of documents"],
        ),
    ],
)
def test_a_mistake_is_told_with_the_remedy_and_nothing_is_done(playbook, cursor, name, variable, words):
    code, said = playbook(name, "-e", variable)
    assert code != 0 and "changed=0" in said
    for word in words:
        assert word in said, said


def test_a_source_that_the_database_does_not_have_stops_resync_before_the_engine(playbook, cursor):
    cursor.execute("UPDATE v1.source SET engine = NULL WHERE source = 'b/medic'")
    try:
        code, said = playbook("resync", "-e", "resync_source=all")
    finally:
        cursor.execute("UPDATE v1.source SET engine = 'relay' WHERE source = 'b/medic'")
    assert code != 0 and "does not have b/medic for relay: run site.yml" in said and "(2/4)" not in said
