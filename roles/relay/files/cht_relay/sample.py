# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of documents: runs of ids that begin at random places."""

from __future__ import annotations

import string
from random import Random
from typing import Callable, Iterator, List, Sequence, Set

RUN = 100  # ids
_TRIES = 4  # runs for each that would do if none met another

Some = Callable[[str, int], List[str]]  # at most so many ids from one on

_CHARACTERS = sorted(string.digits + string.ascii_lowercase + "-:_~")
# How far ids are told apart: beyond "task~org.couchdb.user:" and the like.
_DEPTH = 32  # characters


def sample(count: int, sides: Sequence[Some], random: Random) -> Iterator[str]:
    """About ``count`` ids, each once; fewer where runs meet one another too often."""
    seen: Set[str] = set()
    for _run in range(_TRIES * -(-count // RUN)):
        if len(seen) >= count:
            return
        for some in sides:
            new = [
                id_ for id_ in _run_of(some, min(count, RUN), random) if id_ not in seen
            ]
            seen.update(new)
            yield from new


def _run_of(some: Some, length: int, random: Random) -> List[str]:
    """From a place that is found character by character: each is drawn, and then read off
    the next id that begins alike. So ids of any shape are met, wherever they differ."""
    place = ""
    for depth in range(_DEPTH):
        met = _met(some, place, random)
        if len(met) <= depth:
            break
        place = met[: depth + 1]
    return some(place, length)


def _met(some: Some, place: str, random: Random) -> str:
    """An id that begins with ``place``, if there is any; empty if there is none at all."""
    beyond = len(_CHARACTERS)
    while beyond:
        beyond = random.randrange(beyond)
        met = some(place + _CHARACTERS[beyond], 1)
        if met and met[0].startswith(place):
            return met[0]
    return next(iter(some(place, 1)), "")
