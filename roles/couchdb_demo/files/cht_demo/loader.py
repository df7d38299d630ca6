# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an instance into CouchDB, once; an interrupted load is completed by the next."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Callable, Dict, Iterable, Iterator, List, Optional

from cht_demo.couch import Couch, CouchError
from cht_demo.instance import DATABASES, DEFAULT_SEED, DEFAULT_SIZE, EDIT_ROUNDS, Instance, encode, generate
from cht_demo.model import Document
from cht_demo.version import GENERATOR_VERSION

MARKER = "cht-demo"
LOADING, LOADED = "loading", "loaded"
BATCH_DOCUMENTS = 500
BATCH_BYTES = 4 * 1024 * 1024
# pouchdb-server lets everybody read a database without members, whatever require_valid_user says.
SECURITY: Document = {"admins": {"names": [], "roles": ["_admin"]}, "members": {"names": [], "roles": ["_admin"]}}


class LoadResult:
    """What a load did: `documents` is the number of documents it created."""

    def __init__(self) -> None:
        self.documents = 0
        self.edits = 0
        self.deletions = 0
        self.databases = 0

    @property
    def changed(self) -> bool:
        """False when everything was there already."""
        return bool(self.documents or self.edits or self.deletions or self.databases)


class Loader:
    """Loads into one CouchDB.

    A marker in each database (a `_local` document: not in `_changes`, never replicated) says with which
    parameters a load was begun and whether it was finished. A database that holds documents but no
    marker is somebody else's and is refused.
    """

    def __init__(self, couch: Couch, say: Callable[[str], None] = print) -> None:
        self.couch = couch
        self.say = say

    def load(self, size: Optional[int] = None, seed: Optional[str] = None, today: Optional[date] = None) -> LoadResult:
        """Load all databases; a finished one is left alone, a begun one is finished as it was begun."""
        result = LoadResult()
        markers = {database: self._marker(database) for database in DATABASES}
        unfinished = [database for database in DATABASES if _state(markers[database]) != LOADED]
        if not unfinished:
            self.say("already loaded")
            return result
        instance = self._instance(markers, size, seed, today)
        for database in unfinished:
            fresh = self._prepare(database, markers[database], instance, result)
            self._load_database(database, instance, fresh, result)
            self._mark(database, LOADED, instance)
            result.databases += 1
        return result

    def _marker(self, database: str) -> Optional[Document]:
        info = self.couch.database_info(database)
        if info is None:
            return None
        marker = self.couch.local(database, MARKER)
        if marker is None and (info.get("doc_count") or info.get("doc_del_count")):
            raise CouchError(f"database {database} at {self.couch.url} holds documents that are not the demo's: "
                             "give the demo a CouchDB of its own, or delete that database if it may go")
        return marker

    def _instance(self, markers: Dict[str, Optional[Document]], size: Optional[int], seed: Optional[str],
                  today: Optional[date]) -> Instance:
        """The instance to load: the one begun earlier if there is one."""
        begun = next((marker for marker in markers.values() if marker), None)
        if begun is None:
            return generate(size or DEFAULT_SIZE, seed or DEFAULT_SEED, today or datetime.now(timezone.utc).date())
        if begun.get("generator") != GENERATOR_VERSION:
            raise CouchError("a load was begun by another version of the demo: delete the databases "
                             f"{', '.join(DATABASES)} and load again")
        self.say(f"completing the load begun with --size {begun['size']} --seed {begun['seed']} --today {begun['today']}")
        return generate(begun["size"], begun["seed"], date.fromisoformat(begun["today"]))

    def _prepare(self, database: str, marker: Optional[Document], instance: Instance, result: LoadResult) -> bool:
        """Create, close to the public and mark a database; True when nothing can be in it yet."""
        if marker is None and self.couch.database_info(database) is None:
            self.couch.create_database(database)
            result.databases += 1
        if self.couch.security(database) != SECURITY:
            self.couch.set_security(database, SECURITY)
        if marker is None:
            self._mark(database, LOADING, instance)
        return marker is None

    def _mark(self, database: str, state: str, instance: Instance) -> None:
        self.couch.put_local(database, MARKER, {
            "state": state, "size": instance.size, "seed": instance.seed, "today": instance.today.isoformat(),
            "generator": GENERATOR_VERSION})

    def _load_database(self, database: str, instance: Instance, fresh: bool, result: LoadResult) -> None:
        created = edited = deleted = 0
        for batch in batches(instance.documents(database)):
            created += self.couch.bulk(database, batch if fresh else self._absent(database, batch)).written
        for number in range(1, EDIT_ROUNDS + 1):
            for batch in batches(instance.edits(database, number)):
                edited += self._edit(database, batch, number)
        for batch in batches({"_id": doc_id} for doc_id in instance.deletions(database)):
            deleted += self._delete(database, batch)
        self.say(f"{database}: {created} documents, {edited} edits, {deleted} deletions written")
        result.documents += created
        result.edits += edited
        result.deletions += deleted

    def _absent(self, database: str, batch: List[Document]) -> List[Document]:
        """Those never written: a plain write would bring a deleted document back to life."""
        known = self.couch.revisions(database, [document["_id"] for document in batch])
        return [document for document in batch if document["_id"] not in known]

    def _edit(self, database: str, batch: List[Document], number: int) -> int:
        """Write edit `number` where it is the next one; a document written more often has had it."""
        known = self.couch.revisions(database, [document["_id"] for document in batch])
        due = []
        for document in batch:
            revision = known.get(document["_id"])
            if revision is not None and not revision.deleted and revision.generation == number:
                due.append(dict(document, _rev=revision.rev))
        return self._write_all(database, due)

    def _delete(self, database: str, batch: List[Document]) -> int:
        known = self.couch.revisions(database, [document["_id"] for document in batch])
        due = [{"_id": doc_id, "_rev": revision.rev, "_deleted": True}
               for doc_id, revision in known.items() if not revision.deleted]
        return self._write_all(database, due)

    def _write_all(self, database: str, documents: List[Document]) -> int:
        if not documents:
            return 0
        outcome = self.couch.bulk(database, documents)
        if outcome.conflicts:
            raise CouchError(f"{len(outcome.conflicts)} documents of {database} were changed by another writer during the load: "
                             "stop it and run the load again")
        return outcome.written


def batches(documents: Iterable[Document]) -> Iterator[List[Document]]:
    """Lists bounded by number and by bytes."""
    batch: List[Document] = []
    size = 0
    for document in documents:
        length = len(encode(document))
        if batch and (len(batch) == BATCH_DOCUMENTS or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += length
    if batch:
        yield batch


def _state(marker: Optional[Document]) -> str:
    return marker["state"] if marker else ""
