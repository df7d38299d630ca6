# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a CouchDB database behind HTTP: what a comparison asks, answered as the recorded CouchDB does."""

from __future__ import annotations

import json

from couch import Couch
from couch_http import Answer, Front, Row


class Feed:
    """A Couch as couch_http serves it."""

    def __init__(self, couch: Couch):
        self.couch = couch

    def read(self, since: str, limit: int) -> tuple[list[Row], str, int]:
        if since != "0" and "-" not in since:
            raise KeyError(since)
        changes = self.couch.changes(since)
        rows = changes[:limit]
        return [_row(change) for change in rows], rows[-1].seq if rows else since, len(changes) - len(rows)

    def count(self) -> int:
        return self.couch.count()


def _row(change) -> Row:
    head = f'{{"seq":"{change.seq}"'
    return Row(change.seq, change.row()[len(head) :].encode())


class CouchServer(Front):
    """Serves `couch` as database `medic` to whoever has the password `p`. `order` sorts ids as `_all_docs` lists them.

    `before` is called with the kind of each request (list, states, documents) before it is answered; `statuses` are the answers to
    the next ones, in place of the real one.
    """

    def __init__(self, couch: Couch, order=lambda id_: id_.encode("utf-8", "surrogatepass")):
        super().__init__(Feed(couch))
        self.couch, self.order = couch, order
        self.credentials = "Basic dTpw"  # u:p
        self.before = lambda kind: None
        self.statuses: list[int] = []
        self.asked: list[tuple[str, object]] = []

    def answer(self, method: str, path: list[str], query: dict[str, str], content: bytes) -> Answer:
        if path == ["medic", "_all_docs"]:
            kind, asked = "list", json.loads(query["startkey"])
        elif path == ["medic", "_changes"] and query["filter"] == "_doc_ids":
            kind, asked = "documents" if "include_docs" in query else "states", json.loads(content)["doc_ids"]
        else:
            return super().answer(method, path, query, content)
        self.asked.append((kind, asked))
        self.before(kind)
        if self.statuses:
            return Answer(self.statuses.pop(0), {"error": "x"})
        if kind == "list":
            last = json.loads(query.get("endkey", "null"))
            return Answer(200, json.dumps(self._listed(asked, last, int(query.get("limit", 1 << 60)))).encode())
        changes = [change for change in self.couch.changes(None) if change.id in set(asked)]
        rows = ",\r\n".join(change.row() if kind == "documents" else _without_document(change) for change in changes)
        return Answer(200, ('{"results":[\n' + rows + '\n],\n"last_seq":"9-x","pending":7}\n').encode())

    def _listed(self, first: str, last: str | None, limit: int) -> dict:
        live = sorted((c for c in self.couch.changes(None) if not c.deleted), key=lambda c: self.order(c.id))
        some = [c for c in live if self.order(c.id) >= self.order(first) and (last is None or self.order(c.id) <= self.order(last))][:limit]
        rows = [{"id": c.id, "key": c.id, "value": {"rev": c.rev}} for c in some]
        return {"total_rows": len(live), "offset": 0, "rows": rows}


def _without_document(change) -> str:
    row = {"seq": change.seq, "id": change.id, "changes": [{"rev": change.rev}], **({"deleted": True} if change.deleted else {})}
    return json.dumps(row)
