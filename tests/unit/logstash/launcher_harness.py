# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launcher as a process between its peers and a stand-in for bin/logstash; recorded logs as Logstash writes them."""

import json
import os
import re
import shutil
import signal
import socket
import sys
from pathlib import Path

from engine_harness import Process, until
from engine_peers import PASSWORD, SECRET, CouchDBPeer, reply

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
RECORDED = ROOT / "tests/fixtures/logstash-8.19"
PYTHONPATH = f"{ROOT / 'roles/base/files'}:{ROOT / 'roles/logstash/files'}"
DATABASES = ("medic", "medic-sentinel", "medic-users-meta")

# Set in the process before it starts, so that a test need not wait for minutes. It also turns to its other work twenty
# times a second, where Logstash is silent, and not once; what an ended one has left to say is waited for as ever.
HURRY = """
import json, os
from cht_logstash import launcher, process, signs, unreadable
for name, value in json.loads(os.environ["HURRY"]).items():
    if name == "GRACE":
        process.Logstash.stop.__defaults__ = (value,)
    else:
        setattr(next(module for module in (launcher, signs, unreadable) if hasattr(module, name)), name, value)
lines = process.Logstash.lines
process.Logstash.lines = lambda self, seconds: lines(self, seconds if self.ended() is not None else min(seconds, 0.05))
"""
QUICK = {"LOOK_EVERY": 0.1, "ASK_EVERY": 0.2, "COMPARE_EVERY": 3600, "GRACE": 0.3}


class CouchDB(CouchDBPeer):
    """With databases that may be `absent`, changes that are `waiting`, and an `identity`."""

    def __init__(self):
        super().__init__()
        self.absent, self.waiting, self.identity, self.down = set(), 0, "1", False

    def answer(self, request):
        refused = super().answer(request)
        if b"HTTP/1.1 401" in refused.raw:
            return refused
        database = request.raw_path.split("/")[1]
        if self.down:
            return reply(503, {})
        if database in self.absent:
            return reply(404, {"error": "not_found", "reason": "Database does not exist."})
        if request.name == "_changes":
            return reply(200, {"results": [], "last_seq": "9-x", "pending": self.waiting})
        return reply(200, {"instance_start_time": self.identity})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Launcher(Process):
    """The process. However its test ends, it ends in good order and leaves nobody behind."""

    def __init__(self, site, arguments, environment):
        self._site = site
        super().__init__(site.directory, arguments, environment)

    def __exit__(self, *error):
        try:
            if self.process.poll() is None:
                self.process.terminate()
                assert self.exit_code() == 0
            assert not self._site.left(), "processes are left"
        finally:
            super().__exit__(*error)
            for pid in self._site.left():
                os.kill(pid, signal.SIGKILL)


class Site:
    """Directories, configuration and stand-in for one launcher."""

    def __init__(self, directory, couchdb_url, postgrest_url):
        self.directory, self.home = directory, directory / "home"
        for name in ("settings", "pipelines", "state", "run", "hurry", "home/bin", "home/starts", "home/config"):
            (directory / name).mkdir(parents=True)
        shutil.copy(HERE / "standin_logstash.py", self.home / "bin/logstash")
        program = (self.home / "bin/logstash").read_text().replace("#!/usr/bin/env python3", f"#!{sys.executable}")
        (self.home / "bin/logstash").write_text(program)
        (directory / "hurry/sitecustomize.py").write_text(HURRY)
        port = free_port()
        for name, text in {"home/port": str(port), "home/said": "", "secret": SECRET, "password": PASSWORD}.items():
            (directory / name).write_text(text)
        (self.home / "config/jvm.options").touch()
        self.config = {
            "logstash_home": str(self.home),
            "java_home": None,
            "heap": "1g",
            "settings_dir": str(directory / "settings"),
            "pipelines_dir": str(directory / "pipelines"),
            "state_dir": str(directory / "state"),
            "runtime_dir": str(directory / "run"),
            "api_port": port,
            "postgrest_url": postgrest_url,
            "postgrest_ca_file": None,
            "jwt_secret_file": str(directory / "secret"),
            "restart_hours": 24,
            "token_hours": 48,
            "feeds": [],
        }
        for number, database in enumerate(DATABASES, 1):
            (directory / f"pipelines/district.{database}.conf").touch()
            feed = {"number": number, "pipeline": f"district.{database}", "source": f"localhost/{database}", "couchdb_url": couchdb_url}
            feed.update(database=database, couchdb_username="analytics", couchdb_password_file=str(directory / "password"))
            self.config["feeds"].append({**feed, "couchdb_ca_file": None})
        self.runs(*DATABASES)

    def runs(self, *databases, broken=()):
        """Let the API tell so, in the recorded words."""
        known = json.loads((RECORDED / "81-api-_node-stats-pipelines-many.json").read_text())
        good, bad = known["pipelines"]["b-value"], known["pipelines"]["g-slash"]
        told = {f"district.{name}": bad if name in broken else good for name in databases}
        made = self.home / "stats.json.new"
        made.write_text(json.dumps({**known, "pipelines": told}))
        made.rename(self.home / "stats.json")

    def start(self, command="run", environment=(), **hurry):
        path = self.directory / "launcher.json"
        path.write_text(json.dumps(self.config))
        environment = {"HURRY": json.dumps({**QUICK, **hurry}), **dict(environment)}
        environment["PYTHONPATH"] = f"{self.directory / 'hurry'}:{PYTHONPATH}"
        return Launcher(self, ["-m", "cht_logstash", command, "--config", str(path)], environment)

    def started(self):
        """How the stand-in was started, each time."""
        return [json.loads(path.read_text()) for path in sorted(self.home.glob("starts/*.json"))]

    def says(self, text):
        with open(self.home / "said", "ab") as said:
            said.write(text.encode("utf-8", "surrogateescape") + b"\n")

    def dies(self, status=1):
        (self.home / "status.new").write_text(str(status))
        (self.home / "status.new").rename(self.home / "status")

    @property
    def state(self):
        path = self.directory / "run/state.json"
        return json.loads(path.read_text()) if path.exists() else {"phase": None, "feeds": {}}

    def feed(self, database):
        return self.state["feeds"].get(f"district.{database}", {})

    def is_running(self):
        return until(lambda: self.state["phase"] == "running")

    def left(self):
        """Processes of the stand-in that are still there."""
        pids = [pid for start in self.started() for pid in (start["pid"], start["child"]) if pid]
        return [pid for pid in pids if self._alive(pid)]

    def _alive(self, pid):
        """By the environment the launcher gave it: on a busy machine its number may be another process's by now."""
        try:
            return f"HOME={self.directory}/state".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False


_HEAD = re.compile(r"^\[([^\]]+)\]\[(\w+) *\]\[([\w.]+) *\](?:\[([^\]]+)\])?(?:\[([^\]]+)\])? (.*)$", re.DOTALL)
_MEMBER = re.compile(r':(\w+)=>("(?:[^"\\]|\\.)*"|[^,}]+)')


def recorded(name):
    (path,) = RECORDED.glob(f"{name}-*.txt")
    return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()


def as_json(lines):
    """Lines of the plain log in the form of recording 52, with `message` twice where the plain form has it as a member."""
    events = []
    for line in lines:
        if _HEAD.match(line) or not events:
            events.append(line)
        else:
            events[-1] += "\n" + line
    return [_entry(event) for event in events]


def _entry(event):
    found = _HEAD.match(event)
    if not found:
        return event
    _, level, logger, pipeline, plugin, message = found.groups()
    message, brace, members = message.partition(" {:")
    pairs = [("message", message)]
    for key, value in _MEMBER.findall(":" + members) if brace else ():
        value = re.sub(r'\\(["\\])', r"\1", value[1:-1]) if value.startswith('"') else int(value) if value.isdigit() else value
        pairs.append((key, value))
    log_event = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs) + "}"
    head = {"level": level, "loggerName": logger, "timeMillis": 1795559746574, "thread": "t"}
    if pipeline:
        head["pipeline.id"] = pipeline
    if plugin:
        head["plugin.id"] = plugin
    return json.dumps(head)[:-1] + f',"logEvent":{log_event}}}'
