# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens with which an engine calls PostgREST: JSON Web Tokens that it signs itself,
each for a while and for our PostgREST alone."""

from __future__ import annotations

import base64
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

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
        self._token = Token(_signed(claims, self._secret), now, expires)
        return self._token


def _signed(claims: Any, secret: str) -> str:
    """By HMAC with SHA-256: so little that it is not worth a library."""
    parts = [_packed(json.dumps(p).encode()) for p in ({"alg": "HS256", "typ": "JWT"}, claims)]
    text = b".".join(parts)
    proof = hmac.new(secret.encode(), text, "sha256").digest()
    return (text + b"." + _packed(proof)).decode("ascii")


def _packed(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
