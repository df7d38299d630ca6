# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as both peers need it: sessions, and what an exception of requests means."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Iterator, Mapping, Optional, Union

import requests
import urllib3

from cht_engine import stalling

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


def reason(error: BaseException) -> str:
    """Why a request failed, in a few words.

    The operating system's text if there is one, else only the error's class: other
    texts may quote what was sent or received.
    """
    for cause in reversed(list(_chain(error))):
        if isinstance(cause, OSError) and not isinstance(
            cause, requests.RequestException
        ):
            return str(cause.strerror or cause)
    return type(error).__name__


def timed_out(error: BaseException) -> bool:
    """Whether the peer was silent for too long."""
    silent = (
        requests.Timeout,
        urllib3.exceptions.TimeoutError,
        socket.timeout,  # until Python 3.9 it is no TimeoutError
        TimeoutError,
    )
    return any(isinstance(cause, silent) for cause in _chain(error))


def not_sent(error: BaseException) -> bool:
    """Whether there was no connection, so that the peer cannot have seen the request."""
    unconnected = (
        requests.ConnectTimeout,
        requests.exceptions.SSLError,
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
    )
    return any(isinstance(cause, unconnected) for cause in _chain(error))


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds a ``Retry-After`` header asks for, 0.0 without a usable one."""
    value = headers.get("Retry-After", "")
    try:
        return max(0.0, float(int(value)))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
        if when.tzinfo is None:
            when = when.replace(tzinfo=timezone.utc)
        return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _chain(error: Optional[BaseException]) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
