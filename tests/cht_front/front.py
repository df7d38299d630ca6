# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a CHT: https as its nginx answers it, and http, which only points to https."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer

from cht_front.authority import Certificate
from cht_front.handlers import Asked, PlainHandler, TLSHandler
from cht_front.limiter import Limiter


class CHT:
    """A CHT before the CouchDB at `upstream`, an http address. `url` is the one that operators give, `plain_url` its http.

    certificate: that of the server. online: names of users whom CHT takes for online ones, besides those whose session in CouchDB has
    the role `_admin`, `admin` or `mm-online`. editors: names that have the permission can_edit. own: whether an id is one of
    a document that an offline user may have. limiter: CHT's own, if not given.

    `asked`: the requests that came over https; `asked_in_clear`: those that did not. `maintenance`: set it, and CouchDB's databases answer as in maintenance mode.
    `firewall`: clear it, and offline users may ask what online ones may, but still get their own changes only.
    """

    version = "4.21.0"

    def __init__(
        self, upstream: str, certificate: Certificate, online: tuple[str, ...] = ("analytics",), editors: tuple[str, ...] = (),
        own: Callable[[str], bool] = lambda id_: id_ == "settings", limiter: Limiter | None = None,
        address: str = "127.0.0.1", ports: tuple[int, int] = (0, 0),
    ) -> None:  # fmt: skip
        self.upstream, self.online, self.editors, self.own = upstream.rstrip("/"), set(online), set(editors), own
        self.limiter = limiter or Limiter()
        self.maintenance, self.firewall = False, True
        self.asked: list[Asked] = []
        self.asked_in_clear: list[Asked] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.certificate, certificate.key)
        self._servers = [_Server(self, (address, port), kind) for port, kind in zip(ports, (TLSHandler, PlainHandler), strict=True)]
        self.port, self.plain_port = (server.server_port for server in self._servers)
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address, f"[{address}]" if ":" in address else address)
        self.url, self.plain_url = f"https://{host}:{self.port}", f"http://{host}:{self.plain_port}"

    def __enter__(self) -> CHT:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, cht: CHT, address: tuple[str, int], handler: type) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)
        self.cht = cht

    def handle_error(self, request: socket.socket, client_address: tuple) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client that is gone, or trusts nobody, is no news here
            super().handle_error(request, client_address)
