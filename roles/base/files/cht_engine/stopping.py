# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being asked to end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import Any, Iterator, List, Optional

# Seconds after which a process asked to end is gone, whatever it is doing.
LAST_RESORT = 1.5

_ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(BaseException):
    """The process was asked to end. Not an Exception: nothing on the way may take it
    for a failure. Safe at any point, since the position is in the database."""


def on_signals(
    stop: Optional[threading.Event] = None,
    last_resort: float = LAST_RESORT,
    last_code: int = 0,
) -> None:
    """Make SIGTERM, SIGINT and, unless it is ignored as by nohup, SIGHUP end the main
    thread where it is, even in a read. ``last_code``: the exit code of the last resort.
    """

    def end(_signum: int, _frame: Any) -> None:
        for number in _heard():
            signal.signal(number, signal.SIG_IGN)  # once is enough
        if stop is not None:
            stop.set()
        # Where the exception comes to nothing all the same, this ends the process.
        net = threading.Timer(last_resort, os._exit, (last_code,))
        net.daemon = True
        net.start()
        raise Stopped

    def unraisable(lost: Any) -> None:
        # Python only reports an exception that is raised in a finalizer: so it is raised again, a moment later.
        if not issubclass(lost.exc_type, Stopped):
            sys.__unraisablehook__(lost)
            return
        signal.signal(signal.SIGALRM, _raise)
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    sys.unraisablehook = unraisable
    for number in _heard():
        signal.signal(number, end)


def _raise(_signum: int, _frame: Any) -> None:
    raise Stopped


@contextmanager
def held() -> Iterator[None]:
    """Put a signal that comes meanwhile off until the end."""
    came: List[int] = []
    numbers = _heard()
    before = [signal.signal(n, lambda number, _frame: came.append(number)) for n in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _heard() -> List[signal.Signals]:
    # A shell's `&` ignores SIGINT too, but whoever sends it to this process means it.
    hup = signal.getsignal(signal.SIGHUP)
    return [n for n in _ASKING if n != signal.SIGHUP or hup is not signal.SIG_IGN]
