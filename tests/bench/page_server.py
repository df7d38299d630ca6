# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source whose rows were made when its documents were written, so that it costs next to nothing: a process of its own,
which prints its address. It knows what the bench asks of a CouchDB, and what couch2pg asks.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from couch_http import Answer, Front, Row  # noqa: E402
from workload import dump  # noqa: E402


class Documents:
    """Documents that come once and stay as they are, in the order they came."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._places: dict[str, int] = {"0": 0}
        self._by_id: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()

    def add(self, document: dict) -> None:
        id_, rev, text = dump(document["_id"]), document["_rev"], dump(document)
        with self._lock:
            number = len(self.rows) + 1
            # As long as those of a CouchDB with 12 shards, and as telling.
            seq = f"{number}-g1{base64.urlsafe_b64encode(hashlib.shake_128(str(number).encode()).digest(192)).decode()}"
            self._places[seq] = number
            self._by_id[document["_id"]] = rev, text
            self.rows.append(Row(seq, f',"id":{id_},"changes":[{{"rev":"{rev}"}}],"doc":{text}}}'.encode()))

    def read(self, since: str, limit: int) -> tuple[list[Row], str, int]:
        start = self._places[since]
        rows = self.rows[start : start + limit]
        return rows, rows[-1].seq if rows else since, len(self.rows) - start - len(rows)

    def count(self) -> int:
        return len(self.rows)

    def chosen(self, ids: list[str], with_doc: bool) -> bytes:
        """What `_all_docs` says of these documents."""
        rows = (
            f'{{"id":{dump(id_)},"key":{dump(id_)},"value":{{"rev":"{rev}"}}' + (f',"doc":{text}}}' if with_doc else "}")
            for id_, (rev, text) in ((id_, self._by_id[id_]) for id_ in ids)
        )
        return (f'{{"total_rows":{len(self.rows)},"rows":[\n' + ",\r\n".join(rows) + "\n]}\n").encode()


class PageServer(Front):
    """One database."""

    database: Documents

    def answer(self, method: str, path: list[str], query: dict[str, str], content: bytes) -> Answer:
        match method, path[1:]:
            case "PUT", []:
                self.database = Documents()
                return Answer(201, {"ok": True})
            case "POST", ["_bulk_docs"]:
                for document in json.loads(content)["docs"]:
                    self.database.add(document)
                return Answer(201, [])
            case "POST", ["_all_docs"]:
                return Answer(200, self.database.chosen(json.loads(content)["keys"], query.get("include_docs") == "true"))
            case "PUT", [id_]:
                rev = f"1-{hashlib.md5(content, usedforsecurity=False).hexdigest()}"
                self.database.add({"_id": id_, "_rev": rev, **json.loads(content)})
                self.changed()
                return Answer(201, {"ok": True, "id": id_, "rev": rev})
            case "DELETE", []:
                return Answer(200, {"ok": True})
        return super().answer(method, path, query, content)


if __name__ == "__main__":
    with PageServer(Documents()) as server:
        print(server.url, flush=True)
        sys.stdin.read()  # ends with who started it
