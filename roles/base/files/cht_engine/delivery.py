# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a page in as many calls as it takes."""

from __future__ import annotations

import logging
from collections import deque

from cht_engine.errors import Problem, Refused, TooMuch, Transient, Unanswered
from cht_engine.postgrest import PostgREST
from cht_engine.pages import Page

log = logging.getLogger(__name__)


class Delivery:
    """Remembers how many rows a call may hold: at most ``most_rows``, half as many
    after one that was too much, and slowly more again."""

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._call_rows = most_rows

    def deliver(self, postgrest: PostgREST, lease: str, page: Page) -> None:
        """Write the whole page.

        Raises Unanswered, other Transient, LeaseLost or Refused: parts of it may be
        written then.
        """
        parts = deque(page.split(self._call_rows))
        while parts:
            part = parts.popleft()
            try:
                postgrest.ingest(lease, part.call())
            except TooMuch as problem:
                if part.rows <= 1 and problem.permanent:
                    raise Refused(f"one row alone: {problem}") from None
                if part.rows <= 1:
                    raise Transient(str(problem)) from None
                self._fewer_rows(part, problem)
                parts.extendleft(reversed(part.split(self._call_rows)))
            except Unanswered as problem:
                if part.rows > 1:
                    self._fewer_rows(part, problem)
                raise
        self._call_rows = min(self._most_rows, self._call_rows * 2)

    def _fewer_rows(self, part: Page, problem: Problem) -> None:
        if self._call_rows >= self._most_rows:
            log.warning("%s; sending fewer rows a call", problem)
        self._call_rows = (part.rows + 1) // 2
