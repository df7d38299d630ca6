# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cht-api asks of CouchDB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import NamedTuple
from urllib.parse import urlsplit


class Session(NamedTuple):
    """How CouchDB takes the credentials of a request. `status`: 200 where it knows the user, else that of its answer."""

    status: int
    roles: set[str]
    problem: str


@contextmanager
def sent(upstream: str, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Iterator[HTTPResponse]:
    """The answer to a request, on a connection of its own."""
    connection = HTTPConnection(urlsplit(upstream).netloc, timeout=3600)
    try:
        connection.request(method, urlsplit(upstream).path + url, body, headers)
        yield connection.getresponse()
    finally:
        connection.close()


def session(upstream: str, headers: dict[str, str]) -> Session:
    """As cht-api does it before all else: who is that?"""
    if "Authorization" not in headers:
        return Session(401, set(), "")
    with sent(upstream, "GET", "/_session", {"Authorization": headers["Authorization"], "X-Forwarded-For": headers["X-Forwarded-For"]}, None) as answer:
        body = answer.read()
    if answer.status in (401, 403) or answer.status >= 500:
        return Session(answer.status, set(), f"{answer.status} - {body.decode(errors='replace').strip()}")
    try:
        # A stand-in for CouchDB may not know this address: that it did not refuse the credentials is all there is.
        return Session(200, set(json.loads(body)["userCtx"]["roles"]), "")
    except (ValueError, KeyError, TypeError):
        return Session(200, set(), "")
