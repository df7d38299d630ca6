# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CouchDB as a source: the database's identity, and its feed of changes."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union
from urllib.parse import quote

import requests
import urllib3
from requests.auth import HTTPBasicAuth
from requests.utils import get_environ_proxies

from cht_engine import answers, transport
from cht_engine.errors import Problem, Refused, TooLong, Transient

# CouchDB locks an account for five minutes after five failures, and counts every
# failure: one try in this many seconds never locks it for longer than it already is.
WAIT_AFTER_REFUSAL = 330.0

# How much longer than CouchDB is asked to hold a longpoll the answer is waited for.
POLL_GRACE = 10.0

# What is wrong with the account: of two of these CouchDB refuses it everywhere.
_OF_THE_ACCOUNT = ("password", "locked")
_OF_CREDENTIALS = (*_OF_THE_ACCOUNT, "member", "forbidden")
# What passes by itself.
_PASSING = ("limited", "maintenance", "unwell", "broken", "unreachable", "no_handshake")

_CHUNK = 1 << 16  # bytes; one must come within the seconds announced by ``on_bytes``
_NO_NEWS = (b"", b'{"results":[')  # what a longpoll begins with


class CouchDB:
    """One database of one CouchDB.

    ``on_bytes`` is called before each wait for more bytes, with the seconds that may
    take at most. ``names_pending``: whether each page says how much is left, as far as
    ``identity`` has seen.
    """

    def __init__(
        self,
        base_url: str,
        database: str,
        username: str,
        password: str,
        ca_file: Optional[str],
        read_timeout: float,
        poll_timeout: float,
        on_bytes: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._url = f"{base_url}/{quote(database, safe='')}"
        self._asked = answers.Asked(base_url, database, username, ca_file)
        self._read_timeout = read_timeout
        self._poll_timeout = poll_timeout
        self._on_bytes = on_bytes
        self.names_pending = False
        self._session = transport.session(ca_file)
        self._session.proxies = get_environ_proxies(base_url)
        # As bytes: requests would write texts as Latin-1, CouchDB reads UTF-8.
        self._session.auth = HTTPBasicAuth(username.encode(), password.encode())

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def identity(self) -> Optional[str]:
        """What tells this database from another one of the same name: the time of its
        creation as CouchDB writes it. None where CouchDB does not say.

        Raises Transient or Refused, the latter too where the account sees a part only.
        """
        feed = {"limit": "0", "since": "0"}
        info, page, part = answers.whole_feed(
            lambda: (self._object(f"{self._url}/", {}), self._object(f"{self._url}/_changes", feed)),
            self._asked,
        )
        if part is not None:
            raise _problem(part)
        self.names_pending = isinstance(page.get("pending"), int)
        created = info.get("instance_start_time")
        return None if created in (None, "", "0", 0) else str(created)

    def part(self) -> Problem:
        """What to raise for a page that does not say how much is left, where others did:
        the account is no longer shown all, and its position must not move on."""
        return _problem(answers.without_pending(self._asked))

    def _object(self, url: str, query: Dict[str, str]) -> Dict[str, Any]:
        """The JSON object that answers."""
        body = bytes(self._ask(url, query, self._read_timeout))
        meaning = answers.of_answer(200, {}, body, self._asked)
        if meaning is not None:
            raise _problem(meaning)
        return json.loads(body)  # type: ignore[no-any-return]

    def pending(self, since: str, count: int) -> int:
        """How many changes follow ``since``; where CouchDB does not say they are
        counted, up to ``count``.

        Raises Refused or Transient.
        """
        for limit in (1, count):
            query = {"limit": str(limit), "since": since}
            answer = self._ask(f"{self._url}/_changes", query, self._read_timeout)
            try:
                body = json.loads(answer)
                rows, pending = len(body["results"]), body.get("pending")
            except (ValueError, AttributeError, KeyError, TypeError):
                raise Transient("CouchDB's answer about its changes is no JSON") from None
            if isinstance(pending, int):
                return rows + pending
            if not rows:
                break
        return rows

    def ids(self, first: str, limit: int) -> List[Tuple[str, str]]:
        """Id and revision of at most ``limit`` documents, deleted ones left out, from
        the id ``first`` on, in CouchDB's order.

        Raises Refused or Transient.
        """
        query = {"limit": str(limit), "startkey": json.dumps(first)}
        answer = self._ask(f"{self._url}/_all_docs", query, self._read_timeout)
        try:
            rows = json.loads(answer)["rows"]
            return [(str(row["id"]), str(row["value"]["rev"])) for row in rows]
        except (ValueError, KeyError, TypeError):
            raise Transient("CouchDB's answer about its documents is no JSON") from None

    def states(self, ids: Sequence[str]) -> Dict[str, Tuple[str, bool]]:
        """Revision of the documents ``ids``, and whether they are deleted; without
        those of which the database knows nothing.

        Raises Refused or Transient.
        """
        answer = self._post_ids(ids, {}, None)
        try:
            return {
                str(row["id"]): (str(row["changes"][0]["rev"]), bool(row.get("deleted")))
                for row in json.loads(answer)["results"]
            }
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise Transient("CouchDB's answer about documents is no JSON") from None

    def changes_of(self, ids: Sequence[str], most_bytes: int) -> bytearray:
        """The last change of each of the documents ``ids`` as ``changes`` gives them.

        Raises Refused, Transient or TooLong.
        """
        return self._post_ids(ids, {"include_docs": "true"}, most_bytes)

    def _post_ids(
        self, ids: Sequence[str], query: Dict[str, str], most_bytes: Optional[int]
    ) -> bytearray:
        url = f"{self._url}/_changes"
        query = {"filter": "_doc_ids", **query}
        asked = {"doc_ids": list(ids)}
        return self._ask(url, query, self._read_timeout, most_bytes, body=asked)

    def changes(
        self,
        since: str,
        limit: int,
        longpoll: bool,
        most_bytes: Optional[int] = None,
    ) -> Optional[Union[bytes, bytearray]]:
        """At most ``limit`` changes after ``since``, as the answer's whole body.

        With ``longpoll`` an answer without changes is held back until there is one or
        the time is up. None: a longpoll that the server never ended.
        Raises Refused or Transient, the latter too if the body did not come whole;
        TooLong as soon as it is longer than ``most_bytes``.
        """
        query = {
            "feed": "longpoll" if longpoll else "normal",
            "include_docs": "true",
            "limit": str(limit),
            "seq_interval": str(limit),
            "since": since,
        }
        url = f"{self._url}/_changes"
        if not longpoll:
            return self._ask(url, query, self._read_timeout, most_bytes)
        query["timeout"] = str(int(self._poll_timeout * 1000))
        try:
            return self._ask(
                url, query, self._poll_timeout + POLL_GRACE, most_bytes, longpoll
            )
        except _Silence:
            return None

    def _ask(
        self,
        url: str,
        query: Dict[str, str],
        patience: float,
        most_bytes: Optional[int] = None,
        longpoll: bool = False,
        body: Optional[Dict[str, Any]] = None,
    ) -> bytearray:
        """What a GET of ``url`` is answered or, with a ``body``, a POST."""
        end = time.monotonic() + patience if longpoll else None
        self._on_bytes(transport.CONNECT_TIMEOUT + patience)
        try:
            with self._session.request(
                "GET" if body is None else "POST",
                url,
                params=query,
                json=body,
                timeout=(transport.CONNECT_TIMEOUT, patience),
                stream=True,
                allow_redirects=False,
            ) as answer:
                if answer.status_code != 200:
                    raise self._refusal(answer, "since" in query)
                return self._whole_body(answer, patience, most_bytes, end)
        except OSError as error:  # requests' exceptions are OSErrors too
            met = isinstance(error, requests.RequestException)
            sent = met and not transport.not_sent(error)
            meaning = answers.of_error(error, self._asked, sent)
            if sent and transport.timed_out(error):
                raise _Silence(str(meaning)) from None
            raise _problem(meaning) from None

    def _whole_body(
        self,
        answer: requests.Response,
        patience: float,
        most_bytes: Optional[int],
        end: Optional[float],
    ) -> bytearray:
        """Read to the end that HTTP announced: a server that is stopped may close the
        connection before it, even after JSON that looks complete. Of a longpoll only
        heartbeats may have come by its ``end``: it counts as silent then."""
        body = bytearray()  # grows in place: chunks and their sum would be twice as much
        for chunk in answer.iter_content(_CHUNK):
            body += chunk
            if most_bytes is not None and len(body) > most_bytes:
                raise TooLong(f"more than {most_bytes} bytes", body.count(b"\n"))
            late = end is not None and time.monotonic() > end
            if late and len(body) < _CHUNK and body.strip() in _NO_NEWS:
                raise _Silence("nothing but heartbeats")
            self._on_bytes(patience)
        if not transport.whole(answer):
            raise Transient(
                f"no whole answer of CouchDB at {self._asked.place}: shorter than announced"
            )
        return body

    def _refusal(self, answer: requests.Response, position: bool) -> Problem:
        """What an answer other than 200 comes to."""
        try:
            body = answer.raw.read(4000, decode_content=True)
        except (OSError, urllib3.exceptions.HTTPError):
            body = b""
        asked = replace(self._asked, position=position)
        meaning = answers.of_answer(answer.status_code, answer.headers, body, asked)
        assert meaning is not None
        return _problem(meaning)


def _problem(meaning: answers.Meaning) -> Problem:
    """What an engine does about it."""
    kind = meaning.kind
    if kind in _PASSING:
        return Transient(str(meaning), meaning.wait)
    credentials = kind in _OF_CREDENTIALS
    return Refused(
        str(meaning),
        WAIT_AFTER_REFUSAL if credentials else 60.0,
        credentials=credentials,
        account=kind in _OF_THE_ACCOUNT,
        kind=kind,
    )


class _Silence(Transient):
    """Connected, and then not a byte for too long."""
