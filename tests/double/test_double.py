# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Logstash does what was recorded of the real one. The crash tests rest on it."""

import base64
import json
import os
import signal
import ssl
import subprocess
import tarfile
import threading
import time
import urllib.error
import urllib.request

import pytest
from double_peers import HERE, PROGRAM, SECRETS, Double, Scripted, answer, change, feed
from engine_harness import until
from engine_peers import HANG_UP
from shaping import FEED, FIXTURES, SCRIPT, of_changes

ARCHIVE = HERE / "archive.sh"


@pytest.fixture
def couchdb():
    with Scripted("_changes", feed()) as peer:
        yield peer


@pytest.fixture
def receiver():
    with Scripted("ingest", answer(200)) as peer:
        yield peer


@pytest.fixture
def double(tmp_path, couchdb, receiver):
    made = Double(tmp_path, couchdb.port, receiver.port)
    yield made
    made.kill()


def since(line):
    return line.partition("since=")[2].partition("&")[0]


# --- what it sends and asks


def test_it_asks_couchdb_as_recorded(double, couchdb):
    double.start()
    until(lambda: couchdb.requests)
    recorded = (FIXTURES / "41-couchdb-request.http").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    (request,) = couchdb.requests
    assert request.line == recorded[0].strip()
    sent = [f"{name}: {value}" for name, value in request.headers.items()]
    assert [line.replace(f":{couchdb.port}", ":25984") for line in sent] == [
        line.strip().replace("Y2h0X3N5bmM6cEBzcyB3OiJccmTigqw=", basic()) for line in recorded[1:] if line.strip()
    ]


def basic():
    return base64.b64encode(f"cht_sync:{SECRETS['COUCHDB_PASSWORD']}".encode()).decode()


def test_it_sends_the_recorded_feed_as_recorded(double, couchdb, receiver):
    couchdb.script = [feed(FEED)]
    double.start()
    until(lambda: len(receiver.ids()) == 5)
    (request,) = receiver.requests
    assert request.line == "POST /rpc/ingest HTTP/1.1"
    recorded = (FIXTURES / "44-batch-shaped.http").read_bytes().partition(b"\r\n\r\n")[0].decode().splitlines()[1:]
    assert {line.partition(":")[0].lower() for line in recorded} == set(map(str.lower, request.headers))
    headers = request.headers
    assert (headers["Authorization"], headers["X-CHT-Lease"], headers["Content-Type"]) == ("Bearer t0k.e.n", "7f3a", "text/plain")
    assert request.body.decode() == of_changes(FEED).strip()
    until(lambda: double.seq.read_text() == "6-g1AAAA")


def test_each_piece_of_a_compressed_feed_is_read_as_it_comes(double, couchdb, receiver):
    """As JRuby 9.3.9 did, where the Ruby of the double waits for 16 kB."""
    more = []
    couchdb.script = [feed(change(1), more=more, packed=True)]
    double.start()
    until(lambda: receiver.ids() == ["doc:1"])
    more.append(change(2))
    until(lambda: receiver.ids() == ["doc:1", "doc:2"])


def test_a_batch_is_cut_before_the_filter(double, couchdb, receiver):
    couchdb.script = [feed("".join(change(n, f"_design/{n}" if 200 < n <= 330 else None) for n in range(1, 401)))]
    receiver.script = [lambda request: time.sleep(1) or answer(200)]
    double.start()
    until(lambda: len(receiver.ids()) == 270)
    assert receiver.ids() == [f"doc:{n}" for n in range(1, 401) if not 200 < n <= 330]
    sizes = [len(body) for body in receiver.bodies]
    assert max(sizes) == 125 and len(sizes) < 10


# --- the position


@pytest.mark.parametrize(
    ("content", "asked"), [(None, "0"), ("5-g1AAAA", "5-g1AAAA"), (" 5-g1AAAA \n", "5-g1AAAA"), ("", "")], ids=["absent", "value", "blanks", "empty"]
)
def test_it_starts_where_the_file_says(double, couchdb, content, asked):
    if content is not None:
        double.seq.write_text(content)
    double.start()
    assert since(until(lambda: couchdb.lines)[0]) == asked


def test_a_reconnect_asks_from_the_position_at_the_start(double, couchdb, receiver):
    couchdb.script = [answer(code) for code in (401, 403, 404, 500, 400)] + [feed(change(1) + change(2), "cut"), feed()]
    double.start()
    until(lambda: len(couchdb.lines) == 7)
    assert {since(line) for line in couchdb.lines} == {"0"} and double.seq.read_text() == "2-s"
    refused = double.said("Unable to connect to database")
    assert [line["logEvent"]["error"] for line in refused] == [
        f'{{:message=>"{words}!", :response_code=>"{code}"}}'
        for words, code in (("Authentication error", 401), ("Request error", 403), ("Database not found", 404), ("Server error", 500), ("Request error", 400))
    ]
    assert {(line["loggerName"], line["pipeline.id"], line["plugin.id"], line["level"]) for line in refused} == {
        ("logstash.inputs.couchdbchanges", "medic", "in_medic", "ERROR")
    }
    assert len(double.said("Connection problem encountered: Retrying connection in 0.2 seconds...")) == 1


def test_a_feed_that_ends_in_good_order_is_asked_for_again_at_once(double, couchdb):
    double.conf = double.conf.replace("reconnect_delay => 0.2", "reconnect_delay => 30")
    couchdb.script = [feed(change(1), "ends")] * 5
    double.start()
    until(lambda: len(couchdb.lines) == 6, 5)
    assert {since(line) for line in couchdb.lines} == {"0"}


def test_a_feed_that_breaks_off_is_asked_for_after_the_delay(double, couchdb):
    double.conf = double.conf.replace("reconnect_delay => 0.2", "reconnect_delay => 1")
    couchdb.script = [feed(change(1), "cut")]
    double.start()
    until(lambda: double.said("Connection problem"))
    began = time.monotonic()
    until(lambda: len(couchdb.lines) == 2)
    assert time.monotonic() - began > 0.8


def test_an_unreadable_line_restarts_the_input_at_what_it_has_read(double, couchdb, receiver):
    couchdb.script = [feed(change(1) + '{"seq":"2-s","id":"cut","doc":{"_id":"Amina\n' + change(3)), feed(change(3))]
    double.start()
    until(lambda: receiver.ids() == ["doc:1", "doc:3"])
    assert [since(line) for line in couchdb.lines] == ["0", "1-s"]
    (line,) = double.said("A plugin had an unrecoverable error. Will restart this plugin.")
    assert "Exception: LogStash::Json::ParserError" in line["logEvent"]["message"] and "Amina" in line["logEvent"]["message"]


def test_a_line_cut_by_a_lost_connection_spoils_the_next(double, couchdb, receiver):
    couchdb.script = [feed(change(1) + change(2)[:20], "cut"), feed(change(1) + change(2)), feed(change(2))]
    double.start()
    until(lambda: receiver.ids() == ["doc:1", "doc:2"])
    assert [since(line) for line in couchdb.lines] == ["0", "0", "1-s"]
    assert double.said("Connection problem") and double.said("A plugin had an unrecoverable error")


def held(number, value):
    """A change whose document holds this value."""
    return f'{{"seq":"{number}-s","id":"doc:{number}","changes":[],"doc":{{"_id":"doc:{number}","_rev":"1-r","a":{value}}}}}\n'


UNREADABLE = {
    "levels": "[" * 1200 + "]" * 1200,
    "a key": f'{{"{"k" * 50_001}":1}}',
    "digits": "9" * 10_001,
}
READABLE = {"a key": f'{{"{"k" * 50_000}":1}}', "digits": "9" * 10_000, "a text of digits": f'"{"9" * 10_001}"', "arrays": "[" * 950 + "]" * 950, "objects": '{"a":' * 700 + "1" + "}" * 700}
OVERFLOWING = '{"a":' * 950 + "1" + "}" * 950


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
def test_what_its_parser_does_not_read_stops_a_feed_for_good(double, couchdb, receiver, value):
    bad = held(2, value)
    couchdb.script = [feed(change(1) + bad), feed(bad + change(3)), feed(bad + change(3))]
    double.start()
    until(lambda: len(couchdb.lines) == 3)
    assert [since(line) for line in couchdb.lines[1:]] == ["1-s"] * 2 and receiver.ids() == ["doc:1"]


def test_what_is_within_its_limits_arrives(double, couchdb, receiver):
    couchdb.script = [feed("".join(held(number, value) for number, value in enumerate(READABLE.values())))]
    double.start()
    bodies = lambda: b"".join(request.body for request in list(receiver.requests)).decode()  # Python reads not all of it either
    until(lambda: f'"doc:{len(READABLE) - 1}"' in bodies())
    assert all(value in bodies() for value in READABLE.values())


def test_a_change_that_overflows_its_stack_ends_it_each_time(double, couchdb, receiver):
    """All pipelines with it, and what was read and not sent."""
    couchdb.script = [feed(change(1) + held(2, OVERFLOWING)), feed(held(2, OVERFLOWING))]
    double.start()
    assert double.process.wait(10) == 126
    assert double.seq.read_text() == "1-s"
    double.start()
    assert double.process.wait(10) == 126 and [since(line) for line in couchdb.lines] == ["0", "1-s"]


def test_the_position_runs_ahead_of_what_is_delivered_and_a_kill_loses_it(double, couchdb, receiver):
    """The defect that api.claim's position makes harmless."""
    couchdb.script = [feed("".join(change(n) for n in range(1, 101)))]
    receiver.script = [answer(503)] * 9
    double.start()
    until(lambda: double.seq.exists() and double.seq.read_text() == "100-s")
    double.kill()
    receiver.script = []
    sent = len(receiver.requests)
    couchdb.script = [feed(change(101))]
    double.start()
    until(lambda: len(receiver.requests) > sent)
    assert since(couchdb.lines[-1]) == "100-s"
    assert receiver.bodies[-1][0]["id"] == "doc:101"


def test_a_kill_finds_the_file_empty(double, couchdb):
    couchdb.script = [feed("".join(change(n) for n in range(1, 5001)))]
    double.start()
    until(double.seq.exists)
    until(lambda: double.seq.read_text() == "")


# --- the receiver's refusals


def test_what_is_retryable_is_sent_until_it_is_taken(double, couchdb, receiver):
    couchdb.script = [feed(change(1))]
    receiver.script = [answer(code, b'{"code": "PT%d"}' % code) for code in (401, 409)]
    double.start()
    until(lambda: len(receiver.requests) == 3, 20)
    assert receiver.ids() == ["doc:1"] * 3
    told = double.said("Encountered a retryable HTTP request in HTTP output, will retry")
    assert [(line["logEvent"]["code"], line["logEvent"]["body"]) for line in told] == [(code, f'{{"code": "PT{code}"}}') for code in (401, 409)]
    assert {(line["loggerName"], line["level"], line["plugin.id"]) for line in told} == {("logstash.outputs.http", "WARN", "out_medic")}


def test_what_is_not_drops_the_batch(double, couchdb, receiver):
    double.conf = "\n".join(line for line in double.conf.splitlines() if "retryable_codes" not in line)
    more = []
    couchdb.script = [feed(change(1), more=more)]
    receiver.script = [answer(401, b"no")]
    double.start()
    until(lambda: len(receiver.requests) == 1)
    more.append(change(2))
    until(lambda: receiver.ids() == ["doc:1", "doc:2"])
    (line,) = double.said("Encountered non-2xx HTTP code")
    # As recorded, member for member.
    assert set(line) == {"level", "loggerName", "timeMillis", "thread", "pipeline.id", "plugin.id", "logEvent"}
    assert line["thread"] == "[medic]>worker0" and line["level"] == "ERROR"
    assert line["logEvent"] == {"message": "Encountered non-2xx HTTP code", "code": 401, "body": "no", "url": f"http://127.0.0.1:{receiver.port}/rpc/ingest"}


def test_a_receiver_that_is_away_is_asked_again(double, couchdb, receiver):
    couchdb.script = [feed(change(1))]
    receiver.script = [HANG_UP]
    double.start()
    until(lambda: len(receiver.requests) == 2)
    assert receiver.ids() == ["doc:1"] * 2
    (line,) = double.said("Could not fetch URL")
    assert (line["level"], line["logEvent"]["will_retry"]) == ("ERROR", True)
    # Each event's fields stand beside its message, and this one has another.
    assert double.output.read_text(encoding="utf-8").count('"message":"Could not fetch URL","url":') == 1


def test_a_script_that_raises_sends_the_event_unshaped(double, couchdb, receiver, tmp_path):
    (tmp_path / "raises.rb").write_text('def filter(event)\n  raise "boom"\nend\n')
    double.conf = double.conf.replace(str(SCRIPT), str(tmp_path / "raises.rb"))
    couchdb.script = [feed(change(1))]
    double.start()
    until(lambda: receiver.requests)
    assert receiver.bodies[0][0]["tags"] == ["_rubyexception"]
    assert double.said("Could not process event: boom")


# --- slow, and all at once


def test_a_slow_start_computes_in_silence(double, tmp_path):
    (tmp_path / "slow-start").write_text("0.8")
    began = time.monotonic()
    double.start(HOME=str(tmp_path))
    until(lambda: double.said("Pipelines running"))
    assert time.monotonic() - began >= 0.8 and len(double.log) > 2


def test_all_pipelines_ask_again_in_the_same_moment(double, couchdb):
    """So a password that was changed meanwhile is refused once a pipeline."""
    stop = threading.Event()
    double.pipelines = {name: double.conf.replace(str(double.seq), f"{double.seq}-{name}") for name in ("a", "b", "c")}
    couchdb.script = [feed(end="cut", stop=stop)] * 3 + [answer(401)] * 3
    double.start()
    until(lambda: len(couchdb.requests) == 3)
    stop.set()
    until(lambda: len(double.said("Unable to connect to database")) == 3)
    times = [line["timeMillis"] for line in double.said("Unable to connect to database")]
    assert max(times) - min(times) < 200


# --- its end


def test_sigterm_does_not_end_it_while_the_feed_idles(double, couchdb):
    double.start()
    until(lambda: double.said("Pipelines running"))
    double.process.send_signal(signal.SIGTERM)
    until(lambda: double.said("SIGTERM received. Shutting down."))
    until(lambda: double.said("The shutdown process appears to be stalled"), 15)
    assert double.process.poll() is None


@pytest.mark.parametrize("end", ["ends", "cut"])
def test_after_sigterm_it_skips_what_comes_and_ends_with_a_feed_in_good_order(double, couchdb, receiver, end):
    more, stop = [], threading.Event()
    couchdb.script = [feed(change(1), end, more=more, stop=stop)]
    double.start()
    until(lambda: receiver.ids() == ["doc:1"])
    double.process.send_signal(signal.SIGTERM)
    until(lambda: double.said("SIGTERM received"))
    more.append(change(2))
    until(lambda: not more)
    stop.set()
    if end == "ends":
        assert double.process.wait(15) == 0 and double.said("Logstash shut down.")
    else:
        until(lambda: len(couchdb.requests) == 2)
        assert double.process.poll() is None
    assert double.seq.read_text() == "1-s" and receiver.ids() == ["doc:1"]


# --- what it refuses


def edited(old, new=""):
    return lambda double: setattr(double, "conf", double.conf.replace(old, new, 1))


CASES = {
    "good": (edited(""), 0, "Configuration OK"),
    "unknown option": (edited("    db =>", '    databse => "x"\n    db =>'), 1, "Unknown setting 'databse' for couchdb_changes"),
    "missing brace": (edited("  }\n}\nfilter", "  }\nfilter"), 1, 'Expected one of [ \\\\t\\\\r\\\\n], \\"#\\", \\"=>\\" at line 18, column 8 (byte '),
    "missing required": (edited('    db => "medic"\n'), 1, "db => # SETTING MISSING"),
    "wrong type": (edited("heartbeat => 10000", 'heartbeat => "abc"'), 1, '# Expected number, got \\"abc\\" (type abc)'),
    "missing ca_file": (edited("    db =>", '    secure => true\n    ca_file => "/none/ca.pem"\n    db =>'), 1, "# File does not exist or cannot be opened /none/ca.pem"),
    "missing script": (edited(str(SCRIPT), "/none/cht_event.rb"), 1, "# File does not exist or cannot be opened /none/cht_event.rb"),
    "obsolete option": (edited("    pool_max =>", '    tags => ["x"]\n    pool_max =>'), 1, "The setting `tags` in plugin `http` is obsolete"),
    "unknown plugin": (edited("  http {", "  htttp {"), 1, "Couldn't find any output plugin named 'htttp'"),
    "no file": (lambda double: (double.directory / "medic.conf").unlink(), 0, "No configuration found in the configured sources."),
}


@pytest.mark.parametrize(("edit", "status", "words"), CASES.values(), ids=CASES)
def test_the_test_of_a_configuration_ends_as_recorded(double, edit, status, words):
    double.write()
    edit(double)
    if (double.directory / "medic.conf").exists():
        double.write()
    got, said = double.test()
    assert got == status and words in said, said
    assert "TEST DOUBLE" in said.splitlines()[0]
    assert SECRETS["TOKEN"] not in said


def test_an_undefined_variable_is_refused(double):
    double.write()
    status, said = double.test(TOKEN=None)
    assert status == 1 and "Unable to configure plugins: (ConfigurationError) Cannot evaluate `${TOKEN}`. Replacement variable `TOKEN` is not" in said


SCRIPTS = {
    "no filter": ("def register(params)\nend\n", "Script does not define a filter!"),
    "no ruby": ("def filter(event", "(SyntaxError)"),
}


@pytest.mark.parametrize(("text", "words"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_that_is_none_is_refused(double, tmp_path, text, words):
    (tmp_path / "bad.rb").write_text(text)
    double.conf = double.conf.replace(str(SCRIPT), str(tmp_path / "bad.rb"))
    double.write()
    status, said = double.test()
    assert status == 1 and words in said


SETTINGS = {
    "unknown": ({"pipeline.batchsize": 1}, 'Setting "pipeline.batchsize" doesn\'t exist.'),
    "undefined variable": ({"pipeline.batch.size": "${BATCH}"}, "Cannot evaluate `${BATCH}`"),
    "no directory": ({"path.data": "/proc/none"}, 'Path "/proc/none" must be a writable directory.'),
}


@pytest.mark.parametrize(("added", "words"), SETTINGS.values(), ids=SETTINGS)
def test_settings_are_refused_as_recorded(double, added, words):
    double.settings.update(added)
    double.write()
    status, said = double.test()
    assert status == 1 and words in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_root_is_refused_where_that_is_set(double):
    double.settings["allow_superuser"] = False
    double.write()
    status, said = double.test()
    assert status == 1 and "Logstash cannot be run as superuser" in said


def test_one_bad_pipeline_leaves_the_others_running(double, receiver, couchdb):
    double.pipelines["sentinel"] = double.conf.replace("    db =>", '    databse => "x"\n    db =>')
    double.start()
    (line,) = until(lambda: double.said("Pipelines running"))
    assert line["logEvent"]["running_pipelines"] == ["medic"]
    stats = api(double, "/_node/stats/pipelines")
    assert stats["status"] == "unknown"
    assert stats["pipelines"]["sentinel"]["events"] is None
    assert "Something is wrong with your configuration." in stats["pipelines"]["sentinel"]["reloads"]["last_error"]["message"]
    assert set(api(double, "/_node/pipelines")["pipelines"]) == {"medic"}


def test_none_that_runs_ends_it(double):
    double.start(TOKEN=None)
    assert double.process.wait(10) == 1
    assert double.said("Failed to execute action") and double.said("Logstash shut down.")


def test_a_second_one_on_the_same_data_is_refused(double):
    double.start()
    until(lambda: double.said("Pipelines running"))
    command, environment = double.command()
    done = subprocess.run(command, env=environment, check=False, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "already another instance using the configured data directory" in done.stdout
    assert double.test()[0] == 0


# --- https


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A function that makes one for the loopback and tells its file; the key lies beside it."""

    def make(name):
        path = tmp_path_factory.mktemp(name) / "cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", path.with_name("key.pem"), "-out", path], check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return path

    return make("right"), make("wrong")


def secured(peer, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    peer.server.socket = context.wrap_socket(peer.server.socket, server_side=True)


def test_it_reads_and_sends_over_https(double, couchdb, receiver, certificate):
    right, _wrong = certificate
    for peer in (couchdb, receiver):
        secured(peer, right)
    edited("    db =>", f'    secure => true\n    ca_file => "{right}"\n    db =>')(double)
    edited("    pool_max =>", f'    ssl_certificate_authorities => ["{right}"]\n    pool_max =>')(double)
    edited("http://", "https://")(double)
    couchdb.script = [feed(change(1))]
    double.start()
    until(lambda: receiver.ids() == ["doc:1"])


def test_a_couchdb_it_does_not_trust_restarts_the_input_each_second(double, couchdb, certificate):
    right, wrong = certificate
    secured(couchdb, right)
    double.conf = double.conf.replace("reconnect_delay => 0.2", "reconnect_delay => 30")
    edited("    db =>", f'    secure => true\n    ca_file => "{wrong}"\n    db =>')(double)
    double.start()
    until(lambda: len(double.said("Exception: OpenSSL::SSL::SSLError")) == 2)
    assert "certificate verify failed" in double.said("unrecoverable")[0]["logEvent"]["message"] and not couchdb.requests


# --- the API


def api(double, path):
    (line,) = until(lambda: double.said("Successfully started Logstash API endpoint"))
    with urllib.request.urlopen(f"http://127.0.0.1:{line['logEvent']['port']}{path}") as answered:
        return json.load(answered)


def test_it_tells_its_counts(double, couchdb, receiver):
    couchdb.script = [feed(FEED)]
    double.start()
    until(lambda: len(receiver.ids()) == 5)
    until(lambda: api(double, "/_node/stats/pipelines")["pipelines"]["medic"]["events"]["out"] == 5)
    stats = api(double, "/_node/stats/pipelines")
    medic = stats["pipelines"]["medic"]
    assert stats["status"] == "green" and api(double, "/")["status"] == "green"
    # The recorded numbers: 6 in, 6 filtered, 5 out.
    assert {name: medic["events"][name] for name in ("in", "filtered", "out")} == {"in": 6, "filtered": 6, "out": 5}
    assert [(kind, one["id"], one["events"]["out"]) for kind, (one,) in medic["plugins"].items()] == [
        ("inputs", "in_medic", 6), ("filters", "shape_medic", 5), ("outputs", "out_medic", 5),
    ]  # fmt: skip
    assert medic["reloads"]["last_error"] is None
    assert 0 <= api(double, "/_node/stats/jvm")["jvm"]["mem"]["heap_used_percent"] < 90
    with pytest.raises(urllib.error.HTTPError):
        api(double, "/_node/stats/nothere")


# --- the archive


def test_the_archive_has_the_vendors_layout(tmp_path):
    for name in ("a", "b"):
        subprocess.run([ARCHIVE, "8.19.7", tmp_path / f"{name}.tar.gz"], check=True)
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        names = archive.getnames()
    subprocess.run(["tar", "-xzf", tmp_path / "a.tar.gz", "-C", tmp_path], check=True)
    assert {name.split("/")[0] for name in names} == {"logstash-8.19.7"}
    assert {"bin/logstash", "config/jvm.options", "config/logstash.yml", "jdk/bin/java"} <= {name.partition("/")[2] for name in names}
    said = subprocess.run([tmp_path / "logstash-8.19.7/bin/logstash", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert said == "logstash 8.19.7\n"
    # In the tree it is a link, so that the table stands once.
    packed = tmp_path / "logstash-8.19.7/lib/double/options.yml"
    assert not packed.is_symlink() and packed.read_bytes() == (FIXTURES / "options.yml").read_bytes()
    assert "TEST DOUBLE" in PROGRAM.read_text(encoding="utf-8").splitlines()[1]
