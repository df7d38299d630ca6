# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing one source with the warehouse, both of which may change meanwhile."""

from __future__ import annotations

import logging
import time
from random import Random
from typing import Dict, Iterable, Iterator, Optional, Sequence

from cht_engine.errors import Refused
from cht_relay import compare
from cht_relay.compare import Finding, Row
from cht_relay.listing import Listing
from cht_relay.sample import sample
from cht_relay.warehouse import Warehouse

MOST = 100_000  # findings told; whoever has more wants to read all again
ASKED = 100  # ids a question: for more CouchDB would walk through all of its changes
_SAY_EVERY = 100_000  # documents

log = logging.getLogger(__name__)


class Comparison:
    """One source. ``skipped``: beginnings of ids that are left out on both sides.

    ``there``, ``here``: how many documents were looked at. Methods raise Refused and
    Transient.
    """

    def __init__(
        self,
        source: str,
        listing: Listing,
        warehouse: Warehouse,
        skipped: Sequence[str],
    ) -> None:
        self._source = source
        self._listing = listing
        self._warehouse = warehouse
        self._skipped = ("_design/", *skipped)
        self.there = self.here = 0
        self.apart: Dict[str, Finding] = {}  # for information

    def differences(self, settle: float, sampled: Optional[int]) -> Dict[str, Finding]:
        """What differs, by id; of all, or of about ``sampled`` documents. What
        does so only for ``settle`` seconds is on its way."""
        ids = self._all() if sampled is None else self._sample(sampled)
        found: Dict[str, Finding] = {}
        for finding in self.ask(ids):
            if finding.differs:
                found[finding.id] = finding
            elif len(self.apart) < MOST:
                self.apart[finding.id] = finding
            if len(found) > MOST:
                raise Refused(
                    f"more than {MOST} documents of {self._source} differ. If"
                    " playbooks/status.yml shows that it is being copied, wait for the"
                    f" end; else playbooks/resync.yml -e resync_source={self._source}"
                    " reads it again from the start"
                )
        if found:
            time.sleep(settle)
        return self.still(found)

    def still(self, found: Dict[str, Finding]) -> Dict[str, Finding]:
        """What of ``found`` differs still, but for what the source changed meanwhile."""
        again = list(self.ask(found))
        self.apart.update((f.id, f) for f in again if not f.differs)
        return compare.settled(found, again)

    def ask(self, ids: Iterable[str]) -> Iterator[Finding]:
        """What is to be said of ``ids`` now."""
        for some in compare.batches(ids, ASKED):
            there = self._listing.states(some)
            here = self._warehouse.states(some)
            kept_apart = self._warehouse.kept_apart
            yield from compare.judge(self._source, some, there, here, kept_apart)

    def _all(self) -> Iterator[str]:
        there, here = self._theirs(), self._ours()
        return (i for i in compare.candidates(there, here) if self._wanted(i))

    def _theirs(self) -> Iterator[Row]:
        for row in self._listing.rows():
            self.there += self._wanted(row[0])
            if self.there and self.there % _SAY_EVERY == 0:
                log.info("%s: %d documents compared", self._source, self.there)
            yield row

    def _ours(self) -> Iterator[Row]:
        for row in self._warehouse.rows():
            self.here += self._wanted(row[0])
            yield row

    def _sample(self, count: int) -> Iterator[str]:
        sides = (self._listing.some, self._warehouse.some)
        for id_ in sample(count, sides, Random()):
            if self._wanted(id_):
                self.there += 1
                yield id_

    def _wanted(self, id_: str) -> bool:
        return not id_.startswith(self._skipped)
