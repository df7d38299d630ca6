# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as both peers need it: sessions, and what an exception of requests means."""

from __future__ import annotations

import socket
import ssl
from typing import Optional, Union

import requests
import urllib3

from cht_engine import stalling
from cht_engine.answers import chain

CONNECT_TIMEOUT = 30.0  # seconds


def session(ca_file: Optional[str]) -> requests.Session:
    """A session that trusts ``ca_file`` or, if None, what the system trusts, and takes
    nothing from the environment (no ``.netrc``: it would replace our credentials). An
    answer that has begun and then stalls is a timeout, too."""
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, stalling.Adapter())
    made.trust_env = False
    made.verify = ca_file or _system_store()
    made.headers["User-Agent"] = "cht-sync"
    made.headers["Accept"] = "application/json"
    made.headers["Accept-Encoding"] = "gzip"
    return made


def _system_store() -> Union[str, bool]:
    """OpenSSL's own store: requests would take the one packed with certifi."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True


def whole(answer: requests.Response) -> bool:
    """Whether a body that was read to its end has the length that was announced.

    urllib3 does not look before version 2. Chunked bodies it watches itself.
    """
    length = answer.headers.get("Content-Length", "")
    if not length.isdigit() or "Transfer-Encoding" in answer.headers:
        return True
    return answer.raw.tell() == int(length)


def timed_out(error: BaseException) -> bool:
    """Whether the peer was silent for too long."""
    silent = (
        requests.Timeout,
        urllib3.exceptions.TimeoutError,
        socket.timeout,  # until Python 3.9 it is no TimeoutError
        TimeoutError,
    )
    return any(isinstance(cause, silent) for cause in chain(error))


def not_sent(error: BaseException) -> bool:
    """Whether there was no connection, so that the peer cannot have seen the request."""
    unconnected = (
        requests.ConnectTimeout,
        requests.exceptions.SSLError,
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
    )
    return any(isinstance(cause, unconnected) for cause in chain(error))
