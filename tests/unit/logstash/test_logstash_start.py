# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One start: what is asked, claimed and handed to Logstash, and what stands in its way."""

import json
import time

import jwt
import pytest
from engine_harness import until
from engine_peers import PASSWORD, SECRET, Reply, reply
from engine_recordings import recording
from launcher_harness import DATABASES


def says_no_secrets(site, program, rest):
    """Neither the log, nor what systemd is told, nor state.json."""
    text = program.output + "\n".join(program.messages) + json.dumps(site.state)
    leases = [start["environment"]["CHT_LEASE_1"] for start in site.started()]
    for secret in (PASSWORD, SECRET, *rest.tokens, *leases):
        assert secret not in text


def claims(rest):
    return [json.loads(request.body) for request in rest.asked("claim")]


def test_a_usual_start(site, rest):
    rest.seq = "7-abc"
    with site.start() as program:
        program.says("READY=1")
        program.says("STATUS=running, 3 of 3 databases")
        feeds = {f"district.{name}": {"source": f"localhost/{name}", "state": "running", "problem": None} for name in DATABASES}
        assert (site.state["feeds"], site.state["problem"]) == (feeds, None) and site.state["since"].endswith("+00:00")
        says_no_secrets(site, program, rest)
    assert claims(rest) == [{"source": f"localhost/{name}", "engine": "logstash", "identity": "1"} for name in DATABASES]
    (started,) = site.started()
    assert started["argv"][1:] == ["--path.settings", f"{site.directory}/run/settings"]
    assert started["seq"] == {f"district.{name}": "7-abc" for name in DATABASES}
    assert [entry["pipeline.id"] for entry in started["pipelines"]] == [f"district.{name}" for name in DATABASES]
    assert sorted(started["links"]) == ["jvm.options", "log4j2.properties", "logstash.yml"]


def test_a_database_created_again_is_read_from_the_start_and_said(site, rest):
    rest.seq, rest.identity = "7-abc", "0"
    rest.fail("claim", reply(503, {}))
    with site.start() as program:
        site.is_running()
    assert program.output.count("WARNING localhost/medic is another database than before") == 1
    (started,) = site.started()
    assert "7-abc" not in started["seq"].values()


def test_secrets_are_in_the_environment_and_on_no_command_line(site, rest):
    with site.start():
        site.is_running()
    (started,) = site.started()
    environment = started["environment"]
    assert environment["LS_JAVA_OPTS"] == "-Xms1g -Xmx1g" and "LS_JAVA_HOME" not in environment
    assert environment["LC_ALL"] == "C.UTF-8" and environment["HOME"] == site.config["state_dir"]
    assert [environment[f"CHT_USERNAME_{n}"] for n in (1, 2, 3)] == ["analytics"] * 3
    assert [environment[f"CHT_PASSWORD_{n}"] for n in (1, 2, 3)] == [PASSWORD] * 3
    leases = [environment[f"CHT_LEASE_{n}"] for n in (1, 2, 3)]
    assert len(set(leases)) == 3 and leases[-1] == rest.lease
    for secret in (PASSWORD, environment["CHT_TOKEN"], *leases):
        assert secret not in " ".join(started["argv"])
    assert not any(name.startswith(("HURRY", "NOTIFY", "PYTHON")) for name in environment)


def test_the_token(site, rest):
    site.config["token_hours"] = 3
    with site.start():
        site.is_running()
    (started,) = site.started()
    token = started["environment"]["CHT_TOKEN"]
    said = jwt.decode(token, SECRET, algorithms=["HS256"], audience="cht-sync")
    assert 0 <= time.time() + 3 * 3600 - said["exp"] < 30
    assert set(rest.tokens) == {token}


def test_a_java_of_the_machine(site):
    site.config["java_home"] = "/usr/lib/jvm/x"
    with site.start():
        site.is_running()
    assert site.started()[0]["environment"]["LS_JAVA_HOME"] == "/usr/lib/jvm/x"


def test_from_the_start_there_is_no_sequence_file(site):
    (site.directory / "state/seq").mkdir()
    (site.directory / "state/seq/district.medic").write_text("")  # of a power cut
    with site.start():
        site.is_running()
    assert site.started()[0]["seq"] == {}


# --- CouchDB


def test_refused_credentials_are_tried_once(site, couch, rest):
    (site.directory / "password").write_text("wrong")
    with site.start() as program:
        assert program.exit_code() == 77
    assert len(couch.requests) == 1 and not rest.requests and not site.started()
    assert "ERROR CouchDB refused the credentials of user analytics" in program.output
    assert program.output.count("\n") == 1 and "wrong" not in program.output
    program.says("STATUS=CouchDB refused the credentials")


@pytest.mark.parametrize("status", [401, 403])
def test_refused_after_the_claim_is_not_tried_again(site, couch, status):
    couch.fail("_changes", reply(status, {}))
    with site.start() as program:
        assert program.exit_code() == 77
    assert len(couch.asked("_changes")) == 1 and not site.started()


def test_a_missing_database_is_left_out_until_it_appears(site, couch, rest):
    couch.absent.add("medic-sentinel")
    site.runs("medic", "medic-users-meta")
    with site.start() as program:
        program.says("STATUS=running, 2 of 3 databases; localhost/medic-sentinel: CouchDB has no database")
        missing = site.feed("medic-sentinel")
        assert missing["state"] == "missing" and "/medic-sentinel (404)" in missing["problem"]
        assert site.feed("medic") == {"source": "localhost/medic", "state": "running", "problem": None}
        (started,) = site.started()
        assert [entry["pipeline.id"] for entry in started["pipelines"]] == ["district.medic", "district.medic-users-meta"]
        assert "CHT_PASSWORD_2" not in started["environment"] and "CHT_PASSWORD_3" in started["environment"]
        assert [claim["source"] for claim in claims(rest)] == ["localhost/medic", "localhost/medic-users-meta"]
        couch.absent.clear()
        assert program.exit_code() == 0
    assert "localhost/medic-sentinel can be read now" in program.output
    assert "ERROR left out localhost/medic-sentinel: CouchDB has no database" in program.output


def test_an_unreachable_couchdb_is_left_out_until_it_is_back(site, couch, rest):
    """Of two instances the one that is there runs."""
    away = dict(site.config["feeds"][1], couchdb_url="http://127.0.0.1:1")
    site.config["feeds"][1] = away
    site.runs("medic", "medic-users-meta")
    with site.start() as program:
        program.says("STATUS=running, 2 of 3 databases; localhost/medic-sentinel: CouchDB at http://127.0.0.1:1/medic-sentinel cannot be reached")
        assert site.feed("medic-sentinel")["state"] == "unreachable"
        assert program.process.poll() is None


def test_without_couchdb_it_waits(site, couch):
    couch.down = True
    with site.start() as program:
        program.says("STATUS=waiting, 0 of 3 databases; CouchDB answered 503")
        until(lambda: len(couch.requests) > 1)
        assert {request.raw_path for request in couch.requests} == {"/medic/"}, "the others are asked in vain"
        assert site.state["phase"] == "waiting" and site.feed("medic")["state"] == "unreachable"
        assert not site.started()
        couch.down = False
        site.is_running()
    assert program.output.count("ERROR waiting: ") == 1


def test_a_refused_position_is_left_out(site, couch, rest):
    """Logstash's input would meet the same for ever."""
    couch.fail("_changes", Reply(recording("057").wire))
    site.runs("medic-sentinel", "medic-users-meta")
    with site.start() as program:
        program.says("STATUS=running, 2 of 3")
        assert site.feed("medic")["state"] == "refused" and "playbooks/resync.yml" in site.feed("medic")["problem"]
    assert len(site.started()[0]["pipelines"]) == 2


# --- PostgREST


def test_without_postgrest_it_waits(site, rest):
    rest.fail("claim", reply(503, {}), reply(500, {"code": "57014", "message": "canceling"}))
    with site.start() as program:
        program.says("STATUS=waiting, 0 of 3 databases; PostgREST answered claim with 503")
        site.is_running()
    assert "ERROR waiting: PostgREST answered claim with 503" in program.output
    assert "ERROR waiting: PostgREST answered claim with 500 57014" in program.output


def test_postgrest_not_there_yet(site, rest):
    site.config["postgrest_url"] = "http://127.0.0.1:1"
    with site.start() as program:
        program.says("STATUS=waiting, 0 of 3 databases; no answer of PostgREST to claim: Connection refused")
        assert not site.started() and program.process.poll() is None


def test_a_refused_token_is_waited_out(site, rest):
    rest.fail("claim", *[reply(401, {"code": "PGRST301", "message": "JWT expired"})] * 2)
    with site.start() as program:
        program.says("401 PGRST301: JWT expired")
        assert site.state["phase"] == "waiting" and not site.started()
        says_no_secrets(site, program, rest)


def test_a_source_of_another_engine(site, rest):
    rest.engine = "relay"
    with site.start() as program:
        assert program.exit_code() == 3
    assert "409 PT409: another engine; ending, so as not to fight over the source" in program.output
    assert not site.started() and len(rest.requests) == 1


def test_a_conflict_of_constraints_is_none_of_engines(site, rest):
    rest.fail("claim", reply(409, {"code": "23505", "message": "duplicate key"}))
    with site.start() as program:
        program.says("STATUS=waiting, 0 of 3 databases; PostgREST answered claim with 409 23505")


# --- mistakes


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda site: site.config.update(heap=None), "launcher.json: key heap: must be a text"),
        (lambda site: (site.directory / "secret").unlink(), "secret: key jwt_secret_file: No such file"),
        (lambda site: (site.directory / "password").write_text("\n"), "password: key couchdb_password_file: the file is empty"),
        (lambda site: (site.home / "bin/logstash").unlink(), "bin/logstash: key logstash_home: no program"),
        (lambda site: (site.directory / "pipelines/district.medic.conf").unlink(), "district.medic.conf: No such file"),
    ],
    ids=["key", "secret", "password", "program", "pipeline"],
)
def test_a_mistake_is_exit_code_78(site, mistake, told):
    mistake(site)
    with site.start() as program:
        assert program.exit_code() == 78
    assert f"ERROR {site.directory}" in program.output and told in program.output and not site.started()


def test_something_unforeseen_says_where_but_not_what(site):
    (site.directory / "state").rmdir()
    (site.directory / "state").write_text("Amina")
    with site.start() as program:
        assert program.exit_code() == 1
    assert "ERROR unforeseen NotADirectoryError at __main__.py:" in program.output
    assert program.output.endswith(": Not a directory\n") and "Amina" not in program.output
