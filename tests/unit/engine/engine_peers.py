# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripted peers on real sockets: openly stand-ins, for what the real servers cannot be
made to do on demand. The real PostgREST is met in the integration tests."""

import base64
import json
import socket
import threading
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
from engine_recordings import recording

PASSWORD = "s3cret-pässword:1"
SECRET = "s3cret-of-the-tokens-" * 3


@dataclass
class Reply:
    """What to do with a request: bytes to send, then perhaps hang up.

    ``hold``: an Event to wait for before the bytes are sent. ``rest``: gives what is
    sent after them, piece by piece.
    """

    raw: bytes = b""
    close: bool = False
    hold: object = None
    rest: Iterable[bytes] = ()


HANG_UP = Reply(close=True)


def reply(status, body, headers=()):
    """An ordinary answer with a JSON body."""
    data = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} x", "Content-Type: application/json", *headers]
    lines.append(f"Content-Length: {len(data)}")
    return Reply("\r\n".join(lines).encode() + b"\r\n\r\n" + data)


def cut(answer, at):
    """Only the first ``at`` bytes of an answer, then the connection is closed."""
    return Reply(answer[:at], close=True)


class Peer:
    """A server whose answers are, first, those in ``faults``, then ``answer``'s."""

    ADDRESS = "127.0.0.1"

    def __init__(self):
        self.requests = []
        self.faults = {}  # last part of the path -> deque of Reply
        self.released = threading.Event()  # set at the end: nothing waits any longer
        self._lock = threading.Lock()
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length", 0))
                request = Request(self, self.rfile.read(length))
                with peer._lock:
                    peer.requests.append(request)
                    waiting = peer.faults.get(request.name)
                    answer = waiting.popleft() if waiting else None
                answer = answer or peer.answer(request)
                if callable(answer):
                    answer = answer(request)
                if answer.hold is not None:
                    while not (answer.hold.wait(0.02) or peer.released.is_set()):
                        pass
                try:
                    self.wfile.write(answer.raw)
                    for piece in answer.rest:
                        self.wfile.write(piece)
                except OSError:
                    self.close_connection = True
                self.close_connection = self.close_connection or answer.close

            do_GET = do_POST = handle_any

            def log_message(self, *args):
                pass

        ipv6 = ":" in self.ADDRESS
        family = {"address_family": socket.AF_INET6 if ipv6 else socket.AF_INET}
        self.server = type("Server", (ThreadingHTTPServer,), family)((self.ADDRESS, 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.server.handle_error = lambda *args: None
        host = f"[{self.ADDRESS}]" if ipv6 else self.ADDRESS
        self.url = f"http://{host}:{self.server.server_port}"

    def __enter__(self):
        serve = {"poll_interval": 0.02}
        threading.Thread(
            target=self.server.serve_forever, kwargs=serve, daemon=True
        ).start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def fail(self, name, *replies):
        """Give these answers to the next requests whose path ends in ``name``."""
        self.faults.setdefault(name, deque()).extend(replies)

    def asked(self, name):
        """The requests so far whose path ends in ``name``."""
        return [r for r in list(self.requests) if r.name == name]

    def answer(self, request):
        raise NotImplementedError


class Request:
    """What a client sent."""

    def __init__(self, handler, body):
        self.line = handler.requestline
        parts = urlsplit(handler.path)
        self.raw_path = parts.path
        self.name = unquote(parts.path.rstrip("/").rpartition("/")[2])
        self.query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        if self.name == "_changes" and self.query.get("limit") == "0":
            self.name = "_look"  # at how much the feed shows, by those who want it whole
        self.headers = handler.headers
        self.body = body

    @property
    def longpoll(self):
        return self.query.get("feed") == "longpoll"


class CouchDBPeer(Peer):
    """Plays the recorded feed of ``medic``: five pages, then nothing new, then, after
    ``news``, the one change that answered the recorded longpoll."""

    PAGES = ("030", "031", "032", "033", "034")

    def __init__(self):
        super().__init__()
        self.news = threading.Event()
        self.pages = {"0": "030"}
        for this, following in zip(self.PAGES, self.PAGES[1:] + ("035",)):
            self.pages[json.loads(recording(this).body)["last_seq"]] = following
        self.end = json.loads(recording("035").body)["last_seq"]
        self.newest = json.loads(recording("077").body)["last_seq"]

    def answer(self, request):
        user = f"analytics:{PASSWORD}".encode()
        if request.headers["Authorization"] != "Basic " + base64.b64encode(user).decode(
            "ascii"
        ):
            return Reply(recording("130").wire)
        if request.raw_path == "/":
            return Reply(recording("001").wire)
        if request.raw_path == "/api/info":
            return Reply(recording("068").wire)
        if request.name == "_look":
            return Reply(recording("041").wire)
        if request.name != "_changes":
            return Reply(recording("021").wire)
        since = request.query["since"]
        if since == self.newest and not request.longpoll:
            return Reply(recording("078").wire)
        if since == self.newest:
            return Reply(recording("078").wire, hold=threading.Event())
        if since == self.end and self.news.is_set():
            return Reply(recording("077").wire)
        if since == self.end and request.longpoll:
            return Reply(recording("077").wire, hold=self.news)
        if since not in self.pages:
            return Reply(recording("057").wire)
        return Reply(recording(self.pages[since]).wire)

    def documents(self):
        """Every document of the five pages, by id."""
        rows = []
        for number in self.PAGES:
            rows += json.loads(recording(number).body)["results"]
        return {row["id"]: row["doc"] for row in rows}


class PostgRESTPeer(Peer):
    """Keeps the contract of ``api.claim`` and ``api.ingest``, in memory."""

    def __init__(self, engine="relay"):
        super().__init__()
        self.engine = engine
        self.secret = SECRET
        self.seq = None
        self.pending = None
        self.identity = None
        self.replaced = False  # and nothing was delivered since
        self.lease = None
        self.documents = {}
        self.raw_rows = []
        self.headers = []  # the header line of each call that was carried out
        self.most_rows = None  # more rows in a call are too many
        self.too_many = reply(413, {"code": "54000", "message": "too large"})

    def answer(self, request):
        scheme, _, token = request.headers["Authorization"].partition(" ")
        if scheme != "Bearer" or not self._authorized(token):
            return reply(401, {"code": "PGRST301", "message": "no good token"})
        return {"claim": self.claim, "ingest": self.ingest}[request.name](request)

    @property
    def tokens(self):
        """Those that came."""
        return [r.headers["Authorization"].partition(" ")[2] for r in list(self.requests)]

    def _authorized(self, token):
        """As PostgREST and the functions of schema api look at it."""
        need = {"require": ["exp", "aud"]}
        try:
            said = jwt.decode(token, self.secret, ["HS256"], need, audience="cht-sync")
        except jwt.InvalidTokenError:
            return False
        return said["role"] == "sync_writer"

    def claim(self, request):
        body = json.loads(request.body)
        assert request.headers["Content-Type"] == "application/json"
        assert sorted(body) == ["engine", "identity", "source"]
        if body["engine"] != self.engine:
            return reply(409, {"code": "PT409", "message": "another engine"})
        if self.identity and body["identity"] not in (None, self.identity):
            self.seq, self.replaced = None, True
        self.identity = body["identity"] or self.identity
        self.lease = str(uuid.uuid4())
        return reply(200, {"seq": self.seq, "lease": self.lease, "replaced": self.replaced})

    def ingest(self, request):
        if request.headers["X-CHT-Lease"] != self.lease:
            return reply(409, {"code": "PT409", "message": "the lease has ended"})
        if request.headers["Content-Type"] != "text/plain":
            return reply(404, {"code": "PGRST202", "message": "no such function"})
        line, _, body = request.body.partition(b"\n")
        header = json.loads(line)
        rows = body.split(b"},\r\n") if body else []
        rows = [row + b"}" for row in rows[:-1]] + rows[-1:]
        if header["rows"] != len(rows) or any(b"\n" in row for row in rows):
            return reply(400, {"code": "PT400", "message": "another count of rows"})
        if self.most_rows is not None and len(rows) > self.most_rows:
            return self.too_many
        self.replaced = False
        for row in map(json.loads, rows):
            self.documents[row["id"]] = row["doc"]
        self.raw_rows += rows
        self.headers.append(header)
        if header["last_seq"] is not None:
            self.seq, self.pending = header["last_seq"], header["pending"]
        return reply(200, {"rows": len(rows), "written": len(rows), "quarantined": 0})

    def commits_and_hangs_up(self, request):
        """Carry out a call, and say nothing."""
        self.ingest(request)
        return HANG_UP
