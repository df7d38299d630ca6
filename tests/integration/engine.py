# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine as the contract wants it, and a reader of the table as dbt's models are one; each a thread."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from random import Random

import psycopg2
import requests
from calls import page
from couch import Couch
from servers import PostgreSQL, PostgREST

RETRIED = (429, 500, 502, 503, 504)


class Worker(threading.Thread):
    """A thread whose error is raised where it is waited for."""

    def __init__(self):
        super().__init__(daemon=True)
        self.error: BaseException | None = None

    def run(self):
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 (handed on by finish)
            self.error = error

    def check(self):
        """Raises what ended it, if anything did."""
        if self.error:
            raise self.error

    def finish(self, seconds: float):
        self.join(seconds)
        self.check()
        assert not self.is_alive(), f"{type(self).__name__} has not ended within {seconds} s"


class Edits(Worker):
    """Goes on changing documents, deletions among them, while each source is less than `most_behind` changes behind.
    `delivered`: of each source, what tells the seq it has come to. `pick`: which document a change is for, by the number
    of the change. `told` is called after changes.
    """

    def __init__(self, couches: dict[str, Couch], delivered: dict[str, Callable[[], str | None]], complete: threading.Event,
                 pick: Callable[[int], int] = lambda number: number % 4001, told: Callable[[], None] = lambda: None,
                 most_behind: int = 2000):  # fmt: skip
        super().__init__()
        self.couches, self.delivered, self.complete = couches, delivered, complete
        self.pick, self.told, self.most_behind = pick, told, most_behind
        self.number = 0

    def work(self):
        while not self.complete.wait(0.01):
            for name, couch in self.couches.items():
                if len(couch.changes(self.delivered[name](), self.most_behind)) < self.most_behind:
                    for _change in range(200):
                        self.number += 1
                        couch.put(f"{name}:{self.pick(self.number)}", {"number": self.number, "text": "x" * 500}, self.number % 11 == 0)
                    self.told()


class Engine(Worker):
    """Delivers what `couch` holds, until it is told that no more will come. It claims before it resends a call
    without an answer, retries what the contract names, and stops at anything else; `contended`: a lost lease is claimed again.
    """

    def __init__(self, postgrest: PostgREST, source: str, name: str, couch: Couch, complete: threading.Event,
                 form: str = "page", size: int = 500, contended: bool = False, seed: int = 0):  # fmt: skip
        super().__init__()
        self.postgrest, self.source, self.engine, self.couch, self.complete = postgrest, source, name, couch, complete
        self.form, self.size, self.contended, self.order = form, size, contended, Random(seed)
        self.answers: list[tuple[int, str]] = []  # status and SQLSTATE of what did not land
        self.landed = 0
        self.seq = self.lease = None

    def work(self):
        while True:
            complete = self.complete.is_set()  # asked before the changes are
            if not self.lease:
                self.claim()
                continue
            changes = self.couch.changes(self.seq, self.size)
            if not changes:
                if complete:
                    return
                time.sleep(0.005)
            elif self.call("ingest", self.body(changes), **{"X-CHT-Source": self.source, "X-CHT-Lease": self.lease}):
                self.seq = changes[-1].seq
                self.landed += len(changes)

    def went_on(self, landed: int) -> bool:
        """Whether more than so many changes have landed. Raises what stopped it."""
        self.check()
        return self.landed > landed

    def claim(self):
        answer = self.call("claim", {"source": self.source, "engine": self.engine})
        if answer:
            self.seq, self.lease = answer.json()["seq"], answer.json()["lease"]

    def body(self, changes) -> str:
        if self.form == "events":
            return "[" + ",".join(change.event(self.order) for change in changes) + "]"
        return page(*(change.row() for change in changes), last_seq=changes[-1].seq)

    def call(self, function, body, **headers) -> requests.Response | None:
        """The answer if it is 200, None if the call is to be made again."""
        try:
            answer = self.postgrest.post(function, body, **headers)
        except requests.RequestException:
            self.lease = None
            self.answers.append((0, ""))
            time.sleep(0.05)
            return None
        if answer.status_code == 200:
            return answer
        code = answer.json().get("code") or ""
        self.answers.append((answer.status_code, code))
        self.lease = None
        if (answer.status_code, code, answer.json()["message"]) == (400, "", ""):
            # PostgREST 12.0.2 says so where its connection to PostgreSQL broke without a last word (kill -9 of
            # the backend): nothing is wrong with the call, and whether it arrived is unknown.
            return None
        if self.contended and answer.status_code == 409:
            time.sleep(self.order.random() / 100)  # else two processes could take it from one another for ever
            return None
        assert answer.status_code in RETRIED, f"{answer.status_code} {answer.text}"
        time.sleep(0.05)
        return None


class Reader(Worker):
    """Follows the table by `saved_timestamp > last`, a few rows at a time, as incremental models do."""

    def __init__(self, postgresql: PostgreSQL, complete: threading.Event, limit: int = 1000, database: str = "cht_sync"):
        super().__init__()
        self.postgresql, self.complete, self.limit, self.database = postgresql, complete, limit, database
        self.seen: dict[str, tuple] = {}
        self.last = "-infinity"

    def work(self):
        while True:
            complete = self.complete.is_set()
            try:
                connection = self.postgresql.connect(self.database)
                with connection.cursor() as cursor:
                    while self.read(cursor) or not complete:
                        complete = self.complete.is_set()
                return
            except psycopg2.Error:  # the server is being restarted
                time.sleep(0.05)

    def read(self, cursor) -> int:
        cursor.execute(
            "SELECT _id, _rev, _deleted, saved_timestamp FROM v1.couchdb WHERE saved_timestamp > %s ORDER BY saved_timestamp LIMIT %s",
            (self.last, self.limit),
        )
        rows = cursor.fetchall()
        for id_, rev, deleted, stamp in rows:
            assert stamp != self.last, "two rows share a stamp"
            self.seen[id_], self.last = (rev, deleted), stamp
        return len(rows)
