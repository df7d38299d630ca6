# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of PostgREST, which somebody else watches: who makes one cannot say that it hangs."""

from __future__ import annotations

import threading
import time
from typing import Callable, Optional, TypeVar

T = TypeVar("T")

SLOW = 5.0  # seconds without an answer


class Calls:
    """One piece of work at a time, of one call or several.

    ``say`` gets, in another thread, the words for a call that takes longer than SLOW, and
    whether they are news: the call before it did not do the same.
    """

    def __init__(self, say: Callable[[str, bool], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._doing = ""
        self._watch: Optional[threading.Timer] = None  # of the call on its way
        self._slow = ""  # what the last call did, if it was slow
        self._is_slow = False  # this one

    def make(self, doing: str, work: Callable[[], T]) -> T:
        """What ``work`` comes to. Nothing is said of its calls any more after that."""
        self._doing = doing
        try:
            return work()
        finally:
            self._ended()

    def begun(self) -> None:
        """For who makes a call to say so before."""
        self._ended()
        self._watch = threading.Timer(SLOW, self._late, [time.localtime()])
        self._watch.daemon = True
        self._watch.start()

    def _ended(self) -> None:
        watch = self._watch
        if watch is None:
            return
        watch.cancel()
        with self._lock:
            self._watch = None
        if not self._is_slow:
            self._slow = ""
        self._is_slow = False

    def _late(self, began: time.struct_time) -> None:
        with self._lock:
            if self._watch is not threading.current_thread():
                return  # answered at the last moment
            news = self._slow != self._doing
            self._slow, self._is_slow = self._doing, True
            since = time.strftime("%Y-%m-%d %H:%M:%S %Z", began)
            self._say(f"{self._doing} since {since}", news)
