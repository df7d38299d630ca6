# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens with which an engine calls PostgREST: JSON Web Tokens that it signs itself,
each for a while and for our PostgREST alone."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import jwt

AUDIENCE = "cht-sync"  # as in postgrest.conf


@dataclass(frozen=True)
class Token:
    """A signed token; its times are seconds since the epoch."""

    text: str = field(repr=False)
    signed: float
    expires: float

    @property
    def is_due(self) -> bool:
        """Whether it ends soon, by the clock on the wall, which may have been set since;
        or it was signed when that was far ahead, and would live too long."""
        spare = min(1800.0, (self.expires - self.signed) / 10)
        return not self.signed - spare <= time.time() < self.expires - spare


class Tokens:
    """Signs them with ``secret``, each for ``hours``."""

    def __init__(self, secret: str, hours: float) -> None:
        self._secret = secret
        self._hours = hours
        self._token = self.sign()

    def current(self) -> Token:
        """The one signed last, or a new one if that is due."""
        return self.sign() if self._token.is_due else self._token

    def sign(self) -> Token:
        """A new one. Without ``iat``: PostgREST would refuse one from a machine whose
        clock is ahead."""
        now = time.time()
        expires = now + self._hours * 3600
        claims = {"role": "sync_writer", "aud": AUDIENCE, "exp": int(expires)}
        self._token = Token(jwt.encode(claims, self._secret, algorithm="HS256"), now, expires)
        return self._token
