# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that comes while another is written: one at most, and never in the way."""

import json
import signal
import threading
import time

import pytest
from engine_harness import until
from relay_harness import PYTHONPATH, Program
from engine_peers import PASSWORD, Reply, reply
from engine_recordings import recording

from cht_relay import ahead as module
from cht_relay.ahead import Ahead
from cht_engine import backoff


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(backoff, "FIRST_PAUSE", 0.02)


def seq_of(number):
    return json.loads(recording(number).body)["last_seq"]


def asked(couchdb):
    return [r.query["since"] for r in couchdb.asked("_changes")]


def test_one_page_comes_while_one_is_written_and_no_more(couchdb, postgrest, relay):
    written = threading.Event()
    postgrest.fail("ingest", Reply(reply(200, {}).raw, hold=written))
    relay.start()
    until(lambda: asked(couchdb) == ["0", seq_of("030")])
    time.sleep(0.3)  # for a third request, which must not come
    assert asked(couchdb) == ["0", seq_of("030")]
    assert len(postgrest.asked("ingest")) == 1 and not postgrest.headers
    written.set()
    until(lambda: postgrest.seq == couchdb.end)
    assert asked(couchdb)[:2] == ["0", seq_of("030")], "asked twice"


def test_a_failed_write_throws_away_what_came_ahead(couchdb, postgrest, relay):
    refuse = threading.Event()
    postgrest.fail("ingest", Reply(reply(503, {}).raw, hold=refuse))
    relay.start()
    until(lambda: len(asked(couchdb)) == 2)
    postgrest.seq = seq_of("032")  # as if a call without an answer had got that far
    refuse.set()
    until(lambda: postgrest.seq == couchdb.end)
    assert asked(couchdb)[:3] == ["0", seq_of("030"), seq_of("032")]
    assert [h["pending"] for h in postgrest.headers] == [5, 0], "a page of before"


def test_what_fails_ahead_is_met_after_the_write(couchdb, postgrest, relay):
    couchdb.fail("_changes", Reply(recording("030").wire), Reply(recording("132").wire))
    relay.start()
    relay.says("waiting: CouchDB refused the credentials")
    assert postgrest.seq == seq_of("030") and len(postgrest.headers) == 1


@pytest.fixture
def no_last_resort(tmp_path):
    """An environment in which a program asked to end has to do so by itself."""
    (tmp_path / "trap").mkdir()
    (tmp_path / "trap/sitecustomize.py").write_text(
        "from cht_engine import stopping\n"
        "stopping.on_signals.__defaults__ = (None, 60.0)\n"
    )
    return {"PYTHONPATH": f"{PYTHONPATH}:{tmp_path / 'trap'}"}


def test_sigterm_while_both_sides_hang(
    couchdb, postgrest, settings, tmp_path, no_last_resort
):
    couchdb.fail(
        "_changes", Reply(recording("030").wire), Reply(hold=couchdb.released)
    )
    postgrest.fail("ingest", Reply(hold=postgrest.released))
    settings["read_timeout"] = 60
    with Program(tmp_path, settings, no_last_resort) as program:
        until(lambda: postgrest.asked("ingest") and len(asked(couchdb)) == 2)
        program.process.send_signal(signal.SIGTERM)
        assert program.exit_code() == 0
    assert program.output.endswith("INFO stopped\n")
    assert PASSWORD not in program.output


def test_a_lost_lease_does_not_wait_for_a_hanging_read(
    couchdb, postgrest, settings, tmp_path
):
    settings["read_timeout"] = 60
    couchdb.fail(
        "_changes", Reply(recording("030").wire), Reply(hold=couchdb.released)
    )
    lost = threading.Event()
    postgrest.fail("ingest", Reply(reply(409, {"message": "lost"}).raw, hold=lost))
    with Program(tmp_path, settings) as program:
        until(lambda: len(asked(couchdb)) == 2)
        lost.set()
        assert program.exit_code(3) == 3


def test_values_and_errors_come_out():
    ahead = Ahead()
    ahead.ask(lambda: 7)
    assert ahead.take(lambda: None) == 7
    ahead.ask(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        ahead.take(lambda: None)


def test_dropped_work_ends_at_its_next_sign_of_life():
    ahead, going_on, ended = Ahead(), threading.Event(), threading.Event()
    went_on = []

    def work():
        try:
            going_on.wait(5)
            ahead.expect(1)
            went_on.append(True)
        finally:
            ended.set()

    ahead.ask(work)
    ahead.close()
    going_on.set()
    assert ended.wait(2) and not went_on


def test_the_watchdog_is_fed_for_as_long_as_the_reader_keeps_its_promise(monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(module, "SLACK", 0.1)
    ahead, stuck, fed = Ahead(), threading.Event(), []
    ahead.ask(lambda: stuck.wait(0.5))
    ahead.take(lambda: fed.append(time.monotonic()))
    assert 3 < len(fed) < 25
