# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that are shared fairly: nobody has more than a share of them at once, and whose turn it is goes round."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class FairPool:
    """`threads` threads, of which one key has at most `share` at a time. What is above that waits, and holds none."""

    def __init__(self, threads: int, share: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads)
        self._free = threads
        self._share = share
        self._running: Counter[Hashable] = Counter()
        self._waiting: OrderedDict[Hashable, deque[tuple[Future, Callable, tuple]]] = OrderedDict()
        self._lock = threading.Lock()

    def submit(self, key: Hashable, call: Callable, *arguments: Any) -> Future:
        """Calls it when the turn of `key` comes."""
        future: Future = Future()
        with self._lock:
            self._waiting.setdefault(key, deque()).append((future, call, arguments))
            self._start()
        return future

    def shutdown(self) -> None:
        """Takes nothing more; what runs goes on."""
        self._pool.shutdown(wait=False)

    def _start(self) -> None:
        while self._free:
            key = next((key for key in self._waiting if self._running[key] < self._share), None)
            if key is None:
                return
            job = self._waiting[key].popleft()
            if self._waiting[key]:
                self._waiting.move_to_end(key)
            else:
                del self._waiting[key]
            self._free -= 1
            self._running[key] += 1
            self._pool.submit(self._run, key, *job)

    def _run(self, key: Hashable, future: Future, call: Callable, arguments: tuple) -> None:
        outcome, error = None, None
        try:
            outcome = call(*arguments)
        except BaseException as raised:  # pylint: disable=broad-except  # who asks for the result gets it
            error = raised
        with self._lock:
            self._free += 1
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
            self._start()
        if error is None:
            future.set_result(outcome)
        else:
            future.set_exception(error)
