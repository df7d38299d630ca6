# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being asked to end."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import Any, Iterator, List, Optional

# Seconds after which a process asked to end is gone, whatever it is doing.
LAST_RESORT = 1.5


class Stopped(BaseException):
    """The process was asked to end. Not an Exception: nothing on the way may take it
    for a failure. Safe at any point, since the position is in the database."""


def on_signals(
    stop: Optional[threading.Event] = None, last_resort: float = LAST_RESORT
) -> None:
    """Make SIGTERM and SIGINT end the main thread where it is, even in a read."""

    def end(_signum: int, _frame: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # once is enough
        if stop is not None:
            stop.set()
        # An exception raised in a finalizer is lost: then this ends the process.
        net = threading.Timer(last_resort, os._exit, (0,))
        net.daemon = True
        net.start()
        raise Stopped

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


@contextmanager
def held() -> Iterator[None]:
    """Put a signal that comes meanwhile off until the end."""
    came: List[int] = []
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(n, lambda number, _frame: came.append(number)) for n in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
