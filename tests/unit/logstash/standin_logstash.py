#!/usr/bin/env python3
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for bin/logstash, which says what a test wants it to say. It reads nothing and sends nothing: the double in
tests/double does. Its directory holds, where the test made them: `said` (its output, followed as it grows), `status`
(exit with it), `stubborn` (heed no SIGTERM), `stats.json` (the API's answer; absent: no API), `child` (start a process),
`babbled` (say it all the time)."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
SETTINGS = Path(sys.argv[sys.argv.index("--path.settings") + 1])


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        body = (HERE / "stats.json").read_bytes()
        self.send_response(200 if self.path == "/_node/stats/pipelines" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def main():
    if (HERE / "stubborn").exists():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"]).pid if (HERE / "child").exists() else None
    started = {"argv": sys.argv, "environment": dict(os.environ), "pid": os.getpid(), "child": child}
    started["pipelines"] = json.loads((SETTINGS / "pipelines.yml").read_text())
    started["links"] = {path.name: os.readlink(path) for path in SETTINGS.iterdir() if path.is_symlink()}
    seq = Path(os.environ["HOME"], "seq")
    started["seq"] = {path.name: path.read_text() for path in seq.iterdir()} if seq.exists() else {}
    if (HERE / "stats.json").exists():
        api = HTTPServer(("127.0.0.1", int((HERE / "port").read_text())), Api)
        threading.Thread(target=api.serve_forever, daemon=True).start()
    made = HERE / f"starts/{time.time_ns()}.new"
    made.write_text(json.dumps(started))
    made.rename(made.with_suffix(".json"))
    with open(HERE / "said", encoding="utf-8", errors="surrogateescape") as said:
        while True:
            text = said.read() + (HERE / "babbled").read_text() * 1000 if (HERE / "babbled").exists() else said.read()
            sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
            sys.stdout.flush()
            if not text and (HERE / "status").exists():
                os._exit(int((HERE / "status").read_text()))
            time.sleep(0 if text else 0.01)


main()
