# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench copies from: the page server, or a CouchDB of yours."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import requests

HERE = Path(__file__).resolve().parent


class Source:
    """A database of its own in a CouchDB, removed in the end. `pid`: the server's where it is ours, else None."""

    def __init__(self, url: str, database: str, user: str, password: str, pid: int | None = None) -> None:
        self.url, self.database, self.user, self.password, self.pid = url.rstrip("/"), database, user, password, pid
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (user.encode(), password.encode())  # as bytes: texts would go out as Latin-1
        self._ask("PUT", "", None)

    @property
    def database_url(self) -> str:
        return f"{self.url}/{self.database}"

    @property
    def url_with_credentials(self) -> str:
        parts = urlsplit(self.database_url)
        return urlunsplit(parts._replace(netloc=f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@{parts.netloc}"))

    def fill(self, texts: list[str]) -> None:
        """Stores documents under the revisions they have."""
        for start in range(0, len(texts), 1000):
            docs = ",".join(texts[start : start + 1000])
            self._ask("POST", "/_bulk_docs", f'{{"new_edits":false,"docs":[{docs}]}}'.encode())

    def put(self, id_: str, content: bytes) -> None:
        self._ask("PUT", f"/{id_}", content)

    def remove(self) -> None:
        self._ask("DELETE", "", None)

    def _ask(self, method: str, path: str, content: bytes | None) -> None:
        headers = {"Content-Type": "application/json"}
        answer = self.session.request(method, self.database_url + path, data=content, headers=headers, timeout=300)
        assert answer.ok, f"{method} {path or self.database}: {answer.status_code}"


class Ours:
    """The page server, in a process of its own."""

    def __enter__(self) -> Source:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "page_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return Source(self.process.stdout.readline().strip(), "medic", "any", "any", self.process.pid)

    def __exit__(self, *_) -> None:
        self.process.communicate()  # closes its input, at which it ends


class Yours:
    """The CouchDB at CHT_BENCH_COUCHDB_URL, in a new database of a random name."""

    def __enter__(self) -> Source:
        variable = "CHT_BENCH_COUCHDB_PASSWORD"
        password = os.environ.get(variable) or Path(os.environ[f"{variable}_FILE"]).read_text(encoding="utf-8").rstrip("\r\n")
        name = f"cht_sync_bench_{secrets.token_hex(6)}"
        self.source = Source(os.environ["CHT_BENCH_COUCHDB_URL"], name, os.environ["CHT_BENCH_COUCHDB_USER"], password)
        return self.source

    def __exit__(self, *_) -> None:
        self.source.remove()


def source() -> Ours | Yours:
    return Yours() if os.environ.get("CHT_BENCH_COUCHDB_URL") else Ours()
