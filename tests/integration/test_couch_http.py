# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of kills and benches says what the recorded CouchDB said, byte for byte."""

import http.client
import json
import threading
import time
from urllib.parse import urlsplit

import pytest
import relay_program  # noqa: F401 (puts the recordings on the path)
from couch_http import Front, Row
from engine_recordings import recording

pytestmark = pytest.mark.once

PAGES = ("030", "031")  # those whose chunks were kept


class Recorded:
    """The rows and positions of the recorded pages."""

    def __init__(self):
        self.rows, self.positions = [], {"0": 0}
        for number in PAGES:
            page = json.loads(recording(number).body)
            lines = recording(number).body.split(b"\n],\n")[0].partition(b"[\n")[2].split(b",\r\n")
            self.rows += [Row(page["results"][0]["seq"], b"," + line.partition(b",")[2]) for line in lines]
            self.positions[page["last_seq"]] = len(self.rows)
        self.total = len(self.rows) + page["pending"]

    def read(self, since, limit):
        start = self.positions[since]
        rows = self.rows[start : start + limit]
        end = start + len(rows)
        return rows, next(seq for seq, place in self.positions.items() if place == end), self.total - end

    def count(self):
        return len(self.rows)


@pytest.fixture
def front():
    with Front(Recorded()) as server:
        yield server


def raw(front, query):
    """The body as it came, its chunks' lengths included."""
    connection = http.client.HTTPConnection(urlsplit(front.url).netloc, timeout=10)
    connection.request("GET", f"/medic/_changes?{query}", headers={"Connection": "close"})
    answer = connection.getresponse()
    answer.chunked = False
    return answer.status, answer.fp.read()


@pytest.mark.parametrize("number", PAGES)
def test_a_page(front, number):
    before = PAGES.index(number)
    since = json.loads(recording(PAGES[0]).body)["last_seq"] if before else "0"
    status, body = raw(front, f"include_docs=true&limit=10&seq_interval=10&since={since}")
    assert status == 200 and body == recording(number).raw[len(recording(number).head) :]


def test_a_since_that_is_none(front):
    status, body = raw(front, "since=garbage")
    assert status == 400 and json.loads(body) == json.loads(recording("057").body)


def test_a_longpoll_is_answered_by_a_change(front):
    database = front.database
    last, seq = database.rows.pop(), list(database.positions)[-1]
    database.positions[seq] -= 1
    answers = []
    asking = threading.Thread(target=lambda: answers.append(raw(front, f"feed=longpoll&timeout=10000&since={seq}")), daemon=True)
    began = time.monotonic()
    asking.start()
    while front.since != seq:
        assert time.monotonic() < began + 10
    asking.join(0.2)
    assert not answers, "it was not held back"
    database.rows.append(last)
    database.positions["the-end"] = len(database.rows)
    front.changed()
    asking.join(5)
    assert b'"last_seq":"the-end"' in answers[0][1] and time.monotonic() < began + 5
