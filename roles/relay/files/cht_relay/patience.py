# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trying again what passes by itself, but not for ever: somebody waits for the answer."""

from __future__ import annotations

import logging
import time
from typing import Callable, TypeVar

from cht_engine.backoff import Backoff
from cht_engine.errors import Transient

T = TypeVar("T")

LONGEST = 120.0  # seconds of pauses

log = logging.getLogger(__name__)


def patiently(work: Callable[[], T]) -> T:
    """What ``work`` comes to. It is done again after a Transient, with growing pauses;
    after LONGEST seconds of them the Transient is raised."""
    backoff = Backoff()
    waited = 0.0
    while True:
        try:
            return work()
        except Transient as problem:
            pause = backoff.next(problem.retry_after)
            if waited + pause > LONGEST:
                raise
            log.warning("%s; next try in %.1f s", problem, pause)
            waited += pause
        time.sleep(pause)
