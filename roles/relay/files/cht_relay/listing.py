# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of a CouchDB database as PostgreSQL names them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

from cht_engine import pages
from cht_engine.couchdb import CouchDB
from cht_engine.errors import Refused
from cht_engine.pages import Page
from cht_relay.compare import Row

PAGE = 2000  # rows; a row is about 150 bytes


class Listing:
    """Ids, revisions and changes of one database. ``patiently`` does the work it is
    given, again after what passes by itself.

    PostgreSQL holds no NUL and no half of a surrogate pair: an id that has one is
    stored without it. Such ids, hardly ever any, are kept in memory once seen.

    Each method raises Refused or Transient.
    """

    def __init__(
        self,
        couchdb: CouchDB,
        patiently: Callable[[Callable[[], Any]], Any],
        page: int = PAGE,
    ) -> None:
        self._couchdb = couchdb
        self._patiently = patiently
        self._page = page
        self._raw: Dict[str, str] = {}

    def rows(self) -> Iterator[Row]:
        """Id and revision of every document that is not deleted, in order of ids."""
        first = ""
        while True:
            rows = self._rows(first, self._page)
            yield from ((self._stored(i), rev) for i, rev in rows if i != first)
            if len(rows) < self._page:
                return
            if rows[-1][0] == first:
                raise Refused(
                    "CouchDB lists its documents in no order: is this a CouchDB?"
                )
            first = rows[-1][0]

    def some(self, first: str, limit: int) -> List[str]:
        """At most ``limit`` ids from ``first`` on."""
        return [self._stored(id_) for id_, _rev in self._rows(first, limit)]

    def states(self, ids: Sequence[str]) -> Dict[str, Tuple[str, bool]]:
        """Revision of at most 100 documents, and whether they are deleted."""
        raw = self._as_told(ids)
        found = self._patiently(lambda: self._couchdb.states(raw))
        return {ours: found[theirs] for ours, theirs in zip(ids, raw) if theirs in found}

    def changes_of(self, ids: Sequence[str], most_bytes: int) -> Page:
        """The last change of each, with its document; no part of the feed, so without
        a position. Raises TooLong as well."""
        raw = self._as_told(ids)
        page = self._patiently(
            lambda: pages.cut(self._couchdb.changes_of(raw, most_bytes))
        )
        return replace(page, last_seq=None, pending=None)

    def _as_told(self, ids: Sequence[str]) -> List[str]:
        return [self._raw.get(id_, id_) for id_ in ids]

    def _rows(self, first: str, limit: int) -> List[Tuple[str, str]]:
        return self._patiently(lambda: self._couchdb.ids(first, limit))

    def _stored(self, raw: str) -> str:
        if raw.isprintable():
            return raw
        stored = stored_id(raw)
        if stored != raw:
            self._raw[stored] = raw
        return stored


def stored_id(raw: str) -> str:
    """An id as the warehouse holds it: without NULs, and U+FFFD for lone surrogates."""
    units = raw.replace("\0", "").encode("utf-16-le", "surrogatepass")
    return units.decode("utf-16-le", "replace")
