# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CouchDB as its administrator sees it: what a real CouchDB 3.5.0 answered, once more.

With CHT_TEST_COUCHDB=http://<administrator>:<password>@<host>:<port>, of a CouchDB whose databases do not matter, the tests ask that one,
and what it answers is kept.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

RECORDINGS = Path(__file__).resolve().parents[1] / "fixtures" / "couchdb-3.5-accounts"
REAL = urlsplit(os.environ.get("CHT_TEST_COUCHDB", ""))
ADMIN, PASSWORD = REAL.username or "admin", REAL.password or "admin-password"


class Recorded:
    """Serves one recording. `asked`: method and path of each request; `left`: those of the recording that nobody made;
    `ca_file`: for clients, who read it though this is http."""

    def __init__(self, name: str) -> None:
        self.file = RECORDINGS / f"{name}.json"
        self.ca_file: str | None = None
        self.exchanges = [] if REAL.netloc else json.loads(self.file.read_text())
        self.asked: list[str] = []
        self._waiting: dict[str, deque] = {}
        for exchange in self.exchanges:
            self._waiting.setdefault(_key(exchange), deque()).append(exchange)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"recorded": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Recorded:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        if REAL.netloc and kind is None:
            self.file.parent.mkdir(exist_ok=True)
            self.file.write_text(json.dumps(self.exchanges, indent=1, ensure_ascii=False) + "\n")

    @property
    def left(self) -> list[str]:
        return [key for key, waiting in self._waiting.items() for _ in waiting]

    def changes(self) -> list[str]:
        """What was asked that changes something."""
        return [key for key in self.asked if not key.startswith("GET ")]

    def given(self, method: str, path: str, body: object = None) -> None:
        """How things are before; of a recording, how they were."""
        if REAL.netloc:
            status, _, answer = _really(method, path, None if body is None else json.dumps(body).encode(), _basic(ADMIN, PASSWORD))
            assert status < 300 or (method == "DELETE" and status == 404), (method, path, status, answer)

    def forget(self, path: str) -> None:
        """Removes a document that may be there."""
        if REAL.netloc:
            status, _, answer = _really("GET", path, None, _basic(ADMIN, PASSWORD))
            if status == 200:
                self.given("DELETE", f"{path}?rev={answer['_rev']}")

    def answer(self, request: dict, authorization: str) -> dict:
        """The exchange that this request is a part of."""
        self.asked.append(f"{request['method']} {request['path']}")
        if REAL.netloc:
            data = request["sent"] if request["sent"] is None or isinstance(request["sent"], str) else json.dumps(request["sent"])
            status, location, body = _really(request["method"], request["path"], data.encode() if data else None, authorization, request["kind"])
            self.exchanges.append({**request, "status": status, "location": location, "body": body})
            return self.exchanges[-1]
        waiting = self._waiting.get(_key(request))
        if not waiting or {**waiting[0], **request} != waiting[0]:
            return {"status": 599, "location": None, "body": {"reason": f"not recorded: {request}, but {waiting and waiting[0]}"}}
        return waiting.popleft()


class _Handler(BaseHTTPRequestHandler):
    recorded: Recorded

    def handle_any(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode() or None
        kind = self.headers.get("Content-Type")
        authorization = self.headers.get("Authorization", "")
        user = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")[0] or None
        json_sent = json.loads(sent) if sent and kind == "application/json" else sent
        exchange = self.recorded.answer({"method": self.command, "path": self.path, "user": user, "kind": kind, "sent": json_sent}, authorization)
        data = json.dumps(exchange["body"]).encode()
        self.send_response(exchange["status"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if exchange["location"]:
            self.send_header("Location", exchange["location"])
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_DELETE = handle_any

    def log_message(self, *_) -> None:
        """Says nothing."""


def _key(exchange):
    return f"{exchange['method']} {exchange['path']} {exchange['user']}"


def _basic(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _really(method, path, data, authorization, kind="application/json"):
    """Status, where it leads to, and the JSON that the real one answers."""
    headers = {"Accept": "application/json", **({"Authorization": authorization} if authorization else {}), **({"Content-Type": kind} if kind else {})}
    connection = http.client.HTTPConnection(REAL.hostname, REAL.port, timeout=20)
    connection.request(method, path, data, headers)
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    return response.status, response.headers.get("Location"), body
