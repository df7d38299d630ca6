# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the relays of one CouchDB account tell each other of its password.

CouchDB locks an account after five refusals, whichever database they were for. So one
relay tries a password nobody has tried yet, the others wait for what comes of it; once
it was refused all wait, and again one of them tries. It stands in one small file an
account, in the directory that all relays share: gone after a restart of the machine.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import time
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Optional, TypeVar

from cht_engine import couchdb, files
from cht_engine.errors import Refused

T = TypeVar("T")

_LOOK_EVERY = 0.2  # seconds


class Account:
    """One user of one CouchDB. Without a ``directory`` nobody is told anything.

    ``key``: a secret that all relays have. The password is only ever written as a hash
    with it.
    """

    def __init__(
        self, directory: Optional[str], url: str, user: str, password: str, key: str
    ) -> None:
        self._user = user
        self._password = hmac.new(
            key.encode(), password.encode(), hashlib.sha256
        ).hexdigest()
        name = hashlib.sha256(f"{url}\0{user}".encode()).hexdigest()[:16]
        self._path = directory and os.path.join(directory, f"account-{name}")

    def check(self) -> None:
        """Raise Refused while a refusal of this very password is fresh."""
        at = self._told().get("refused")
        if not isinstance(at, (int, float)):
            return
        age = time.monotonic() - at
        # below zero: of before a restart of the machine
        if 0 <= age < couchdb.WAIT_AFTER_REFUSAL:
            raise Refused(
                f"CouchDB refused the credentials of user {self._user} to another"
                " process a moment ago: correct the password in cht_sync_sources and"
                " run site.yml",
                couchdb.WAIT_AFTER_REFUSAL - age,
                credentials=True,
            )

    @contextmanager
    def first_try(self, wait: Callable[[float], None]) -> Iterator[None]:
        """Around the first request: alone among the relays, unless the password is
        known to be good. Raises Refused as ``check`` does."""
        if self._path is None or self._good():
            yield
            return
        with open(f"{self._path}.lock", "a", encoding="ascii") as lock:
            while not _locked(lock.fileno()):
                wait(_LOOK_EVERY)
            self.check()
            yield
            self._tell(None)

    def heeding(self, work: Callable[[], T]) -> T:
        """Ask CouchDB by ``work``, unless this password was refused just now; and tell
        the others of a refusal that is theirs too."""
        self.check()
        try:
            return work()
        except Refused as problem:
            if problem.account:
                self._tell(time.monotonic())
            raise

    def _good(self) -> bool:
        told = self._told()
        return "refused" in told and told["refused"] is None

    def _told(self) -> Dict[str, Any]:
        """What was told of this very password."""
        try:
            with open(self._path or "", encoding="ascii") as file:
                told = json.load(file)
            return told if told["password"] == self._password else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _tell(self, refused: Optional[float]) -> None:
        if self._path is None:
            return
        told = {"password": self._password, "refused": refused}
        try:
            files.write(self._path, json.dumps(told), suffix=f".{os.getpid()}")
        except OSError:
            pass  # this relay waits all the same: ending would only make it try again


def _locked(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
