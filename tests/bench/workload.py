# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CHT documents, and the bodies of calls that carry them. Everything is made before a clock runs."""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "roles/couchdb_demo/files"))

# pylint: disable=wrong-import-position
from cht_demo.instance import MEDIC, generate  # noqa: E402


def dump(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def documents(count: int) -> list[dict]:
    """`count` documents of the demo's medic database, mixed, as CouchDB stores them: _id and _rev first."""
    found = generate(size=count * 2 + 4000, seed="bench", today=date(2026, 11, 1)).documents(MEDIC)
    # Without what only api.ingest can take, or leaves out: the reference writes every document.
    found = [document for document in found if not document["_id"].startswith("_design/") and "\\u0000" not in dump(document)]
    # By hash of the id, since the generator gives all places first and all reports last.
    found.sort(key=lambda document: hashlib.sha256(document["_id"].encode()).digest())
    return [{"_id": document["_id"], "_rev": revision(document, 1), **document} for document in found[:count]]


def revision(document: dict, generation: int) -> str:
    return f"{generation}-{hashlib.md5(document['_id'].encode(), usedforsecurity=False).hexdigest()}"


def edited(document: dict, generation: int) -> dict:
    """The document's later revision."""
    return {**document, "_rev": revision(document, generation)}


def copied(document: dict) -> dict:
    """The same document under another id."""
    return {**document, "_id": str(uuid.uuid4())}


def pages(docs: list[dict], size: int) -> list[bytes]:
    """Calls of `size` rows, as CouchDB 3.5 writes them with seq_interval: only the last row of a page has a seq."""
    return [_page(chunk, number) for number, chunk in enumerate(_chunks(docs, size), start=1)]


def _page(docs, number):
    rows = [
        f'{{"seq":null,"id":{dump(doc["_id"])},"changes":[{{"rev":"{doc["_rev"]}"}}],"doc":{dump(doc)}}}' for doc in docs
    ]
    rows[-1] = rows[-1].replace('"seq":null', f'"seq":"{number}-g1AAAAB"', 1)
    header = dump({"last_seq": f"{number}-g1AAAAB", "pending": 0, "rows": len(rows)})
    return (header + "\n" + ",\r\n".join(rows)).encode()


def events(docs: list[dict], size: int) -> list[bytes]:
    """Calls of `size` events, as the Logstash pipeline posts them."""
    return [
        dump([{"id": doc["_id"], "seq": f"{number}-g1AAAAB", "deleted": False, "doc": doc} for doc in chunk]).encode()
        for number, chunk in enumerate(_chunks(docs, size), start=1)
    ]


def copies(docs: list[dict], size: int) -> list[str]:
    """What the reference hands to COPY: one document a line."""
    return ["".join(dump(doc) + "\n" for doc in chunk) for chunk in _chunks(docs, size)]


def _chunks(docs, size):
    return (docs[start : start + size] for start in range(0, len(docs), size))
