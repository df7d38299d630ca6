# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source that makes up its rows, for documents and numbers of them that no recording holds. And a target that keeps no bodies."""

import json
import time

import pytest
from couch_http import Front, Lengths
from engine_peers import PostgRESTPeer, reply


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
    with Front(Lengths([])) as front:
        yield front


@pytest.fixture
def postgrest():
    with CountingPeer() as peer:
        yield peer
