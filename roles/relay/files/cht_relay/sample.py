# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of documents: runs of ids that begin at random places."""

from __future__ import annotations

import string
from random import Random
from typing import Callable, Iterator, List, Sequence, Set

RUN = 100  # ids

Some = Callable[[str, int], List[str]]  # at most so many ids from one on

_CHARACTERS = string.digits + string.ascii_letters + "-:_~"
# A place is found by this many steps: one changes a character of an id that is there, so
# that ids of any shape (UUIDs, task~..., telemetry-...) are met, wherever they differ.
_STEPS = 3


def sample(count: int, sides: Sequence[Some], random: Random) -> Iterator[str]:
    """About ``count`` ids of each side, each id once."""
    seen: Set[str] = set()
    for _run in range(-(-count // RUN)):
        for some in sides:
            new = [
                id_ for id_ in _run_of(some, min(count, RUN), random) if id_ not in seen
            ]
            seen.update(new)
            yield from new


def _run_of(some: Some, length: int, random: Random) -> List[str]:
    place = ""
    for _step in range(_STEPS):
        place = place[: random.randrange(len(place) + 1)] + random.choice(_CHARACTERS)
        place = next(iter(some(place, 1) or some("", 1)), "")
    return some(place, length)
