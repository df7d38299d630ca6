# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a peer, sorted by what the engine does about it.

The text of every one of these goes to the log as it is: it holds neither secrets nor
anything of a document.
"""

from __future__ import annotations


class Problem(Exception):
    """Base of all: ``str()`` is one line fit for the log."""


class Transient(Problem):
    """Passes by itself: try again with growing pauses.

    ``retry_after``: seconds the peer asked for, 0.0 where it did not.
    """

    def __init__(self, text: str, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Unanswered(Transient):
    """A call that got no answer: it may have happened, or may be running still."""


class TooMuch(Problem):
    """A call refused for its size, or for the time it took: send fewer rows a call.

    ``permanent``: whether waiting is of no use when one row alone meets it.
    """

    def __init__(self, text: str, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent


class TooLong(Problem):
    """An answer given up while it was read, for its size. ``lines``: how many had come."""

    def __init__(self, text: str, lines: int) -> None:
        super().__init__(text)
        self.lines = lines


class Refused(Problem):
    """Stays until somebody does something: the source stops, the position too.

    ``wait``: seconds until the next single try. ``credentials``: whether CouchDB
    refused the account, which it locks after a few tries. ``account``: whether that
    holds for all of its databases. ``kind``: what CouchDB's answer was, in a word of
    ``cht_engine.answers``.
    """

    def __init__(
        self,
        text: str,
        wait: float = 60.0,
        credentials: bool = False,
        account: bool = False,
        kind: str = "",
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.account = account
        self.wait = wait
        self.credentials = credentials


class LeaseLost(Problem):
    """The source belongs to another process or engine now: end, and do not fight."""
