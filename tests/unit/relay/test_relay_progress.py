# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal and ``status`` tell of a load."""

import json
import logging
import re
import threading

import pytest
from engine_harness import until
from engine_peers import Reply, reply
from engine_recordings import recording

from cht_relay import __main__ as program
from cht_relay import calls, progress


@pytest.fixture
def run(settings, tmp_path):
    (tmp_path / "run").mkdir()
    settings["runtime_dir"] = str(tmp_path / "run")
    return tmp_path / "run"


def told(run):
    path = run / "source-localhost%2Fmedic.json"
    return json.loads(path.read_text()) if path.exists() else {}


def test_status_of_a_load_to_its_end(run, couchdb, relay, capsys):
    relay.start()
    until(lambda: told(run).get("state") == "caught up")
    assert (told(run)["done"], told(run)["pending"]) == (45, 0)
    assert program.main(["status", "--runtime-dir", str(run)]) == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == list(progress._COLUMNS)
    assert line.startswith("localhost/medic  caught up  45 ")


def test_status_of_a_problem(run, couchdb, relay, capsys):
    couchdb.fail("medic", Reply(recording("068").wire))
    relay.start()
    until(lambda: told(run).get("problem"))
    program.main(["status", "--runtime-dir", str(run)])
    assert "CouchDB has no database http" in capsys.readouterr().out


SINCE = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+"


@pytest.fixture
def hang(postgrest, monkeypatch):
    """Lets the next call of a function hang; what it returns lets that call end."""
    monkeypatch.setattr(calls, "SLOW", 0.2)

    def begin(function, answer):
        end = threading.Event()
        postgrest.fail(function, Reply(reply(200, answer).raw, hold=end))
        return end.set

    return begin


def test_a_call_that_hangs_is_told_while_it_does(run, couchdb, postgrest, relay, hang, capsys, caplog):
    caplog.set_level(logging.INFO, "cht_relay")
    ends = [hang("claim", {"seq": None, "lease": "x"}), hang("ingest", {}), hang("ingest", {})]
    relay.start()
    for doing, asked, end in zip(("claiming", "writing", "writing"), (0, 1, 2), ends):
        until(lambda asked=asked, doing=doing: len(postgrest.asked("ingest")) == asked and told(run).get("state", "").startswith(doing))
        state = told(run)["state"]
        assert re.fullmatch(f"{doing} {SINCE}", state)
        assert relay.told.last_status == f"{state}: no answer of PostgREST yet"
        program.main(["status", "--runtime-dir", str(run)])
        assert re.search(f"localhost/medic  {state} .* ago  no answer of PostgREST yet", capsys.readouterr().out)
        end()
    postgrest.lease = "x"
    until(lambda: told(run)["state"] == "caught up")
    end = hang("ingest", {})
    couchdb.news.set()
    until(lambda: told(run)["state"].startswith("writing"))
    end()
    relay.says("caught up at seq 60-")
    lines = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert [re.sub(SINCE, "", line) for line in lines] == [f"{doing} : no answer of PostgREST yet" for doing in ("claiming", "writing", "writing")]


def test_the_file_is_written_once_a_second_at_most(run, settings):
    one = progress.Progress("localhost/medic", str(run))
    one.page(10, 90, True)
    one.page(10, 80, True)
    assert told(run)["done"] == 10
    one.page(80, 0, False)
    assert told(run)["done"] == 100, "a change of state waits for nothing"


def test_the_journal_tells_of_a_load_now_and_then(run, relay, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "cht_relay")
    one = progress.Progress("localhost/medic", None)
    clock = [one._said]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    for second in range(1, 91):
        clock[0] += 1.0
        one.page(100, 36_000 - 100 * second, True)
    lines = [r.getMessage() for r in caplog.records]
    assert len(lines) == 3
    assert lines[0].startswith("3000 changes done, 10") and "pending 33000, ready in 5 min" in lines[0]
