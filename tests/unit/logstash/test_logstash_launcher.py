# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launcher beside a running Logstash: what it heeds, what it ends for, and its own end."""

import ast
import base64
import itertools
import json
import signal
import time

import pytest
from engine_harness import until
from engine_peers import PASSWORD
from launcher_harness import ROOT, as_json, recorded


def log_lines(name, with_=""):
    """Lines of a recorded log that hold a text, as this pipeline's and in JSON."""
    return [line.replace('"pipeline.id": "medic"', '"pipeline.id": "district.medic"') for line in as_json(recorded(name)) if with_ in line]


def touch(site, name):
    (site.home / name).touch()


# --- what Logstash says


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_refused_while_it_runs(site, status):
    """Logstash would go on until CouchDB locks the account, and heeds no SIGTERM."""
    touch(site, "stubborn")
    touch(site, "child")
    with site.start() as program:
        site.is_running()
        site.says(log_lines("54", f"{status}")[0])
        assert program.exit_code() == 77
        assert not site.left() and len(site.started()) == 1
    assert f"ERROR CouchDB refused the credentials for district.medic ({status})" in program.output


def test_a_lost_lease(site):
    with site.start() as program:
        site.is_running()
        site.says(log_lines("51", "PT409")[0])
        assert program.exit_code() == 3
    assert "ERROR another process has taken the source of district.medic; ending" in program.output


def test_a_conflict_of_constraints_is_no_lost_lease(site):
    with site.start() as program:
        site.is_running()
        site.says(log_lines("51", "PT409")[0].replace("PT409", "23505"))
        until(lambda: site.feed("medic")["problem"] == "PostgREST answers 409 23505")
        assert program.process.poll() is None


@pytest.mark.parametrize(
    ("name", "line", "problem"),
    [
        ("51", "PGRST001", "PostgREST answers 503 PGRST001"),
        ("53", "Could not fetch", "PostgREST does not answer"),
        ("54", "404", "CouchDB answers 404"),
        ("54", "400", "CouchDB refuses the position (400): playbooks/resync.yml reads the source again from the start"),
        ("54", "refused", "CouchDB does not answer"),
        ("97", "SSLError", "its input fails again and again (OpenSSL::SSL::SSLError)"),
    ],
)
def test_trouble_is_told_and_passes(site, name, line, problem):
    with site.start(PROBLEM_LASTS=1.5) as program:
        site.is_running()
        site.says(log_lines(name, line)[-1])
        program.says(f"STATUS=running, 3 of 3 databases; localhost/medic: {problem}")
        assert site.feed("medic-sentinel")["problem"] is None
        until(lambda: site.feed("medic")["problem"] is None)
        assert program.process.poll() is None
    assert "[district.medic]" in program.output


def test_a_change_that_cannot_be_read(site):
    (line,) = log_lines("56", "Invalid UTF-8")
    with site.start() as program:
        site.is_running()
        site.says(line)
        site.says(log_lines("54", "404")[0].replace("district.medic", "district.medic-sentinel"))
        until(lambda: site.feed("medic-sentinel")["problem"])
        assert site.feed("medic")["problem"] is None, "once may be a broken connection"
        site.says(line + "\n" + line)
        until(lambda: len(site.started()) == 2)
        site.is_running()
        site.says(line)
        until(lambda: "Logstash cannot read what CouchDB sends" in (site.feed("medic")["problem"] or ""))
        # CouchDB shows no such change: one more start was of no use, and the one after it would not be either.
        assert len(site.started()) == 2 and program.process.poll() is None
    assert "_rev" not in program.output and "raw" not in program.output and "bad" not in program.output


def test_no_line_shows_a_secret(site):
    with site.start() as program:
        site.is_running()
        environment = site.started()[0]["environment"]
        secrets = [environment[name] for name in ("CHT_TOKEN", "CHT_LEASE_2", "CHT_PASSWORD_3")]
        event = {"message": "deprecated " + " ".join(secrets)}
        site.says(json.dumps({"level": "WARN", "loggerName": "logstash.outputs.http", "logEvent": event}))
        until(lambda: "deprecated *** *** ***" in program.output)
        assert PASSWORD not in program.output


def test_a_torrent_of_lines_does_not_hide_the_clock(site):
    """It says more than anybody reads: the restart that is due comes."""
    site.config["restart_hours"] = 1 / 3600
    (site.home / "babbled").write_text("[2026-11-24T22:34:22,999][INFO ][logstash.runner          ] again\n")
    with site.start() as program:
        assert program.exit_code(20) == 0


# --- what becomes of Logstash


def test_it_dies(site):
    with site.start() as program:
        site.is_running()
        site.says("\n".join(recorded("88")))
        site.dies(1)
        assert program.exit_code() == 1
    assert "port 29600" in program.output, "its last words are lost"
    assert program.output.endswith("ERROR Logstash ended with status 1\n")


def test_it_ends_well_unasked(site):
    with site.start() as program:
        site.is_running()
        site.dies(0)
        assert program.exit_code() == 1
    assert program.output.endswith("ERROR Logstash ended with status 0\n")


def test_its_children_end_too(site):
    touch(site, "child")
    with site.start() as program:
        site.is_running()
        site.dies(1)
        program.exit_code()
        assert not site.left()


def test_its_api_is_silent(site):
    (site.home / "stats.json").unlink()
    with site.start(PATIENCE=1.0) as program:
        assert program.exit_code() == 1
    assert "ERROR Logstash's API has been silent for 1 s" in program.output


def test_a_pipeline_does_not_start(site):
    site.runs("medic", "medic-sentinel", "medic-users-meta", broken=["medic-sentinel"])
    with site.start() as program:
        program.says("STATUS=starting, 3 of 3 databases; localhost/medic-sentinel: its pipeline does not run: read the journal")
        assert (site.feed("medic")["state"], site.feed("medic-sentinel")["state"]) == ("running", "starting")
        assert program.process.poll() is None, "the others run"


def test_a_pipeline_that_ran_is_gone(site):
    with site.start():
        site.is_running()
        site.runs("medic", "medic-sentinel", "medic-users-meta", broken=["medic"])
        until(lambda: site.feed("medic")["state"] == "starting" and site.feed("medic")["problem"])


# --- another start


def test_a_first_load_has_caught_up(site, couch):
    couch.waiting = 5000
    with site.start() as program:
        site.is_running()
        asked = len(couch.asked("_changes"))
        until(lambda: len(couch.asked("_changes")) > asked + 3)
        assert program.process.poll() is None
        couch.waiting = 3
        assert program.exit_code() == 0
    assert "INFO starting Logstash again: the first load has caught up" in program.output


def test_a_first_load_that_stands_still_has_not_caught_up(site, couch):
    couch.waiting = 5000
    with site.start() as program:
        site.is_running()
        site.says(log_lines("56", "Invalid UTF-8")[0].replace("district.medic", "district.medic-users-meta"))
        until(lambda: "ParserError" in program.output)
        couch.waiting = 75
        until(lambda: len(couch.asked("_changes")) >= 12)  # of the other two
        assert program.process.poll() is None
        (site.directory / "state/seq/district.medic-users-meta").write_text("77-read")
        assert program.exit_code() == 0
    assert "INFO starting Logstash again: the first load has caught up" in program.output


def test_the_position_read_is_what_counts(site, couch):
    couch.waiting = 5000
    with site.start():
        site.is_running()
        (site.directory / "state/seq/district.medic").write_text("77-read")
        until(lambda: any(request.query["since"] == "77-read" for request in couch.asked("_changes")))


def test_no_first_load_no_restart(site, couch):
    couch.waiting = 500
    with site.start() as program:
        site.is_running()
        couch.waiting = 0
        site.runs("medic", "medic-sentinel", "medic-users-meta", broken=["medic"])  # it sees that when it looks, and then would ask
        until(lambda: site.feed("medic")["state"] == "starting" or program.process.poll() is not None)
        assert len(couch.asked("_changes")) == 3 and program.process.poll() is None


@pytest.mark.parametrize("of", ["behind", "replaced"])
def test_a_password_changed_meanwhile_is_tried_once(site, couch, of):
    couch.waiting = 5000
    with site.start(COMPARE_EVERY=0.2 if of == "replaced" else 3600, LOOK_EVERY=0.1 if of == "behind" else 3600) as program:
        until(site.started)
        before = len(couch.requests)
        (site.directory / "password").write_text("changed")
        assert program.exit_code() == 77
        refused = [r for r in couch.requests[before:] if not r.headers["Authorization"].endswith(basic())]
    assert len(refused) == 1


def basic():
    return base64.b64encode(f"analytics:{PASSWORD}".encode()).decode()


def test_a_database_was_replaced(site, couch):
    with site.start(COMPARE_EVERY=0.2) as program:
        site.is_running()
        couch.identity = "0"  # nobody knows
        until(lambda: len(couch.requests) > 12)
        assert program.process.poll() is None
        couch.identity = "2"
        assert program.exit_code() == 0
    assert "is another database now" in program.output


def test_the_daily_restart(site):
    site.config["restart_hours"] = 0.5 / 3600
    with site.start() as program:
        assert program.exit_code() == 0
    assert "it has run for 0.000138889 hours" in program.output and len(site.started()) == 1


def test_the_token_is_renewed_by_the_clock_on_the_wall(site):
    """A machine that slept has a late clock, and monotonic time knows nothing of it."""
    trap, slept = site.directory / "hurry/sitecustomize.py", site.directory / "slept"
    jump = f"\nimport time\nreal = time.time\ntime.time = lambda: real() + (47.6 * 3600 if os.path.exists({str(slept)!r}) else 0)\n"
    trap.write_text(trap.read_text() + jump)
    with site.start() as program:
        site.is_running()
        time.sleep(0.2)  # some rounds
        assert program.process.poll() is None
        slept.touch()
        assert program.exit_code() == 0
    assert "INFO starting Logstash again: its token needs renewal" in program.output


def test_a_refused_token_is_renewed_by_another_start(site):
    with site.start() as program:
        site.is_running()
        site.says(log_lines("51", "PGRST301")[-1])
        assert program.exit_code() == 0
    assert "INFO starting Logstash again: PostgREST refuses its token" in program.output


# --- the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_within_seconds(site, number):
    touch(site, "stubborn")
    touch(site, "child")
    with site.start(GRACE=1.0) as program:
        site.is_running()
        assert len(site.left()) == 2
        began = time.monotonic()
        program.process.send_signal(number)
        assert program.exit_code() == 0
        assert 0.9 < time.monotonic() - began < 4
        assert not site.left()
        assert "STOPPING=1" in program.messages and program.output.endswith("INFO stopped\n")


def test_a_logstash_that_heeds_it_is_not_waited_for(site):
    with site.start(GRACE=5.0) as program:
        site.is_running()
        began = time.monotonic()
        program.process.terminate()
        assert program.exit_code() == 0 and time.monotonic() - began < 3


def test_it_ends_while_it_waits(site, couch):
    couch.down = True
    with site.start() as program:
        program.says("STATUS=waiting")
        program.process.terminate()
        assert program.exit_code(3) == 0


def test_it_ends_while_it_ends_logstash(site):
    """A second reason in the middle of the first: nobody is left."""
    touch(site, "stubborn")
    with site.start(GRACE=5.0) as program:
        site.is_running()
        site.says(log_lines("51", "PT409")[0])
        until(lambda: "PT409" in program.output)  # and now it is being ended
        assert program.process.poll() is None
        program.process.terminate()
        program.process.terminate()
        assert program.exit_code() == 0 and not site.left()


def test_it_may_be_asked_at_any_moment(site):
    """Between its first line and a running Logstash, in steps."""
    for step in itertools.count():
        (site.directory / "notify").unlink(missing_ok=True)
        with site.start() as program:
            program.says("READY=1")
            time.sleep(step * 0.005)
            ran = site.state["phase"] == "running"
            program.process.terminate()
            assert program.exit_code() == 0
            assert not site.left()
        if ran:
            break
    assert step > 1, "no moment before that"


# --- check


def test_check_of_a_good_configuration(site, couch):
    site.dies(0)
    with site.start("check") as program:
        assert program.exit_code() == 0
    (started,) = site.started()
    argv = started["argv"][1:]
    assert argv[:2] == ["-t", "--path.settings"] and [argv[3], argv[5]] == ["--path.data", "--path.logs"]
    assert not any(str(site.directory) in path for path in (argv[2], argv[4], argv[6]))
    assert len(started["pipelines"]) == 3 and program.output == "" and not couch.requests
    values = [started["environment"][f"{name}_1"] for name in ("CHT_PASSWORD", "CHT_LEASE", "CHT_USERNAME")]
    assert values == ["password", "lease", "analytics"] and started["environment"]["CHT_TOKEN"] == "token"


def test_check_prints_what_is_wrong(site):
    site.says("\n".join(as_json(recorded("02"))))
    site.dies(1)
    with site.start("check") as program:
        assert program.exit_code() == 1
    first, second = program.output.splitlines()
    assert first == "Unknown setting 'databse' for couchdb_changes"
    assert second.startswith("The given configuration is invalid. Reason: Unable to configure plugins")


def test_check_of_a_pipeline_that_is_not_there(site):
    """Logstash itself would be content."""
    (site.directory / "pipelines/district.medic.conf").unlink()
    site.dies(0)
    with site.start("check") as program:
        assert program.exit_code() == 1
    assert program.output == f"{site.directory}/pipelines/district.medic.conf: No such file or directory\n"


@pytest.mark.parametrize("path", sorted(ROOT.glob("roles/logstash/files/cht_logstash/*.py")), ids=lambda path: path.name)
def test_the_syntax_is_that_of_python_3_9(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
