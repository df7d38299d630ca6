# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writer's token, signed anew at each start so that its lifetime can be short."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import jwt


@dataclass(frozen=True)
class Token:
    """A signed token, and the time (seconds since the epoch) it expires at."""

    text: str = field(repr=False)
    expires: float


def sign(secret: str, hours: float) -> Token:
    """A token of role sync_writer. Without ``iat``: PostgREST would refuse one from a
    machine whose clock is ahead."""
    expires = time.time() + hours * 3600
    claims = {"role": "sync_writer", "exp": int(expires)}
    return Token(jwt.encode(claims, secret, algorithm="HS256"), expires)
