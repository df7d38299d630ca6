# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file, and the secrets it points to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple

from cht_engine import settings
from cht_engine.stalling import STALLED


@dataclass(frozen=True)
class Secrets:
    """What the secret files held when they were read."""

    password: str = field(repr=False)
    jwt_secret: str = field(repr=False)


@dataclass(frozen=True)
class Config:
    """One source. The field names are the keys of the file.

    ``source``: its name in the target database (``<host>/<database>``).
    ``couchdb_url``, ``postgrest_url``: base URLs, without a trailing slash.
    ``database``: the name as CouchDB knows it, not URL-quoted.
    ``*_ca_file``: PEM file to trust instead of the system's store; None for the latter.
    ``page_rows``: the most rows asked of CouchDB at a time.
    ``page_bytes``: how long such a page should be; rows are asked for accordingly.
    ``max_document_bytes``: a longer change stops the source.
    ``skip_id_prefixes``: documents whose id begins with one of them are not copied.
    ``runtime_dir``: what all relays of the machine share; None for a relay on its own.
    ``token_hours``: lifetime of the writer's tokens.
    ``read_timeout``: seconds without a byte of CouchDB after which an answer is given up.
    ``call_timeout``: seconds until an answer of PostgREST begins, its database's work.
    ``poll_timeout``: seconds CouchDB may hold a longpoll without news.
    """

    source: str
    couchdb_url: str
    database: str
    couchdb_username: str
    couchdb_password_file: str
    postgrest_url: str
    jwt_secret_file: str
    couchdb_ca_file: Optional[str] = None
    postgrest_ca_file: Optional[str] = None
    page_rows: int = 500
    page_bytes: int = 8 << 20
    max_document_bytes: int = 64 << 20
    skip_id_prefixes: Tuple[str, ...] = ()
    runtime_dir: Optional[str] = None
    token_hours: float = 1
    read_timeout: float = STALLED
    call_timeout: float = 300
    poll_timeout: float = 25

    def secrets(self) -> Secrets:
        """Read the secret files as they are now.

        Raises ConfigError when one of them cannot be used.
        """
        return Secrets(
            password=settings.secret(
                "couchdb_password_file", self.couchdb_password_file
            ),
            jwt_secret=settings.secret("jwt_secret_file", self.jwt_secret_file),
        )


_CHECKS: Dict[str, settings.Check] = {
    "source": settings.header_text,
    "couchdb_url": settings.url,
    "postgrest_url": settings.url,
    "couchdb_ca_file": settings.optional_text,
    "postgrest_ca_file": settings.optional_text,
    "page_rows": settings.positive_int,
    "page_bytes": settings.positive_int,
    "max_document_bytes": settings.positive_int,
    "skip_id_prefixes": settings.texts,
    "runtime_dir": settings.optional_text,
    "token_hours": settings.hours,
    "read_timeout": settings.seconds,
    "call_timeout": settings.seconds,
    "poll_timeout": settings.seconds,
}


def load(path: str) -> Config:
    """Read the JSON file at ``path``; raises ConfigError."""
    return settings.load(path, Config, _CHECKS)
