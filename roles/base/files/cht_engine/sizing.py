# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many rows to ask for, so that a page has the wanted length."""

from __future__ import annotations

from typing import Optional, Tuple

from cht_engine import pages
from cht_engine.couchdb import CouchDB
from cht_engine.errors import TooLong
from cht_engine.pages import Page

FIRST_ROWS = 64  # before any document was seen
_ROW_OVERHEAD = 4096  # bytes around a document: seq, id, revisions, the page itself


class PageSize:
    """Follows the length of the documents: ``rows`` to ask for, and ``most_bytes``
    after which a page is given up."""

    def __init__(self, page_rows: int, page_bytes: int, document_bytes: int) -> None:
        self._page_rows = page_rows
        self._page_bytes = page_bytes
        self.document_bytes = document_bytes
        self.rows = min(page_rows, FIRST_ROWS)

    @property
    def most_bytes(self) -> int:
        """A page of one row cannot be made shorter: then the row's own limit holds."""
        if self.rows == 1:
            return self.document_bytes + _ROW_OVERHEAD
        return self._page_bytes + self._page_bytes // 4

    def arrived(self, rows: int, length: int) -> None:
        """A page of so many rows and bytes has come. Shrinks at once, grows slowly."""
        if rows:
            fitting = self._page_bytes * rows // length
            self.rows = max(1, min(fitting, self.rows * 2, self._page_rows))

    def given_up(self, lines: int) -> None:
        """A page got too long after about so many rows."""
        self.rows = max(1, min(self.rows // 2, lines // 2))

    def worth_waiting(self, length: int) -> bool:
        """Whether a page is so long that the next one had better not come beside it."""
        return length > 2 * self._page_bytes

    def page(
        self, couchdb: CouchDB, since: str, longpoll: bool = False
    ) -> Optional[Tuple[Page, int]]:
        """The page of changes after ``since``, and for how many rows it was asked. None
        after a longpoll without an end.

        Raises Transient or Refused; TooLong where one row alone is.
        """
        while True:
            rows = self.rows
            try:
                data = couchdb.changes(since, rows, longpoll, self.most_bytes)
            except TooLong as problem:
                if rows == 1:
                    raise
                self.given_up(problem.lines)
                continue
            if data is None:
                return None
            page = pages.cut(data)
            if page.pending is None and couchdb.names_pending:
                raise couchdb.part()
            self.arrived(page.rows, len(data))
            return page, rows
