# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks CouchDB, itself or behind a CHT, with what a bare machine has: no library beyond Ansible's own."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import urllib.error
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ansible.module_utils.urls import open_url

LOCKED = "temporarily locked"
# The read of a whole document, or of a database's state. CouchDB may be busy with its views.
TIMEOUT = 30


class CouchDBRefusal(Exception):
    """Why CouchDB cannot be asked, or what it refused; the message names the remedy."""


@dataclass(frozen=True)
class Answer:
    """`body` is None where it is no JSON."""

    status: int
    body: object
    location: str

    @property
    def reason(self) -> str:
        """What the body gives as the reason, CouchDB's or cht-api's."""
        body = self.body if isinstance(self.body, dict) else {}
        return str(body.get("reason") or body.get("details") or body.get("error") or "no reason given")


class CouchDB:
    """One server and one account. `account`: what messages call the account, before its name."""

    def __init__(self, url: str, username: str, password: str, ca_file: str | None, account: str) -> None:
        self.url = url.rstrip("/")
        self.username = username
        self.account = account
        self.ca_file = ca_file or None
        self._authorization = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
        if self.ca_file:
            _check_authority(self.ca_file)

    def ask(self, method: str, path: str, body: object = None, anonymous: bool = False, content: tuple[str, bytes] | None = None) -> Answer:
        """The answer to one request, whatever its status. No redirect is followed.

        content: type and bytes of the body, in place of JSON.
        """
        headers = {"Accept": "application/json"}
        if not anonymous:
            headers["Authorization"] = self._authorization
        kind, data = content or ("application/json", None if body is None else json.dumps(body).encode())
        if data is not None:
            headers["Content-Type"] = kind
        try:
            with open_url(
                self.url + path, method=method, data=data, headers=headers, timeout=TIMEOUT, follow_redirects="none",
                ca_path=self.ca_file, use_netrc=False,
            ) as response:  # fmt: skip
                return _answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error.read())
        # OSError: the answer did not come in time, or not whole.
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise CouchDBRefusal(self._unreachable(error)) from error

    def get(self, path: str, absent: tuple[int, ...] = ()) -> dict | None:
        """The JSON object there; None where the status is one of `absent`."""
        answer = self.ask("GET", path)
        if answer.status in absent:
            return None
        return self.expected(answer, path)

    def change(self, method: str, path: str, body: object = None) -> None:
        """PUT or DELETE that must succeed."""
        answer = self.ask(method, path, body)
        if answer.status == 409:
            raise CouchDBRefusal(f"{self.url}{path} was changed by somebody else meanwhile: run this again")
        self.expected(answer, path)

    def expected(self, answer: Answer, path: str) -> dict:
        """The body of an answer that is as it should be; else CouchDBRefusal."""
        if answer.status not in (200, 201, 202):
            raise CouchDBRefusal(f"{self.url}{path}: {self._meaning(answer)}")
        if not isinstance(answer.body, dict):
            raise CouchDBRefusal(f"{self.url}{path} did not answer with JSON: write the address of CouchDB, or of the CHT, as url")
        return answer.body

    def _meaning(self, answer):
        status = answer.status
        if status in (301, 302, 303, 307, 308):
            target = urlsplit(answer.location)
            origin = f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else ""
            return f"it redirects to {origin}{target.path}. Write the address that answers itself as url"
        if status == 401:
            return f"it refused the password of {self.account} {self.username}. Correct it (five refused tries lock an account for five minutes)"
        if status == 403 and LOCKED in answer.reason:
            return f"{self.account} {self.username} is locked after refused passwords. Wait five minutes, then run this again"
        if status == 403:
            return f"it does not let {self.account} {self.username} do that ({answer.reason})"
        if status == 429:
            return "it has had too many refused tries from here. Wait a minute, then run this again"
        if status == 400 and self.url.startswith("http://"):
            return "it does not speak http there. If this is a port for https, write https:// in url"
        return f"it answered with status {status} ({answer.reason})"

    def _unreachable(self, error):
        words = str(getattr(error, "reason", None) or error).strip() or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in words:
            return (
                f"The certificate of {self.url} is not trusted here ({words}). If an authority of your own signed it, name the file with "
                "that authority's certificate as ca_file. Otherwise correct url, or the certificate"
            )
        if isinstance(error, http.client.BadStatusLine) and self.url.startswith("http://"):
            return f"{self.url} does not speak http. If this is a port for https, write https:// in url"
        if "SSL" in words or "handshake" in words:
            return f"{self.url} does not speak https ({words}). If this is a port for http, write http:// in url"
        return f"{self.url} cannot be reached from here ({words}): check url, the network and any firewall"


def _check_authority(path):
    if not os.path.isfile(path):
        raise CouchDBRefusal(f"{path}, named as ca_file, is no file on this machine: put the authority's certificate there, in PEM form")
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        raise CouchDBRefusal(f"{path}, named as ca_file, holds no certificate in PEM form ({error.reason or error})") from error


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def _answer(status, headers, data):
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    return Answer(status, body, headers.get("Location") or "")
