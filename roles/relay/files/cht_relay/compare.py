# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between a source and the warehouse: pure logic."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

Row = Tuple[str, Optional[str]]  # id and revision of a document that is not deleted

# Differences, in the order they are counted in.
MISSING = "missing"  # live at the source, unknown here
OUTDATED = "outdated"  # live on both sides, of different revisions
UNDELETED = "undeleted"  # live at the source, flagged as deleted here
DELETED = "deleted"  # deleted at the source, live here
VANISHED = "vanished"  # without a trace at the source, live here
DIFFERENCES = (MISSING, OUTDATED, UNDELETED, DELETED, VANISHED)
# For information: the document is not lost, it is kept apart.
COLLISION = "collision"  # the row here belongs to another source
QUARANTINED = "quarantined"  # PostgreSQL could not take it


@dataclass(frozen=True)
class Stored:
    """A row of the warehouse."""

    rev: Optional[str]
    deleted: bool
    source: str


@dataclass(frozen=True)
class Finding:
    """One document that is not the same on both sides. ``there``, ``here``: its
    revision at the source and in the warehouse, None where it is unknown.
    ``why``: the reason of the quarantine, or the owner of the row."""

    kind: str
    id: str
    there: Optional[str]
    here: Optional[str]
    why: Optional[str] = None

    @property
    def differs(self) -> bool:
        """Whether it is more than information."""
        return self.kind in DIFFERENCES


def candidates(there: Iterable[Row], here: Iterable[Row]) -> Iterator[str]:
    """Ids that may differ: all that do, and others too. Both sides should come in the
    same order of ids; the less they do, the more candidates."""
    theirs, ours = iter(there), iter(here)
    their, our = next(theirs, None), next(ours, None)
    while their is not None or our is not None:
        if our is None or (their is not None and their[0] < our[0]):
            assert their is not None
            yield their[0]
            their = next(theirs, None)
        elif their is None or our[0] < their[0]:
            yield our[0]
            our = next(ours, None)
        else:
            if their[1] != our[1]:
                yield our[0]
            their, our = next(theirs, None), next(ours, None)


def batches(ids: Iterable[str], size: int) -> Iterator[List[str]]:
    """The ids in lists of at most ``size``."""
    rest = iter(ids)
    while True:
        some = list(islice(rest, size))
        if not some:
            return
        yield some


def judge(
    source: str,
    ids: Iterable[str],
    there: Mapping[str, Tuple[str, bool]],
    here: Mapping[str, Stored],
    kept_apart: Callable[[List[str]], Mapping[str, str]],
) -> Iterator[Finding]:
    """What is to be said of ``ids``, with all that both sides know of them: revision
    and whether it is deleted. ``kept_apart``: the reasons of those in quarantine."""
    found = [_judged(source, id_, there.get(id_), here.get(id_)) for id_ in ids]
    behind = (MISSING, OUTDATED, UNDELETED)
    asked = [f.id for f in found if f is not None and f.kind in behind]
    reasons = kept_apart(asked) if asked else {}
    for finding in found:
        if finding is None:
            continue
        if finding.kind in behind and finding.id in reasons:
            yield Finding(
                QUARANTINED,
                finding.id,
                finding.there,
                finding.here,
                reasons[finding.id],
            )
        else:
            yield finding


def _judged(
    source: str, id_: str, there: Optional[Tuple[str, bool]], here: Optional[Stored]
) -> Optional[Finding]:
    rev, deleted = there if there is not None else (None, False)
    live = there is not None and not deleted
    if here is not None and here.source != source:
        return Finding(COLLISION, id_, rev, here.rev, here.source) if live else None
    held = here is not None and not here.deleted
    stored = None if here is None else here.rev
    if live and here is None:
        return Finding(MISSING, id_, rev, None)
    if live and not held:
        return Finding(UNDELETED, id_, rev, stored)
    if live and rev != stored:
        return Finding(OUTDATED, id_, rev, stored)
    if held and deleted:
        return Finding(DELETED, id_, rev, stored)
    if held and there is None:
        return Finding(VANISHED, id_, None, stored)
    return None


def settled(
    before: Mapping[str, Finding], after: Iterable[Finding]
) -> Dict[str, Finding]:
    """What differed before and differs still, while the source stayed as it was: what
    the source changed meanwhile is on its way."""
    return {f.id: f for f in after if f.differs and f.there == before[f.id].there}


def counts(findings: Iterable[Finding]) -> str:
    """How many there are of each kind, in words."""
    number = Counter(finding.kind for finding in findings)
    kinds = (*DIFFERENCES, COLLISION, QUARANTINED)
    return ", ".join(f"{number[kind]} {kind}" for kind in kinds if number[kind])
