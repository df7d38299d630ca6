# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching in a thread of its own, so that the next page comes while one is written."""

from __future__ import annotations

import threading
import time
from typing import Callable, Generic, Optional, TypeVar

from cht_engine.notify import SLACK

T = TypeVar("T")

LOOK_EVERY = 0.5  # seconds, while something is waited for


class _Dropped(BaseException):
    """Nobody waits any longer for what is being fetched."""


class Ahead(Generic[T]):
    """Does one piece of work at a time in a thread; the caller fetches the outcome.

    The thread is a daemon: however long a read takes, it keeps no process from ending.
    """

    def __init__(self) -> None:
        self._closed = False
        self._done = threading.Event()
        self._outcome: Optional[T] = None
        self._error: Optional[BaseException] = None
        self._alive_until = 0.0

    def ask(self, work: Callable[[], T]) -> None:
        """Begin with ``work``; what was asked before must have been taken."""
        self._done.clear()
        self._outcome = self._error = None
        self.expect(0)
        name = "fetch"
        threading.Thread(target=self._run, args=(work,), name=name, daemon=True).start()

    def take(self, waiting: Callable[[], None]) -> T:
        """What the work came to: its value, or the exception it raised.

        ``waiting`` is called again and again until then, as long as the work keeps
        its promises; it may raise.
        """
        while not self._done.wait(LOOK_EVERY):
            if time.monotonic() < self._alive_until:
                waiting()
        outcome, error = self._outcome, self._error
        self._outcome = self._error = None  # a page is megabytes: keep no second hold
        if error is not None:
            raise error
        return outcome  # type: ignore[return-value]

    def expect(self, seconds: float) -> None:
        """For the work to call: it will call this again within so many seconds."""
        if self._closed:
            raise _Dropped
        self._alive_until = time.monotonic() + seconds + SLACK

    def close(self) -> None:
        """Throw away what was asked for; the thread ends at its next sign of life."""
        self._closed = True
        self._outcome = None

    def _run(self, work: Callable[[], T]) -> None:
        try:
            outcome = work()
            if not self._closed:
                self._outcome = outcome
        except BaseException as error:  # pylint: disable=broad-except
            self._error = error  # for the caller to meet
        self._done.set()
