# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted source that makes up its rows as CouchDB writes them: openly a stand-in, for
documents and numbers of them that no recording holds. And a target that keeps no bodies."""

import json
import threading
import time

import pytest
from engine_peers import CouchDBPeer, PostgRESTPeer, Reply, reply
from engine_recordings import recording


def row(number, length, doc_id=None):
    """One row whose document is about ``length`` bytes long."""
    doc_id = doc_id or f"d{number}"
    head = '{"seq":"%d-x","id":"%s","changes":[{"rev":"1-a"}],' % (number, doc_id)
    doc = '"doc":{"_id":"%s","_rev":"1-a","filler":"%s"}}' % (doc_id, "x" * length)
    return (head + doc).encode()


class FeedPeer(CouchDBPeer):
    """Serves ``rows``, functions that give one row each; ``add`` wakes a longpoll.

    ``sent``: the number of rows of each page.
    """

    def __init__(self):
        super().__init__()
        self.rows = []
        self.sent = []
        self._grown = threading.Condition()

    def add(self, *rows):
        with self._grown:
            self.rows += rows
            self._grown.notify_all()

    def answer(self, request):
        if request.name not in ("_changes", "_look"):
            info = json.loads(recording("021").body)
            return reply(200, {**info, "doc_count": len(self.rows), "doc_del_count": 0})
        since = int(request.query["since"].split("-")[0])
        with self._grown:
            if request.longpoll and since >= len(self.rows):
                self._grown.wait(float(request.query["timeout"]) / 1000)
            some = self.rows[since : since + int(request.query["limit"])]
            left = len(self.rows) - since - len(some)
        if request.name == "_changes":
            self.sent.append(len(some))
        last = since + len(some)
        tail = json.dumps({"last_seq": f"{last}-x", "pending": left})[1:]
        body = b'{"results":[\n' + b",\r\n".join(make() for make in some)
        body += b"\n],\n" + tail.replace(": ", ":").replace(", ", ",").encode() + b"\n"
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        return Reply(head + body)


class CountingPeer(PostgRESTPeer):
    """Counts rows and bytes. ``arrived``: when each row came, by its number."""

    def __init__(self):
        super().__init__()
        self.count = self.bytes = 0
        self.longest = 0
        self.arrived = []

    def ingest(self, request):
        line, _, body = request.body.partition(b"\n")
        header = json.loads(line)
        self.arrived += [time.monotonic()] * header["rows"]
        self.count += header["rows"]
        self.bytes += len(body)
        self.longest = max(self.longest, len(body))
        self.headers.append(header)
        request.body = b""
        if header["last_seq"] is not None:
            self.seq, self.pending = header["last_seq"], header["pending"]
        return reply(200, {"rows": header["rows"], "written": 0, "quarantined": 0})


@pytest.fixture
def couchdb():
    with FeedPeer() as peer:
        yield peer


@pytest.fixture
def postgrest():
    with CountingPeer() as peer:
        yield peer
