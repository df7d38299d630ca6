# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CHT's rate limiter: refused tries, counted by client address, by user and by password."""

from __future__ import annotations

import threading
import time


class Limiter:
    """So many `points` within `seconds`, which begin with the first refusal of a key."""

    def __init__(self, points: int = 10, seconds: float = 10.0) -> None:
        self.points, self.seconds = points, seconds
        self._lock = threading.Lock()
        self._counted: dict[str, tuple[float, int]] = {}

    def is_limited(self, keys: list[str]) -> bool:
        with self._lock:
            return any(self._count(key)[1] >= self.points for key in keys)

    def count(self, keys: list[str]) -> None:
        with self._lock:
            for key in keys:
                began, times = self._count(key)
                self._counted[key] = began, times + 1

    def _count(self, key: str) -> tuple[float, int]:
        began, times = self._counted.get(key, (0.0, 0))
        now = time.monotonic()
        return (began, times) if times and now - began < self.seconds else (now, 0)
