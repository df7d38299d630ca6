# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that Logstash cannot read: which pipelines stopped at one, over its starts, and
how what it stopped at is carried past it, as the relay carries everything."""

from __future__ import annotations

import time
from typing import Collection, Dict, Optional, Set, Tuple

from cht_engine.couchdb import CouchDB
from cht_engine.delivery import Delivery
from cht_engine.errors import Refused, TooLong
from cht_engine.postgrest import Claim, PostgREST
from cht_engine.sizing import PageSize

# In a row, at one position: once or twice may be a line that a lost connection cut.
TIMES = 3
# Changes carried at a time: more than Logstash has read and not delivered (three batches
# of 125), so that the one it stopped at is among them.
ROWS = 500
AGAIN_AFTER = 3600.0  # seconds; where there was nothing to carry
PAGE_BYTES = 8 << 20
DOCUMENT_BYTES = 64 << 20
_SKIPPED = ("_design/",)  # as cht_event.rb does


class Unreadable:
    """``stuck``: the pipelines to carry for, before the next start."""

    def __init__(self) -> None:
        self.stuck: Set[str] = set()
        self._met: Dict[str, Tuple[Optional[str], int]] = {}
        self._in_vain: Dict[str, float] = {}  # when nothing was found to be carried
        self._halted = False
        self._carried = 0

    def met(self, pipeline: str, position: Optional[str]) -> None:
        """The input could not read the change after ``position``."""
        at, times = self._met.get(pipeline, (position, 0))
        self._met[pipeline] = position, times + 1 if at == position else 1
        tried = self._in_vain.get(pipeline)
        if tried is not None and time.monotonic() - tried < AGAIN_AFTER:
            return
        if self.times(pipeline) >= TIMES:
            self.stuck.add(pipeline)

    def times(self, pipeline: str) -> int:
        """How often it could not, at this position, since the start."""
        return self._met.get(pipeline, (None, 0))[1]

    def holds(self, pipeline: str, position: Optional[str]) -> bool:
        """Whether it could not, and has not come past ``position`` since."""
        return self.times(pipeline) > 0 and self._met[pipeline][0] == position

    def halted(self, pipelines: Collection[str]) -> None:
        """All of it ended, for the sake of one of ``pipelines``, which it does not say."""
        self.stuck.update(pipelines)
        self._halted, self._carried = True, 0

    def carried(self, pipeline: str, count: int) -> None:
        """So many changes were carried past it."""
        if not count and self.times(pipeline) >= TIMES:
            self._in_vain[pipeline] = time.monotonic()
        self.stuck.discard(pipeline)
        self._met.pop(pipeline, None)
        self._carried += count

    def halted_in_vain(self) -> bool:
        """Whether it ended so, and nothing was there to be carried."""
        in_vain = self._halted and not self._carried
        self._halted = False
        return in_vain


def carry(
    couchdb: CouchDB, postgrest: PostgREST, claim: Claim, source: str
) -> Tuple[Optional[str], int]:
    """Deliver the changes after the position of ``claim``, ROWS of them or somewhat more:
    the position after them, and how many they were.

    Raises Refused, LeaseLost or Transient; what was delivered stays.
    """
    size, delivery = PageSize(ROWS, PAGE_BYTES, DOCUMENT_BYTES), Delivery(ROWS)
    seq, count = claim.seq, 0
    couchdb.identity()  # to see whether the account is shown all
    while count < ROWS:
        try:
            found = size.page(couchdb, seq or "0")
        except TooLong:
            raise Refused(
                f"Logstash cannot read a change of {source}, and one there is larger than"
                f" {DOCUMENT_BYTES} bytes: make the document smaller in CouchDB"
            ) from None
        if found is None or not found[0].rows:
            break
        page = found[0]
        delivery.deliver(postgrest, claim.lease, page.without(_SKIPPED))
        seq, count = page.last_seq, count + page.rows
        if page.pending == 0:
            break
    return seq, count
