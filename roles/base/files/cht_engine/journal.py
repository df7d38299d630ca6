# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines as the journal likes them."""

from __future__ import annotations

import logging
import os
import sys
import traceback

_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


class _Line(logging.Formatter):
    """One record, one line; no traceback, since that may quote anything."""

    def __init__(self, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        message = " ".join(record.getMessage().splitlines())
        if self._journal:
            return f"<{_PRIORITIES.get(record.levelno, 6)}>{message}"
        return f"{record.levelname} {message}"


def unforeseen(error: Exception) -> str:
    """Where a bug showed, but not what it said: its text may quote a document."""
    steps = traceback.extract_tb(error.__traceback__)
    path = " > ".join(f"{os.path.basename(s.filename)}:{s.lineno}" for s in steps)
    return f"unforeseen {type(error).__name__} at {path}"


def setup(program: str) -> None:
    """Send the lines of ``program`` (a package's name) to stderr; those of libraries
    have no handler.

    Lines start with systemd's priority where stderr is the journal, else with the
    level's name.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line(journal="JOURNAL_STREAM" in os.environ))
    own = logging.getLogger(program)
    own.handlers[:] = [handler]
    own.setLevel(logging.INFO)
    own.propagate = False
