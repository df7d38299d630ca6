# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refused credentials: one try for all relays of an account together."""

import threading
import time
from pathlib import Path

import pytest
from engine_harness import until
from relay_harness import Relay
from engine_peers import PASSWORD, Reply
from engine_recordings import recording


@pytest.fixture
def relays(settings, tmp_path):
    """Six relays of one account, not started yet."""
    (tmp_path / "run").mkdir()
    settings["runtime_dir"] = str(tmp_path / "run")
    made = [Relay({**settings, "source": f"localhost/{n}"}) for n in range(6)]
    yield made
    for relay in made:
        relay.stop()


def all_wait(relays, text="waiting: CouchDB refused the credentials"):
    for relay in relays:
        relay.says(text)


def password(settings, value):
    Path(settings["couchdb_password_file"]).write_text(value, encoding="utf-8")


def test_one_try_for_all(couchdb, relays, settings, tmp_path):
    password(settings, "hunter2")
    held = threading.Event()
    couchdb.fail("medic", Reply(recording("130").wire, hold=held))
    for relay in relays:
        relay.start()
    until(lambda: couchdb.requests)
    time.sleep(0.5)  # for a second request, which must not come
    held.set()
    all_wait(relays)
    assert len(couchdb.requests) == 1
    late = Relay(relays[0].settings).start()
    late.says("waiting: CouchDB refused the credentials")
    assert len(couchdb.requests) == 1
    for relay in (late, *relays):
        relay.stop()
        relay.end()  # it writes until then
    for path in (tmp_path / "run").iterdir():
        assert "hunter2" not in path.read_text(encoding="utf-8")


def test_after_the_wait_one_of_them_tries(couchdb, relays, settings, monkeypatch):
    monkeypatch.setattr("cht_engine.couchdb.WAIT_AFTER_REFUSAL", 1.0)
    password(settings, "wrong")
    began = time.monotonic()
    for relay in relays:
        relay.start()
    all_wait(relays)
    until(lambda: len(couchdb.requests) >= 3)
    assert len(couchdb.requests) <= 1 + (time.monotonic() - began) / 1.0


def test_a_changed_password_is_tried_at_once(couchdb, postgrest, relays, settings):
    password(settings, "wrong")
    relays[0].start()
    all_wait(relays[:1])
    password(settings, PASSWORD)
    relays[1].start().says("caught up")
    assert postgrest.documents == couchdb.documents()


def test_a_refusal_while_they_run_reaches_the_others(couchdb, postgrest, relays):
    del relays[2:]
    for relay in relays:
        relay.start().says("caught up") if relay is relays[0] else None
    until(lambda: couchdb.requests[-1].longpoll)
    couchdb.fail("_changes", Reply(recording("130").wire))
    couchdb.news.set()
    all_wait(relays[:1])
    asked = len(couchdb.requests)
    relays[1].start()
    all_wait(relays[1:])
    assert len(couchdb.requests) == asked


def test_no_right_to_one_database_leaves_the_others_alone(couchdb, relays):
    couchdb.fail("medic", Reply(recording("071").wire))
    relays[0].start()
    all_wait(relays[:1], "waiting: CouchDB does not let user analytics read")
    relays[1].start().says("caught up")


def test_a_locked_account_is_told_to_the_others(couchdb, relays):
    couchdb.fail("medic", Reply(recording("132").wire))
    relays[0].start()
    all_wait(relays[:1])
    relays[1].start()
    all_wait(relays[1:2])
    assert len(couchdb.requests) == 1
