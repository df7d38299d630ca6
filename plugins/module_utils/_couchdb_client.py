# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and changes documents of CouchDB, itself or behind a CHT."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

from ansible_collections.cht.sync.plugins.module_utils import _couchdb_answers as answers
from ansible_collections.cht.sync.plugins.module_utils._couchdb import CouchDB, CouchDBError

# The read of a whole document, or of a database's state. CouchDB may be busy with its views.
TIMEOUT = 30
# Where the account is not the one of cht_sync_sources.
ADMINISTRATOR_REMEDIES = {
    "password": "run this again with the right password. Five refused tries lock an account for five minutes",
    "locked": "wait five minutes without any try, then run this again",
    "limited": "wait a minute, then run this again",
}


class CouchDBRefusal(Exception):
    """Why CouchDB cannot be asked, or what it refused; the message names the remedy."""


@dataclass(frozen=True)
class Answer:
    """`body` is None where it is no JSON."""

    status: int
    headers: object
    content: bytes

    @property
    def body(self) -> object:
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    @property
    def reason(self) -> str:
        """What the body gives as the reason, CouchDB's or cht-api's."""
        body = self.body if isinstance(self.body, dict) else {}
        return str(body.get("reason") or body.get("details") or body.get("error") or "no reason given")


class Documents(CouchDB):
    """One server and one account. `remedies`: by the kind of a trouble, where another remedy is right than of an account in the inventory."""

    def __init__(
        self, url: str, username: str, password: str, ca_file: str | None, remedies: dict[str, str] | None = None, ca_pem: str | None = None
    ) -> None:
        super().__init__(url.rstrip("/"), username, password, ca_file, TIMEOUT, ca_pem)
        self.url, self.username = url.rstrip("/"), username
        self._remedies = remedies or {}

    def answer(self, method: str, path: str, body: object = None, anonymous: bool = False, content: tuple[str, bytes] | None = None) -> Answer:
        """The answer to one request, whatever its status.

        content: type and bytes of the body, in place of JSON.
        """
        kind, data = content or ("application/json", None if body is None else json.dumps(body).encode())
        try:
            return Answer(*self.request(method, path, self._about(path), data, kind, {} if anonymous else None))
        except CouchDBError as error:
            raise CouchDBRefusal(str(error)) from None

    def get(self, path: str, absent: tuple[int, ...] = ()) -> dict | None:
        """The JSON object there; None where the status is one of `absent`."""
        answer = self.answer("GET", path)
        if answer.status in absent:
            return None
        return self.expected(answer, path)

    def change(self, method: str, path: str, body: object = None) -> None:
        """PUT or DELETE that must succeed."""
        answer = self.answer(method, path, body)
        if answer.status == 409:
            raise CouchDBRefusal(f"{self.url}{path} was changed by somebody else meanwhile: run this again")
        self.expected(answer, path)

    def expected(self, answer: Answer, path: str) -> dict:
        """The body of an answer that is as it should be; else CouchDBRefusal."""
        # Of a change that succeeds the body is an object, too.
        status = 200 if answer.status in (201, 202) else answer.status
        meaning = answers.of_answer(status, answer.headers, answer.content, self._about(path))
        if meaning is not None:
            raise CouchDBRefusal(f"{meaning.meaning}: {self._remedies.get(meaning.kind, meaning.remedy)}")
        return answer.body

    def _about(self, path):
        return self.asked(path.strip("/").partition("?")[0])


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")
