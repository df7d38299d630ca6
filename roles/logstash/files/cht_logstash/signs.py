# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Logstash is alive. On a busy machine its start takes minutes, and its API answers
late: to end it for that would only make it start again, and again."""

from __future__ import annotations

from typing import Optional

PATIENCE = 180.0  # seconds without a sign of life
# Seconds of processor that show that it works: one that waits for ever uses a little, too.
WORKS = 5.0
# Seconds of processor a start may take until the API answers: it takes 30 to 50. One that
# took more goes round in circles, as with a full heap.
START_TAKES = 300.0


class Signs:
    """What was seen of one start: its API answered, it read changes or, until the API has
    answered once, it said something or used the processor."""

    def __init__(self, now: float) -> None:
        self._last = now
        self._used = 0.0
        self._read: object = None
        self._answered = False

    def answered(self, now: float) -> None:
        """Its API did."""
        self._answered, self._last = True, now

    def said(self, now: float) -> None:
        """It wrote a line. A running one may do so for ever, and do nothing else."""
        if not self._answered:
            self._last = now

    def looked(self, now: float, used: Optional[float], read: object) -> None:
        """It has ``used`` so many seconds of the processor since its start, and has
        ``read`` up to there."""
        if read != self._read:
            self._read, self._last = read, now
        if used is None or self._answered:
            return
        if self._used + WORKS < used < START_TAKES:
            self._used, self._last = used, now

    def silent(self, now: float) -> bool:
        """Whether there was none for too long."""
        return now - self._last > PATIENCE
