# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CouchDB's feed of changes over HTTP, in the bytes and chunks of CouchDB 3.5, over a database held in memory."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

_CHUNK = 1490  # bytes CouchDB gathers before it sends them
_LONGEST_POLL = 60.0  # seconds; a longer timeout is cut to it


@dataclass(frozen=True)
class Row:
    """A change. `rest`: the row's bytes from behind its seq on."""

    seq: str
    rest: bytes

    def bytes(self, with_seq: bool, with_doc: bool) -> bytes:
        rest = self.rest if with_doc else self.rest.partition(b',"doc":')[0] + b"}"
        return (b'{"seq":"%s"' % self.seq.encode() if with_seq else b'{"seq":null') + rest


class Database(Protocol):
    """What is served. `seq` is opaque to everyone else; "0" is the beginning."""

    def read(self, since: str, limit: int) -> tuple[list[Row], str, int]:
        """At most `limit` changes after `since`, the position after them, and how many are left. KeyError: no such position."""

    def count(self) -> int:
        """How many documents there are."""


class Lengths:
    """A database with one document of each length, made up when it is asked for."""

    def __init__(self, lengths: list[int]) -> None:
        self.lengths = lengths

    def read(self, since: str, limit: int) -> tuple[list[Row], str, int]:
        start = int(since.partition("-")[0])
        end = min(start + limit, len(self.lengths))
        return [self.row(number) for number in range(start, end)], f"{end}-x", len(self.lengths) - end

    def row(self, number: int) -> Row:
        rev = f"1-{number:032x}"
        doc = f'{{"_id":"d{number}","_rev":"{rev}","filler":"{"x" * self.lengths[number]}"}}'
        return Row(f"{number + 1}-x", f',"id":"d{number}","changes":[{{"rev":"{rev}"}}],"doc":{doc}}}'.encode())

    def count(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True)
class Answer:
    """What a request is answered with; a body of bytes goes out as it is, anything else as JSON."""

    status: int
    body: object


def body(rows: Iterable[bytes], last_seq: str, pending: int) -> list[bytes]:
    """The chunks a page goes out in; of a longpoll without news the first goes out at once."""
    chunks, gathered, length = [b'{"results":[\n'], [], 0
    for number, row in enumerate(rows):
        row = b",\r\n" + row if number else row
        if gathered and length + len(row) > _CHUNK:
            chunks.append(b"".join(gathered))
            gathered, length = [], 0
        gathered.append(row)
        length += len(row)
    tail = b'\n],\n"last_seq":"%s","pending":%d}\n' % (last_seq.encode(), pending)
    return [*chunks, b"".join(gathered) + tail, b"\n"]


class Front(ThreadingHTTPServer):
    """Serves `database` under the name medic. `changed` tells the longpolls that wait.

    `since`: the position asked for last, that is how far the reader has come; `pages`: what each page was asked for with. `stop_after`: set to a number of bytes,
    the next page stops there; `stopped` is set then, until the client is gone. `credentials`: the header Authorization must be that; `refused`
    counts the requests where it was not.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, database: Database) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.database = database
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.since = "0"
        self.pages: list[dict[str, str]] = []
        self.stop_after: int | None = None
        self.credentials: str | None = None
        self.refused = 0
        self.stopped = threading.Event()
        self._grown = threading.Condition()

    def __enter__(self) -> Front:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client that is gone is no news here
            super().handle_error(request, client_address)

    def changed(self) -> None:
        with self._grown:
            self._grown.notify_all()

    def wait(self, since: str, seconds: float) -> None:
        """Returns once there are changes after `since`, or the time is up."""
        with self._grown:
            self._grown.wait_for(lambda: self.database.read(since, 1)[0], min(seconds, _LONGEST_POLL))

    def answer(self, method: str, path: list[str], query: dict[str, str], content: bytes) -> Answer:
        """To anything but the feed itself. `path`: its parts, without the slashes."""
        if method == "GET" and path == ["medic"]:
            info = {"instance_start_time": "1795558699", "db_name": "medic", "doc_count": self.database.count(), "cluster": {"q": 12}}
            return Answer(200, info)
        return Answer(404, {"error": "not_found", "reason": "Database does not exist."})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Front

    def handle_any(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        path = [unquote(part) for part in parts.path.split("/") if part]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.server.credentials not in (None, self.headers["Authorization"]):
            self.server.refused += 1
            self.whole(401, {"error": "unauthorized", "reason": "Name or password is incorrect."})
            return
        if path == ["medic", "_changes"] and "filter" not in query:
            self.changes(query)
            return
        answer = self.server.answer(self.command, path, query, content)
        self.whole(answer.status, answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def whole(self, status: int, body_: object) -> None:
        data = body_ if isinstance(body_, bytes) else json.dumps(body_, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self.begin(status, "Content-Length", str(len(data)))
        self.wfile.write(data)

    def begin(self, status: int, *framing: str) -> None:
        self.send_response(status)
        self.send_header("Cache-Control", "must-revalidate")
        self.send_header("Content-Type", "application/json")
        self.send_header(*framing)
        if self.close_connection:  # as the client asked
            self.send_header("Connection", "close")
        self.end_headers()

    def changes(self, query: dict[str, str]) -> None:
        since, limit = query.get("since", "0"), int(query.get("limit", 1 << 60))
        interval = int(query.get("seq_interval", 1))
        try:
            rows, last_seq, pending = self.server.database.read(since, limit)
        except KeyError:
            self.whole(400, {"error": "bad_request", "reason": "Malformed sequence supplied in 'since' parameter."})
            return
        if limit:  # else nothing is read: it is asked how much there is
            self.server.since = since
            self.server.pages.append(query)
        self.begin(200, "Transfer-Encoding", "chunked")
        early = not rows and query.get("feed") == "longpoll"
        if early:
            self.wfile.write(_framed([b'{"results":[\n', b"\n"]))
            self.server.wait(since, int(query.get("timeout", 60000)) / 1000)
            rows, last_seq, pending = self.server.database.read(since, limit)
        with_doc = query.get("include_docs") == "true"
        # A row carries its seq where what is left to the limit is a multiple of the interval.
        told = (row.bytes((limit - number) % interval == 0, with_doc) for number, row in enumerate(rows))
        chunks = body(told, last_seq, pending)
        self.send_page(_framed([*(chunks[1:] if early else chunks), b""]))

    def send_page(self, data: bytes) -> None:
        stop, self.server.stop_after = self.server.stop_after, None
        if stop is None:
            self.wfile.write(data)
            return
        self.wfile.write(data[:stop])
        self.server.stopped.set()
        self.rfile.read(1)  # nothing more is asked on this connection: returns when the client is gone
        self.close_connection = True

    def log_message(self, *_) -> None:
        """Says nothing."""


def _framed(chunks: Iterable[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
