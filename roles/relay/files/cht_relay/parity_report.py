# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a comparison tells of one source, line by line: differences begin with their kind,
all else with the source's name and a colon."""

from __future__ import annotations

import json
from typing import Callable, Collection, Dict, List, Optional

from cht_relay.compare import DIFFERENCES, Finding, counts
from cht_relay.comparison import Comparison
from cht_relay.warehouse import Delivered


class Report:
    """``say`` takes a line. ``remedy``: what to do about differences."""

    def __init__(self, source: str, say: Callable[[str], None], remedy: str) -> None:
        self._source = source
        self._say = say
        self._remedy = remedy

    def state(self, delivered: Delivered, left_stopped: bool) -> None:
        """What may explain differences, before they are told."""
        if not delivered.begun:
            self._line("note: it is about to be read from the start")
        elif delivered.pending:
            self._line(f"note: {delivered.pending} changes are still to come")
        if left_stopped:
            self._line(
                "note: its relay does not run, since a repair is going on or was killed:"
                " --repair again, or start the relay"
            )

    def compared(
        self, found: Dict[str, Finding], by: Comparison, sampled: Optional[int]
    ) -> None:
        """What was ``found``, and what is kept apart."""
        apart = [finding for finding in by.apart.values() if finding.id not in found]
        self._findings([*found.values(), *apart])
        if sampled is None:
            looked = f"{by.there} documents in CouchDB, {by.here} in PostgreSQL"
        else:
            looked = f"of a sample of {by.there} documents; it says nothing of others"
        kept = f"; kept apart: {counts(apart)}" if apart else ""
        self._line(f"{counts(found.values()) or 'nothing differs'} ({looked}){kept}")
        if found:
            self._line(self._remedy)

    def repaired(
        self, found: Dict[str, Finding], left: Dict[str, Finding], by: Comparison
    ) -> None:
        """What of ``found`` is ``left``."""
        if not found:
            return
        self._findings(left.values())
        apart = [by.apart[id_] for id_ in found if id_ in by.apart and id_ not in left]
        cured = len(found) - len(left) - len(apart)
        rest = counts([*left.values(), *apart])
        self._line(f"{cured} of {len(found)} cured" + (f", {rest}" if rest else ""))

    def _findings(self, findings: Collection[Finding]) -> None:
        order = {kind: place for place, kind in enumerate(DIFFERENCES)}
        for finding in sorted(findings, key=lambda f: order.get(f.kind, len(order))):
            words: List[str] = [
                finding.kind,
                self._source,
                finding.id if finding.id.isprintable() else json.dumps(finding.id),
                f"couchdb={finding.there or 'none'}",
                f"postgresql={finding.here or 'none'}",
            ]
            if finding.why:
                words.append(f"({finding.why})")
            self._say(" ".join(words))

    def _line(self, text: str) -> None:
        self._say(f"{self._source}: {text}")
