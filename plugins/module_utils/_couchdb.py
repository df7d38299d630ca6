# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules ask CouchDB. A bare machine has no library for it, so Ansible's own is used."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
from urllib.parse import quote, urlencode

from ansible.module_utils.urls import Request, basic_auth_header, make_context

from ansible_collections.cht.sync.plugins.module_utils import _couchdb_answers as answers

# What a server says that would answer somebody with the password.
_WANTS_PASSWORD = {"password", "locked", "offline", "member", "forbidden", "missing", "limited", "maintenance", "unwell"}


def connection_argument_spec() -> dict:
    """Options of the doc fragment C(cht.sync.couchdb)."""
    return {
        "url": {"type": "str", "required": True},
        "username": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
        "ca_file": {"type": "path"},
        "ca_pem": {"type": "str"},
    }


def feeds_argument_spec() -> dict:
    """Options of the doc fragment C(cht.sync.feeds)."""
    return {
        "feeds": {"type": "list", "elements": "dict", "required": True},
        "passwords": {"type": "dict", "required": True, "no_log": True},
    }


class CouchDBError(Exception):
    """CouchDB did not answer as it should; the text says what to do. `kind`: see _couchdb_answers."""

    def __init__(self, meaning: answers.Meaning) -> None:
        super().__init__(str(meaning))
        self.kind = meaning.kind


class CouchDB:
    """A CouchDB, or the CHT before it, and an account. url: without a slash at its end. timeout: seconds.

    ca_pem: what ca_file holds, where that is on another machine; without a ca_file, authorities to trust beside this machine's own.
    """

    def __init__(self, url: str, username: str, password: str, ca_file: str | None, timeout: int, ca_pem: str | None = None) -> None:
        self._url, self._username, self._ca_file, self._timeout = url, username, ca_file or None, timeout
        self._ca_pem = ca_pem or None
        self._context: ssl.SSLContext | None = None
        self._credentials = {"Authorization": basic_auth_header(username, password)}

    def is_fit_for_password(self, database: str) -> None:
        """Asks without it: over http it must not be sent in clear to a server that wants https. Raises CouchDBError."""
        try:
            self.ask(database, credentials={})
        except CouchDBError as error:
            if error.kind not in _WANTS_PASSWORD:
                raise

    def info(self, database: str) -> dict:
        """What the database says of itself, once its feed shows all of it. Raises CouchDBError."""
        info, _page, part = answers.whole_feed(
            lambda: (self.ask(database), self.ask(database, "_changes", {"limit": "0", "since": "0"})), self.asked(database)
        )
        if part is not None:
            raise CouchDBError(part)
        return info

    def server(self) -> answers.Server:
        """Who answers. Raises CouchDBError."""
        return answers.server(self._got("/api/info", self.asked("")), self._got("/", self.asked("")))

    def ask(self, database: str, path: str = "", query: dict[str, str] | None = None, credentials: dict | None = None) -> dict:
        """The answer to a GET of the database or something in it. Raises CouchDBError."""
        asked = self.asked(database)
        where = f"/{quote(database, safe='')}/{path}"
        status, headers, body = self.request("GET", where + (f"?{urlencode(query)}" if query else ""), asked, credentials=credentials)
        meaning = answers.of_answer(status, headers, body, asked)
        if meaning is not None:
            raise CouchDBError(meaning)
        return json.loads(body)

    def asked(self, database: str) -> answers.Asked:
        """What the table of answers needs to know of a question."""
        return answers.Asked(self._url, database, self._username, self._ca_file, ca_is_elsewhere=bool(self._ca_pem))

    def request(
        self, method: str, path: str, asked: answers.Asked, body: bytes | None = None, kind: str = "application/json", credentials: dict | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of the answer, whatever it is. Raises CouchDBError where there is none."""
        headers = {"Accept": "application/json", **(self._credentials if credentials is None else credentials)}
        if body is not None:
            headers["Content-Type"] = kind
        try:
            try:
                answer = Request().open(
                    method, self._url + path, data=body, headers=headers, http_agent="cht-sync", timeout=self._timeout,
                    follow_redirects="none", use_netrc=False, context=self._trusting(),
                )  # fmt: skip
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                return answer.getcode(), answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as error:
            # urllib raises a URLError only for what went wrong before there was a connection.
            raise CouchDBError(answers.of_error(error, asked, sent=not isinstance(error, urllib.error.URLError))) from None

    def _trusting(self):
        """Made once: this machine's own authorities are many. None for http. Raises OSError where ca_file cannot be used."""
        if self._context is None and self._url.startswith("https://"):
            if self._ca_pem and self._ca_file:
                self._context = ssl.create_default_context(cadata=self._ca_pem)
            else:
                self._context = make_context(cafile=self._ca_file)
                if self._ca_pem:
                    self._context.load_verify_locations(cadata=self._ca_pem)
        return self._context

    def _got(self, path, asked):
        status, _headers, body = self.request("GET", path, asked)
        return status, body


def document_count(feed: dict, password: str, timeout: int) -> int:
    """Documents of a database, without deleted and design documents (CouchDB counts the latter, we do not copy them).

    feed: an entry of the filter cht.sync.feeds. timeout: seconds. Raises CouchDBError.
    """
    couchdb = CouchDB(feed["url"], feed["username"], password, feed.get("ca_file"), timeout, feed.get("ca_pem"))
    info = couchdb.ask(feed["database"])
    design = couchdb.ask(feed["database"], "_all_docs", {"startkey": '"_design/"', "endkey": '"_design0"'})
    return info["doc_count"] - len(design["rows"])
