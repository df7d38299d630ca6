# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of a CouchDB database, and its changes as either engine writes them into a call."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, replace
from itertools import islice
from random import Random


@dataclass(frozen=True)
class Change:
    """What a document is since its last change. `rev` is None where the event does not tell it; `poison`: what is
    told of it holds a number that jsonb refuses.
    """

    number: int
    id: str
    rev: str | None
    deleted: bool
    body: dict
    poison: bool = False

    @property
    def seq(self) -> str:
        return f"{self.number}-g1AAAACbeJzLYWBg"

    @property
    def doc(self) -> dict:
        return {"_id": self.id, "_rev": self.rev, **self.body, **({"_deleted": True} if self.deleted else {})}

    @property
    def text(self) -> str:
        """The document as CouchDB writes it."""
        text = _json(self.doc)
        return f'{text[:-1]},"poison":1e400000}}' if self.poison else text

    def row(self) -> str:
        """As CouchDB writes it into a page; a part of them with a conflict's other revision."""
        deleted = '"deleted":true,' if self.deleted else ""
        rival = ',{"rev":"1-00"}' if self.number % 8 == 0 else ""
        return f'{{"seq":"{self.seq}","id":{_json(self.id)},"changes":[{{"rev":"{self.rev}"}}{rival}],{deleted}"doc":{self.text}}}'

    def event(self, order: Random) -> str:
        """As Logstash writes it: members in any order, of a tombstone no document."""
        members = [
            f'"deleted":{_json(self.deleted)}',
            f'"doc":{"null" if self.deleted else self.text}',
            f'"id":{_json(self.id)}',
            f'"seq":{_json(self.seq)}',
        ]
        order.shuffle(members)
        return "{" + ",".join(members) + "}"

    def as_told_by_an_event(self) -> Change:
        return replace(self, rev=None, poison=False) if self.deleted else self


class Couch:
    """One database. A document stands once in its changes, where it last changed."""

    def __init__(self):
        self._lock = threading.Lock()
        self._changes: dict[str, Change] = {}
        self._number = 0
        self.past: dict[str, list[Change]] = {}

    def put(self, id_: str, body: dict, deleted: bool = False, generation: int | None = None, poison: bool = False) -> None:
        """Another revision of `id_` wins: an edit, a deletion, or a conflict's other branch of any `generation`."""
        with self._lock:
            self._number += 1
            before = self._changes.pop(id_, None)
            if before:
                self.past.setdefault(id_, []).append(before)
            if generation is None:
                generation = 1 + (int(before.rev.split("-")[0]) if before else 0)
            # As in CouchDB, where one revision has one content, also of two documents.
            rev = f"{generation}-{hashlib.md5(repr((body, deleted, poison)).encode('utf-8', 'surrogatepass')).hexdigest()}"
            self._changes[id_] = Change(self._number, id_, rev, deleted, body, poison)

    def restore(self, share: float) -> None:
        """Goes back to what it was after that share of its changes, as from a backup; positions are given out again."""
        with self._lock:
            self._number = round(share * self._number)
            histories = {id_: [*self.past.get(id_, []), change] for id_, change in self._changes.items()}
            kept = {id_: [change for change in history if change.number <= self._number] for id_, history in histories.items()}
            self.past = {id_: history[:-1] for id_, history in kept.items() if history[:-1]}
            last = sorted((history[-1] for history in kept.values() if history), key=lambda change: change.number)
            self._changes = {change.id: change for change in last}

    def purge(self, id_: str) -> None:
        """Forgets a document without a trace in the changes."""
        with self._lock:
            del self._changes[id_]

    def changes(self, since: str | None, limit: int | None = None) -> list[Change]:
        after = int(since.split("-")[0]) if since else 0
        with self._lock:
            return list(islice((change for change in self._changes.values() if change.number > after), limit))

    def count(self) -> int:
        """As CouchDB counts: without deleted documents, with design documents."""
        return sum(not change.deleted for change in self.changes(None))

    def __len__(self) -> int:
        return len(self._changes)


def _json(value) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        text.encode()
        return text
    except UnicodeEncodeError:  # a lone surrogate can only stand as an escape
        return json.dumps(value, separators=(",", ":"))
