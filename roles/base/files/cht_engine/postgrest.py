# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgREST as the target: ``api.claim`` and ``api.ingest``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Callable, Dict, Optional, Tuple

import requests

from cht_engine import answers, transport
from cht_engine.errors import LeaseLost, Problem, Refused, TooMuch, Transient, Unanswered
from cht_engine.tokens import Tokens

_STATEMENT_TIMEOUT = "57014"  # SQLSTATE query_canceled
_CONSTRAINTS = "23"  # SQLSTATEs that PostgREST answers with 409 as well


@dataclass(frozen=True)
class Claim:
    """A source taken: where to go on (None: from the start), and the key to write.
    ``warning``: what the operator should know of it."""

    seq: Optional[str]
    lease: str = field(repr=False)
    warning: Optional[str] = None


class PostgREST:
    """The two functions, for one source and the ``engine`` (relay or logstash) that
    the inventory gave it.

    ``read_timeout``: seconds until an answer begins; the work is done by then.
    ``on_call`` is called before each call, with the seconds it may take at most.
    """

    def __init__(
        self,
        base_url: str,
        source: str,
        engine: str,
        tokens: Tokens,
        ca_file: Optional[str],
        read_timeout: float,
        on_call: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._url = base_url
        self._source = source
        self._engine = engine
        self._read_timeout = read_timeout
        self._on_call = on_call
        self._session = transport.session(ca_file)
        self._tokens = tokens

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def claim(self, identity: Optional[str]) -> Claim:
        """Take the source for this process; every older lease ends.

        Raises LeaseLost when the source is another engine's, Refused or Transient.
        """
        question = {"source": self._source, "engine": self._engine, "identity": identity}
        answer = self._post(
            "claim",
            json.dumps(question).encode("ascii"),
            {"Content-Type": "application/json"},
        )
        try:
            body = answer.json()
            warning = self._replaced() if body.get("replaced") is True else None
            claim = Claim(body["seq"], body["lease"], warning)
        except (ValueError, KeyError, TypeError, AttributeError):
            claim = Claim(None, "")
        if not isinstance(claim.lease, str) or not claim.lease:
            raise Refused(f"{self._url}/rpc/claim answered without a lease")
        if not isinstance(claim.seq, (str, type(None))):
            raise Refused(f"{self._url}/rpc/claim answered a seq that is no text")
        return claim

    def _replaced(self) -> str:
        return (
            f"{self._source} is another database than before: CouchDB has a new one under"
            " the same name. It is read again from the start. What only the old one had"
            " stays in the warehouse: once all is read, playbooks/parity.yml -e"
            f" parity_source={self._source} shows it as vanished, and how to flag it"
        )

    def ingest(self, lease: str, body: bytes) -> None:
        """Write the rows in ``body`` (``Page.call``); returns once they are committed.

        Raises TooMuch, Unanswered, other Transient, LeaseLost or Refused.
        """
        self._post(
            "ingest",
            body,
            {
                "Content-Type": "text/plain",
                "X-CHT-Source": self._source,
                "X-CHT-Lease": lease,
            },
        )

    def _post(
        self, function: str, body: bytes, headers: Dict[str, str]
    ) -> requests.Response:
        answer = self._answer(function, body, headers)
        if answer.status_code == 401:  # by PostgREST's clock it has ended, perhaps
            self._tokens.sign()
            answer = self._answer(function, body, headers)
        if answer.status_code != 200:
            raise _problem(function, answer)
        return answer

    def _answer(
        self, function: str, body: bytes, headers: Dict[str, str]
    ) -> requests.Response:
        bearer = f"Bearer {self._tokens.current().text}"
        self._on_call(transport.CONNECT_TIMEOUT + self._read_timeout)
        try:
            answer = self._session.post(
                f"{self._url}/rpc/{function}",
                data=body,
                headers={**headers, "Authorization": bearer},
                timeout=(transport.CONNECT_TIMEOUT, self._read_timeout),
                allow_redirects=False,
            )
        except OSError as error:  # requests' exceptions are OSErrors too
            kind = Transient if transport.not_sent(error) else Unanswered
            raise kind(
                f"no answer of PostgREST to {function}: {answers.reason(error)}"
            ) from None
        if not transport.whole(answer):
            raise Unanswered(
                f"no whole answer of PostgREST to {function}: shorter than announced"
            )
        return answer


def _problem(function: str, answer: requests.Response) -> Problem:
    status = answer.status_code
    code, message = _said(answer)
    text = f"PostgREST answered {function} with {status}"
    if code:
        text += f" {code}"
    if message:
        text += f": {message}"
    if status == 401:
        text += (
            ". If it stays: run site.yml, which gives PostgREST and its callers the same"
            " secret, and compare the clocks of their machines"
        )
    if status == 409 and not code.startswith(_CONSTRAINTS):
        return LeaseLost(text)
    if status == 413:
        return TooMuch(text, permanent=True)
    if status == 500 and code == _STATEMENT_TIMEOUT:
        return TooMuch(text, permanent=False)
    if status == 504 and not code:
        return Unanswered(text)  # of a proxy: PostgREST may be at it still
    if status in (429, 500, 502, 503, 504):
        return Transient(text, answers.retry_after(answer.headers))
    if _backend_died(answer):
        return Unanswered(f"{text} without a reason, as when its backend was killed")
    return Refused(text)


def _backend_died(answer: requests.Response) -> bool:
    """Whether PostgREST's backend ended without a last word: PostgREST 12 then answers
    400 with an empty code, where every refusal carries one."""
    try:
        return answer.json().get("code") == ""
    except (ValueError, AttributeError):
        return False


def _said(answer: requests.Response) -> Tuple[str, str]:
    """SQLSTATE and message of an error. The message is ours by contract; ``details``
    may quote what was sent and is never looked at."""
    try:
        body = answer.json()
        code, message = body.get("code"), body.get("message")
    except (ValueError, AttributeError):
        return "", ""
    code = code if isinstance(code, str) and code.isalnum() else ""
    message = message if isinstance(message, str) else ""
    return code[:10], " ".join(message.split())[:300]
