# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two peers of Logstash with scripted answers, and its stand-in between them."""

import json
import os
import signal
import subprocess
import threading
import zlib
from collections import deque
from pathlib import Path

from engine_peers import Peer, Reply
from shaping import SCRIPT

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "logstash/bin/logstash"
SECRETS = {"COUCHDB_PASSWORD": "p@ss w:\"\\rb€", "TOKEN": "t0k.e.n", "LEASE": "7f3a"}


class Scripted(Peer):
    """A peer whose requests get the answers of `script`, then always `otherwise`."""

    def __init__(self, name, otherwise):
        super().__init__()
        self.name, self.otherwise = name, otherwise
        self.port = self.server.server_port

    def answer(self, request):
        return self.otherwise

    @property
    def script(self):
        return list(self.faults.get(self.name, ()))

    @script.setter
    def script(self, answers):
        self.faults[self.name] = deque(answers)

    @property
    def lines(self):
        return [one.line for one in list(self.requests)]

    @property
    def bodies(self):
        return [json.loads(one.body) for one in list(self.requests)]

    def ids(self):
        """Of the events that were sent, in their order."""
        return [event["id"] for body in self.bodies for event in body]


def answer(status, body=b"{}"):
    return Reply(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


def feed(text="", end="hold", more=None, stop=None, packed=False):
    """A continuous feed of these lines, which then stays open with heartbeats, ends in good order or is cut off.

    With `stop`, an Event, it stays open until that. What is put into the list `more` meanwhile is sent too. `packed`: compressed, so
    that each piece can be read at once.
    """
    packer = zlib.compressobj(wbits=31)

    def chunk(data):
        if packed:
            data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
        return b"%x\r\n%s\r\n" % (len(data), data)

    def pieces():
        if text:
            yield chunk(text.encode() if isinstance(text, str) else text)
        stopped = stop or threading.Event()
        while (end == "hold" or stop) and not stopped.wait(0.05):
            yield chunk((more.pop(0) if more else "\n").encode())
        if end == "ends":
            yield b"0\r\n\r\n"

    encoding = b"Content-Encoding: gzip\r\n" if packed else b""
    return lambda request: Reply(b"HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n" % encoding, close=end != "ends", rest=pieces())


def change(number, id_=None):
    id_ = id_ or f"doc:{number}"
    return json.dumps({"seq": f"{number}-s", "id": id_, "changes": [{"rev": "1-r"}], "doc": {"_id": id_, "_rev": "1-r"}}) + "\n"


def first(pairs):
    """Of a member named twice the first: the fields of a log event may include another `message`."""
    return dict(reversed(pairs))


class Double:
    """A settings directory with one pipeline, and processes on it."""

    def __init__(self, directory, couchdb=1, receiver=1):
        self.directory, self.output, self.process = directory, directory / "output", None
        for name in ("settings", "data", "logs"):
            (directory / name).mkdir()
        self.seq = directory / "seq"
        # As recorded, but for paths and ports.
        self.conf = f"""
input {{
  couchdb_changes {{
    id => "in_medic"
    host => "127.0.0.1"
    port => {couchdb}
    db => "medic"
    username => "cht_sync" # a comment
    password => "${{COUCHDB_PASSWORD}}"
    sequence_path => "{self.seq}"
    heartbeat => 10000
    always_reconnect => true
    reconnect_delay => 0.2
    keep_id => true
    keep_revision => true
  }}
}}
filter {{
  ruby {{
    id => "shape_medic"
    path => "{SCRIPT}"
  }}
}}
output {{
  http {{
    id => "out_medic"
    url => "http://127.0.0.1:{receiver}/rpc/ingest"
    http_method => "post"
    format => "json_batch"
    content_type => "text/plain"
    headers => {{ "Authorization" => "Bearer ${{TOKEN}}" "X-CHT-Lease" => "${{LEASE}}" }}
    retryable_codes => [{", ".join(map(str, range(300, 600)))}]
    follow_redirects => false
    socket_timeout => 300
    request_timeout => 330
    pool_max => 1
    pool_max_per_route => 1
  }}
}}
"""
        self.settings = {
            "path.data": str(directory / "data"),
            "path.logs": str(directory / "logs"),
            "pipeline.workers": 1,
            "pipeline.ordered": True,
            "api.http.port": "19600-19699",
            "log.format": "json",
        }
        self.pipelines = {"medic": None}

    def write(self):
        listed = []
        for name, conf in self.pipelines.items():
            path = self.directory / f"{name}.conf"
            path.write_text(self.conf if conf is None else conf, encoding="utf-8")
            listed.append({"pipeline.id": name, "path.config": str(path)})
        (self.directory / "settings/logstash.yml").write_text(json.dumps(self.settings), encoding="utf-8")
        (self.directory / "settings/pipelines.yml").write_text(json.dumps(listed), encoding="utf-8")

    def command(self, *arguments, **environment):
        command = [PROGRAM, *arguments, "--path.settings", self.directory / "settings"]
        secrets = {name: value for name, value in {**SECRETS, **environment}.items() if value is not None}
        return list(map(str, command)), {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **secrets}

    def test(self, **environment):
        """The status and the output of `-t`."""
        command, environment = self.command("-t", **environment)
        done = subprocess.run(command, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def start(self, **environment):
        self.write()
        command, environment = self.command(**environment)
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        return self

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    @property
    def log(self):
        """The events of the log."""
        lines = self.output.read_text(encoding="utf-8").splitlines()
        return [json.loads(line, object_pairs_hook=first) for line in lines if line.startswith("{")]

    def said(self, message):
        return [line for line in self.log if message in line["logEvent"]["message"]]
