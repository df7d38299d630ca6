# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small CouchDB client: what the loader and the live writer need, with errors an operator can act on."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, List, Optional, Sequence
from urllib.parse import quote, urlsplit

import requests

from cht_demo.instance import encode
from cht_demo.model import Document

TIMEOUT = (5, 60)  # seconds to connect, seconds to wait for an answer


class CouchError(Exception):
    """Something the operator must put right; the message says what and how."""


class CouchUnavailable(CouchError):
    """CouchDB did not answer, or answered that it cannot just now; trying again may help."""


class Couch:
    """One CouchDB server, spoken to as one user. The password is never part of a message."""

    def __init__(self, url: str, username: str, password: str, ca_file: Optional[str] = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CouchError(f"--url is not an http(s) address: {_without_login(url)}")
        if parts.username or parts.password:
            raise CouchError("--url must not hold a user name or password: use --username and --password-file")
        self.url = url.rstrip("/")
        self.username = username
        self._session = requests.Session()
        self._session.auth = (username.encode("utf-8"), password.encode("utf-8"))
        self._session.headers["Accept"] = "application/json"
        if ca_file:
            self._session.verify = ca_file

    def request(self, method: str, path: str, body: Optional[bytes] = None, missing_ok: bool = False,
                params: Optional[Dict[str, str]] = None) -> Any:
        """Return the parsed answer; None for a 404 when `missing_ok`."""
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            answer = self._session.request(method, self.url + path, data=body, params=params, headers=headers,
                                           timeout=TIMEOUT, allow_redirects=False)
        except requests.exceptions.SSLError as error:
            raise CouchError(f"the certificate of {self.url} is not trusted: name its CA with --ca-file") from error
        except (requests.exceptions.RequestException, OSError) as error:
            raise CouchUnavailable(f"CouchDB at {self.url} does not answer ({_cause(error)}): "
                                   "check that it runs and that --url is right") from error
        if answer.status_code == 404 and missing_ok:
            return None
        self._raise_for(answer, method, path)
        try:
            return answer.json()
        except ValueError as error:
            raise CouchError(f"{self.url} answers {method} {path} with something that is not JSON: "
                             "is --url really a CouchDB?") from error

    def _raise_for(self, answer: requests.Response, method: str, path: str) -> None:
        code = answer.status_code
        if code < 300:
            return
        if code == 401:
            raise CouchError(f"CouchDB at {self.url} refuses user {self.username} (401): check --username and the content of "
                             "--password-file (five wrong attempts lock the user for five minutes)")
        if code == 403:
            raise CouchError(f"CouchDB at {self.url} forbids {method} {path} to user {self.username} (403): it must be a server "
                             "administrator, and not be locked after wrong passwords")
        if code in (429, 500, 502, 503, 504):
            raise CouchUnavailable(f"CouchDB at {self.url} answers {method} {path} with {code}: see its log")
        if code == 404:
            raise CouchError(f"CouchDB at {self.url} has no {path} (404): check --url, and load the demo data first")
        raise CouchError(f"CouchDB at {self.url} answers {method} {path} with {code}: see its log")

    def database_info(self, database: str) -> Optional[Document]:
        """What CouchDB says of a database, None when there is none."""
        return self.request("GET", f"/{database}", missing_ok=True)

    def create_database(self, database: str) -> None:
        """Create a database."""
        self.request("PUT", f"/{database}")

    def security(self, database: str) -> Document:
        """The security object of a database."""
        return self.request("GET", f"/{database}/_security")

    def set_security(self, database: str, security: Document) -> None:
        """Replace the security object of a database."""
        self.request("PUT", f"/{database}/_security", encode(security))

    def local(self, database: str, name: str) -> Optional[Document]:
        """A `_local` document, None when there is none."""
        return self.request("GET", f"/{database}/_local/{name}", missing_ok=True)

    def put_local(self, database: str, name: str, content: Document) -> None:
        """Write a `_local` document: such documents are neither replicated nor in `_changes`."""
        present = self.local(database, name)
        document = dict(content, _id=f"_local/{name}")
        if present:
            document["_rev"] = present["_rev"]
        self.request("PUT", f"/{database}/_local/{name}", encode(document))

    def revisions(self, database: str, ids: Sequence[str]) -> Dict[str, "Revision"]:
        """The current revision of each of `ids` that exists or once existed."""
        answer = self.request("POST", f"/{database}/_all_docs", encode({"keys": list(ids)}))
        return {row["key"]: Revision(row["value"]["rev"], bool(row["value"].get("deleted")))
                for row in answer["rows"] if row.get("value")}

    def bulk(self, database: str, documents: Sequence[Document]) -> "BulkResult":
        """Write documents; raises for any refusal but a conflict."""
        body = b'{"docs":[' + b",".join(encode(document) for document in documents) + b"]}"
        result = BulkResult()
        for row in self.request("POST", f"/{database}/_bulk_docs", body):
            if not row.get("error"):
                result.written += 1
            elif row["error"] == "conflict":
                result.conflicts.append(row.get("id", "?"))
            else:
                raise CouchError(f"CouchDB at {self.url} refuses document {row.get('id')} of {database}: "
                                 f"{row['error']} ({str(row.get('reason', ''))[:200]})")
        return result

    def document(self, database: str, doc_id: str) -> Optional[Document]:
        """One document, None when it is missing or deleted."""
        return self.request("GET", f"/{database}/{quote(doc_id, safe='')}", missing_ok=True)

    def all_documents(self, database: str, page: int = 500) -> Iterator[Document]:
        """All documents in the order of their ids, read in pages."""
        start: Optional[str] = None
        while True:
            params = {"include_docs": "true", "limit": str(page + 1)}
            if start is not None:
                params["startkey"] = json.dumps(start)
            rows = self.request("GET", f"/{database}/_all_docs", params=params)["rows"]
            yield from (row["doc"] for row in rows[:page] if row.get("doc"))
            if len(rows) <= page:
                return
            start = rows[page]["id"]


class Revision:
    """The current revision of a document."""

    def __init__(self, rev: str, deleted: bool) -> None:
        self.rev = rev
        self.deleted = deleted

    @property
    def generation(self) -> int:
        """How often the document was written."""
        return int(self.rev.split("-", 1)[0])


class BulkResult:
    """How many documents a `_bulk_docs` call wrote, and the ids that were there already."""

    def __init__(self) -> None:
        self.written = 0
        self.conflicts: List[str] = []


def read_password(path: str) -> str:
    """The first line of the password file."""
    try:
        with open(path, encoding="utf-8") as file:
            password = file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CouchError(f"--password-file {path} cannot be read ({_cause(error)})") from error
    if not password:
        raise CouchError(f"--password-file {path} is empty: its first line must be the password")
    return password


def _without_login(url: str) -> str:
    return url.rsplit("@", 1)[-1]


def _cause(error: BaseException) -> str:
    """The kind of an error without its text, which may repeat addresses at length."""
    return getattr(error, "strerror", None) or type(error).__name__
