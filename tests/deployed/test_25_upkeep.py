# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's verbs on the deployed stack."""

import pytest
from stack import assert_equal, playbook, until


def said_by(done) -> str:
    assert done.returncode == 0, done.stdout[-3000:]
    return " ".join(done.stdout.split())


def positions(warehouse) -> dict[str, str]:
    return dict(warehouse.rows("SELECT json_build_array(source, seq) FROM v1.couchdb_progress"))


def stamps(warehouse) -> dict[str, str]:
    return dict(warehouse.rows("SELECT json_build_array(_id, saved_timestamp) FROM v1.couchdb"))


def running(vm) -> int:
    """How many units of the engine run: a relay a database, or one Logstash."""
    return int(vm.run("systemctl --no-legend --state=running list-units 'cht-sync-relay@*' cht-sync-logstash.service | wc -l").stdout)


def test_resync_reads_again_and_writes_only_what_differs(couchdb, warehouse, vm):
    assert_equal(couchdb, warehouse)
    before, at, units = stamps(warehouse), positions(warehouse), running(vm)
    assert units in (1, 3)

    assert "would be read again" in said_by(playbook("resync", "-e", "resync_source=all", "--check"))
    assert positions(warehouse) == at and running(vm) == units

    # As if a backup of the database had lost it, which no position shows.
    lost = next(id_ for id_ in couchdb.documents("medic-sentinel") if id_ in before)
    warehouse.rows(f"DELETE FROM v1.couchdb WHERE _id = '{lost}' RETURNING json_build_array(_id)")
    said = said_by(playbook("resync", "-e", "resync_source=all"))
    assert "are read again from the start" in said
    until(lambda: positions(warehouse) == at, 60, "the return to the position")
    assert_equal(couchdb, warehouse)
    after = stamps(warehouse)
    assert after.pop(lost) > before.pop(lost)
    assert after == before
    assert running(vm) == units


def test_resync_that_fails_leaves_the_engine_running(warehouse, vm):
    at, units = positions(warehouse), running(vm)
    warehouse.rows("ALTER FUNCTION v1.resync(text) RENAME TO away")
    try:
        done = playbook("resync", "-e", "resync_source=all")
    finally:
        warehouse.rows("ALTER FUNCTION v1.away(text) RENAME TO resync")
    said = " ".join(done.stdout.split())
    assert done.returncode != 0 and "Nothing was set back, and the engine runs on" in said and "v1.resync(text) does not exist" in said, said
    assert running(vm) == units and positions(warehouse) == at


@pytest.fixture
def quarantined(warehouse):
    """An entry that no retry lands."""
    raw = '{"id":"waits","changes":[{"rev":"1-a"}],"doc":"Amina"}'
    warehouse.rows(
        "INSERT INTO v1.quarantine (source, stamp, doc_id, seq, reason, raw, raw_sha256, is_event) "
        f"SELECT source, last, 'waits', '1-x', 'the document is no object', '{raw}', sha256('{raw}'), false "
        "FROM v1.source, v1.stamp ORDER BY source LIMIT 1 RETURNING json_build_array(id)"
    )
    yield
    warehouse.rows("DELETE FROM v1.quarantine RETURNING json_build_array(id)")


def test_what_is_in_quarantine_is_listed_and_tried_again(quarantined, couchdb, warehouse):
    said = said_by(playbook("quarantine", "-e", "quarantine_retry=true"))
    assert "0 of 1 left the quarantine" in said and "1 in quarantine" in said and "| waits | 1-x | the document is no object |" in said
    assert "Amina" not in said
    assert_equal(couchdb, warehouse)
