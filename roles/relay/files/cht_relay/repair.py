# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing documents into the warehouse past the feed: by the relay's contract, but for
the position, which stays."""

from __future__ import annotations

import json
from collections import deque
from typing import Iterable, Iterator, Optional

from cht_engine import pages
from cht_engine.delivery import Delivery
from cht_engine.errors import TooLong, Transient
from cht_engine.pages import Page
from cht_engine.postgrest import PostgREST
from cht_engine.sizing import PageSize
from cht_relay.limits import too_large
from cht_relay.listing import Listing
from cht_relay.patience import patiently


class Repair:
    """Writes to one source, of which it takes the lease. The source's relay must not run.

    Each method raises LeaseLost, Refused or Transient; what was written stays, and may
    be written again.
    """

    def __init__(
        self, listing: Listing, postgrest: PostgREST, size: PageSize, rows: int
    ) -> None:
        self._listing = listing
        self._postgrest = postgrest
        self._size = size
        self._rows = rows
        self._delivery = Delivery(rows)
        self._lease: Optional[str] = None

    def fetch(self, ids: Iterable[str]) -> None:
        """Write the last change of each of ``ids`` that the source has: a document, or
        its deletion."""
        for page in self._pages(ids):
            self._write(page)

    def flag(self, ids: Iterable[str]) -> None:
        """Write ``ids`` as deleted, with no revision: the source knows of none."""
        rows = [_tombstone(id_) for id_ in ids]
        for start in range(0, len(rows), self._rows):
            some = rows[start : start + self._rows]
            self._write(Page(pages.SEPARATOR.join(some), len(some), None, None))

    def _pages(self, ids: Iterable[str]) -> Iterator[Page]:
        rest = deque(ids)
        while rest:
            some = [rest[i] for i in range(min(self._size.rows, len(rest)))]
            try:
                page = self._listing.changes_of(some, self._size.most_bytes)
            except TooLong as problem:
                if self._size.rows == 1:
                    document = f"document {json.dumps(some[0])}"
                    raise too_large(document, self._size.document_bytes) from None
                self._size.given_up(problem.lines)
                continue
            self._size.arrived(page.rows, len(page.body))
            for _id in some:
                rest.popleft()
            if page.rows:
                yield page

    def _write(self, page: Page) -> None:
        """In all tries under a lease of its own: a call that got no answer may be running
        still, and only a new lease makes sure that it writes nothing later."""
        patiently(lambda: self._try(page))

    def _try(self, page: Page) -> None:
        if self._lease is None:
            self._lease = self._postgrest.claim(None).lease
        try:
            self._delivery.deliver(self._postgrest, self._lease, page)
        except Transient:
            self._lease = None
            raise


def _tombstone(id_: str) -> bytes:
    """As CouchDB would write the deletion."""
    row = {
        "seq": None,
        "id": id_,
        "changes": [],
        "deleted": True,
        "doc": {"_id": id_, "_deleted": True},
    }
    return json.dumps(row, separators=(",", ":")).encode("ascii")
