# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of a CouchDB database."""

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

    def rows(self) -> Iterator[Row]:
        """Id and revision of every document that is not deleted, in order of ids."""
        first = ""
        while True:
            rows = self._rows(first, self._page)
            yield from (row for row in rows if row[0] != first)
            if len(rows) < self._page:
                return
            if rows[-1][0] == first:
                raise Refused(
                    "CouchDB lists its documents in no order: is this a CouchDB?"
                )
            first = rows[-1][0]

    def some(self, first: str, limit: int) -> List[str]:
        """At most ``limit`` ids from ``first`` on."""
        return [id_ for id_, _rev in self._rows(first, limit)]

    def states(self, ids: Sequence[str]) -> Dict[str, Tuple[str, bool]]:
        """Revision of at most 100 documents, and whether they are deleted."""
        return self._patiently(lambda: self._couchdb.states(ids))

    def changes_of(self, ids: Sequence[str], most_bytes: int) -> Page:
        """The last change of each, with its document; no part of the feed, so without
        a position. Raises TooLong as well."""
        page = self._patiently(
            lambda: pages.cut(self._couchdb.changes_of(ids, most_bytes))
        )
        return replace(page, last_seq=None, pending=None)

    def _rows(self, first: str, limit: int) -> List[Tuple[str, str]]:
        return self._patiently(lambda: self._couchdb.ids(first, limit))
