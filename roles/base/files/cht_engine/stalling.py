# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer that stalls half-way is broken off.

Its first byte may take as long as the work that is asked for, which is the read timeout
of the request. Once it has begun there is no more work to wait for.
"""

from __future__ import annotations

import http.client
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter

STALLED = 60.0  # seconds without a byte


class _Answer(http.client.HTTPResponse):
    """``socket``: a real one, or one that speaks TLS."""

    def __init__(self, socket: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(socket, *arguments, **named)
        self._socket = socket

    def begin(self) -> None:
        """Wait for the first byte, then read the headers."""
        self.fp.peek(1)
        patience = self._socket.gettimeout()
        self._socket.settimeout(STALLED if patience is None else min(STALLED, patience))
        super().begin()


class _HTTP(urllib3.connection.HTTPConnection):
    response_class = _Answer


class _HTTPS(urllib3.connection.HTTPSConnection):
    response_class = _Answer


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTP


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPS


class Adapter(HTTPAdapter):
    """What a session is given for its requests. Each sets the timeout of its connection again."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Make the connections to a server itself."""
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
        """Make those through a proxy."""
        manager = super().proxy_manager_for(*arguments, **named)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}
