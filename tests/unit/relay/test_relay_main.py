# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program as a process: exit codes, signals, and what it prints."""

import ast
import signal
import time

import pytest
from engine_harness import until
from engine_peers import PASSWORD, SECRET, Reply, cut, reply
from engine_recordings import recording
from relay_harness import PYTHONPATH, ROLES, Program


def test_a_run_and_its_end(couchdb, postgrest, settings, tmp_path):
    with Program(tmp_path, settings, {"WATCHDOG_USEC": "100000"}) as program:
        program.says("READY=1")
        program.says("STATUS=caught up at seq 59-")
        program.says("WATCHDOG=1")
        until(lambda: couchdb.requests[-1].longpoll)
        ends_at_once(program, signal.SIGTERM)
    assert program.output.startswith(
        "INFO claimed localhost/medic, going on from the start\nINFO caught up at seq 59-"
    )
    assert postgrest.documents == couchdb.documents()
    says_no_secrets(program, couchdb, postgrest)


def ends_at_once(program, number):
    began = time.monotonic()
    program.process.send_signal(number)
    assert program.exit_code() == 0
    assert time.monotonic() - began < 2
    assert program.output.endswith("INFO stopped\n")
    assert "STOPPING=1" in program.messages


def says_no_secrets(program, couchdb, postgrest):
    text = program.output + "\n".join(program.messages)
    for secret in (PASSWORD, SECRET, *postgrest.tokens):
        assert secret not in text
    for request in couchdb.requests + postgrest.requests:
        assert request.headers["Authorization"].split()[1] not in text
    assert "Amina" not in text and "7e9047aa" not in text and "live-1" not in text


def test_it_ends_at_once_while_it_waits(couchdb, postgrest, settings, tmp_path):
    couchdb.fail("medic", Reply(recording("130").wire))
    with Program(tmp_path, settings) as program:
        program.says("STATUS=waiting: CouchDB refused the credentials")
        ends_at_once(program, signal.SIGINT)
    assert "ERROR CouchDB refused the credentials of user analytics" in program.output
    assert len(couchdb.requests) == 1
    says_no_secrets(program, couchdb, postgrest)


def test_it_ends_at_once_during_a_write(couchdb, postgrest, settings, tmp_path):
    postgrest.fail("ingest", Reply(hold=postgrest.released))
    with Program(tmp_path, settings) as program:
        until(lambda: postgrest.asked("ingest"))
        ends_at_once(program, signal.SIGTERM)


def test_a_second_signal_changes_nothing(couchdb, postgrest, settings, tmp_path):
    with Program(tmp_path, settings) as program:
        program.says("STATUS=caught up")
        program.process.send_signal(signal.SIGTERM)
        ends_at_once(program, signal.SIGTERM)


def test_libraries_have_no_say(couchdb, postgrest, settings, tmp_path):
    """urllib3 would log what it cannot read, and with it what was sent."""
    answer = recording("030").wire
    couchdb.fail("_changes", cut(answer, 150), cut(answer.replace(b": ", b" "), 900))
    with Program(tmp_path, settings) as program:
        program.says("STATUS=caught up")
    assert "WARNING CouchDB sent no whole page; next try" in program.output
    levels = {line.split()[0] for line in program.output.splitlines()}
    assert levels == {"INFO", "WARNING"}
    says_no_secrets(program, couchdb, postgrest)


def test_a_lost_lease_is_exit_code_3(couchdb, postgrest, settings, tmp_path):
    with Program(tmp_path, settings) as program:
        program.says("STATUS=caught up")
        postgrest.lease = "another's"
        couchdb.news.set()
        assert program.exit_code() == 3
        program.says("STATUS=lost the source")
    assert "ERROR PostgREST answered ingest with 409 PT409: the lease" in program.output
    says_no_secrets(program, couchdb, postgrest)


def test_a_bad_configuration_is_exit_code_78(couchdb, settings, tmp_path):
    with Program(tmp_path, {**settings, "pages": 5}) as program:
        assert program.exit_code() == 78
    assert program.output == f'ERROR {tmp_path}/relay.json: key "pages": unknown\n'
    assert not couchdb.requests and not program.messages


def test_a_missing_file_is_exit_code_78(tmp_path):
    with Program(tmp_path, None) as program:
        assert program.exit_code() == 78
    assert program.output == f"ERROR {tmp_path}/relay.json: No such file or directory\n"


def test_a_missing_secret_is_exit_code_78(couchdb, settings, tmp_path):
    (tmp_path / "jwt-secret").unlink()
    with Program(tmp_path, settings) as program:
        assert program.exit_code() == 78
    assert program.output.count("\n") == 1 and "key jwt_secret_file" in program.output
    assert not program.messages, "it said it was ready"


def test_lines_for_the_journal(couchdb, postgrest, settings, tmp_path):
    refusal = reply(403, {"code": "42501", "message": "permission denied"})
    postgrest.fail("claim", reply(503, {}), refusal)
    with Program(tmp_path, settings, {"JOURNAL_STREAM": "8:1"}) as program:
        program.says("permission denied")
        program.process.terminate()
        program.exit_code()
    lines = program.output.splitlines()
    assert lines[0].startswith("<4>PostgREST answered claim with 503; next try in ")
    assert lines[1].startswith("<3>PostgREST answered claim with 403 42501: permission")
    assert lines[-1] == "<6>stopped"


def test_something_unforeseen_says_where_but_not_what(
    couchdb, postgrest, settings, tmp_path
):
    """A stand-in for a bug: a module that fails with a document in its message."""
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "sitecustomize.py").write_text(
        "import cht_engine.pages as pages\n"
        "def cut(data): raise KeyError(data)\n"
        "pages.cut = cut\n"
    )
    path = f"{PYTHONPATH}:{trap}"
    with Program(tmp_path, settings, {"PYTHONPATH": path}) as program:
        assert program.exit_code() == 1
    assert "CRITICAL unforeseen KeyError at __main__.py:" in program.output
    assert program.output.count("\n") == 2
    says_no_secrets(program, couchdb, postgrest)


@pytest.mark.parametrize(
    "path",
    sorted((*ROLES.glob("base/files/cht_engine/*.py"), *ROLES.glob("relay/files/cht_relay/*.py"))),
    ids=lambda p: p.name,
)
def test_the_syntax_is_that_of_python_3_9(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
