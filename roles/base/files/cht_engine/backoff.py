# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to wait before the next try."""

from __future__ import annotations

import random

FIRST_PAUSE = 0.2  # seconds
LONGEST_PAUSE = 30.0  # seconds


class Backoff:
    """Pauses between tries: they double up to LONGEST_PAUSE, with jitter."""

    def __init__(self) -> None:
        self._tries = 0

    def next(self, asked: float = 0.0) -> float:
        """Seconds to wait now; at least ``asked`` seconds as far as the limit lets."""
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._tries, 30))
        self._tries += 1
        return max(pause * random.uniform(0.5, 1.0), min(asked, LONGEST_PAUSE))

    def reset(self) -> None:
        """It works again."""
        self._tries = 0
