# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a relay has come: for the journal, and for ``status``."""

from __future__ import annotations

import json
import logging
import os
import time
from collections import deque
from pathlib import Path
from typing import Any, Deque, Dict, List, Optional, Tuple
from urllib.parse import quote

from cht_engine import files

log = logging.getLogger(__name__)

SAY_EVERY = 30.0  # seconds, in the journal
TELL_EVERY = 1.0  # seconds, in the file
_WINDOW = 60.0  # seconds the rate is taken over
_COLUMNS = ("source", "state", "done", "rate/s", "pending", "eta", "told", "problem")


class Progress:
    """What one relay did since it started. ``directory``: where ``status`` looks."""

    def __init__(self, source: str, directory: Optional[str]) -> None:
        self._source = source
        self._path = directory and os.path.join(directory, _file_name(source))
        self._done = 0
        self._pending: Optional[int] = None
        self._marks: Deque[Tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._said = self._told = time.monotonic()
        self._state: Tuple[str, Optional[str]] = ("", None)

    def page(self, rows: int, pending: Optional[int], more: bool) -> None:
        """A page has been written; ``more`` follow for certain."""
        now = time.monotonic()
        self._done += rows
        self._pending = pending
        self._marks.append((now, self._done))
        while len(self._marks) > 2 and self._marks[1][0] < now - _WINDOW:
            self._marks.popleft()
        self._tell("behind" if more else "caught up", None)
        if more and now - self._said >= SAY_EVERY:
            self._said = now
            log.info("%s", _sentence(self._facts()))

    def problem(self, text: str) -> None:
        """Something is being waited for."""
        self._tell("waiting", text)

    def late(self, state: str, text: str) -> None:
        """A call takes long."""
        self._tell(state, text)

    def _facts(self) -> Dict[str, Any]:
        (began, before), (now, done) = self._marks[0], self._marks[-1]
        rate = (done - before) / (now - began) if now > began else 0.0
        eta = self._pending / rate if rate and self._pending is not None else None
        return {
            "source": self._source,
            "state": self._state[0],
            "problem": self._state[1],
            "done": self._done,
            "rate": round(rate, 1),
            "pending": self._pending,
            "eta": None if eta is None else round(eta),
            "told": round(time.time()),
        }

    def _tell(self, state: str, problem: Optional[str]) -> None:
        now, changed = time.monotonic(), (state, problem) != self._state
        self._state = (state, problem)
        if self._path is None or not (changed or now - self._told >= TELL_EVERY):
            return
        self._told = now
        try:
            files.write(self._path, json.dumps(self._facts()))
        except OSError:
            pass  # telling is a courtesy: no reason to stop the work


def table(directory: str) -> str:
    """What each relay told last, a line each."""
    rows: List[Tuple[str, ...]] = [_COLUMNS]
    for path in sorted(Path(directory).glob("source-*.json")):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            rows.append(_row(facts))
        except (OSError, ValueError, KeyError, TypeError):
            rows.append((path.name, "unreadable", *[""] * (len(_COLUMNS) - 2)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _row(facts: Dict[str, Any]) -> Tuple[str, ...]:
    return (
        facts["source"],
        facts["state"],
        str(facts["done"]),
        str(facts["rate"]),
        _pending(facts),
        _duration(facts["eta"]),
        f"{_duration(max(0, round(time.time()) - facts['told']))} ago",
        facts["problem"] or "",
    )


def _sentence(facts: Dict[str, Any]) -> str:
    return (
        f"{facts['done']} changes done, {facts['rate']}/s, pending {_pending(facts)},"
        f" ready in {_duration(facts['eta']) or 'a time not known'}"
    )


def _pending(facts: Dict[str, Any]) -> str:
    return "not reported" if facts["pending"] is None else str(facts["pending"])


def _duration(seconds: Optional[int]) -> str:
    if seconds is None:
        return ""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _file_name(source: str) -> str:
    return f"source-{quote(source, safe='')}.json"
