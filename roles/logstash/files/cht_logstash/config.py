# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file, and the secrets it points to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from cht_engine import settings


@dataclass(frozen=True)
class Feed:
    """One database. The field names are the keys of the file.

    ``number``: its place among the feeds, from 1; part of its variables' names.
    ``pipeline``: the pipeline's id, and the name of its files.
    ``source``: its name in the target database (``<host>/<database>``).
    """

    number: int
    pipeline: str
    source: str
    couchdb_url: str
    database: str
    couchdb_username: str
    couchdb_password_file: str
    couchdb_ca_file: Optional[str] = None

    def password(self) -> str:
        """What the password's file holds now. Raises ConfigError."""
        return settings.secret("couchdb_password_file", self.couchdb_password_file)

    @property
    def account(self) -> Any:
        """What CouchDB locks after refused tries: all databases of it share one."""
        return self.couchdb_url, self.couchdb_username


@dataclass(frozen=True)
class Config:
    """The whole engine. The field names are the keys of the file.

    ``logstash_home``: the unpacked archive. ``java_home``: None for the archive's own.
    ``heap``: of the JVM, in its notation. ``state_dir`` outlives a boot, ``runtime_dir``
    does not. ``api_port``: of Logstash's API, on the loopback.
    ``restart_hours``: age at which Logstash is started again at the latest.
    ``token_hours``: lifetime of the writer's token that each start signs.
    """

    logstash_home: str
    heap: str
    settings_dir: str
    pipelines_dir: str
    state_dir: str
    runtime_dir: str
    api_port: int
    postgrest_url: str
    jwt_secret_file: str
    feeds: List[Feed]
    java_home: Optional[str] = None
    postgrest_ca_file: Optional[str] = None
    restart_hours: float = 24
    token_hours: float = 48

    def jwt_secret(self) -> str:
        """What the secret's file holds now. Raises ConfigError."""
        return settings.secret("jwt_secret_file", self.jwt_secret_file)


def load(path: str) -> Config:
    """Read the JSON file at ``path``; raises ConfigError."""
    return settings.load(path, Config, _CHECKS)


def _feeds(value: Any) -> List[Feed]:
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of feeds, not empty")
    made = [settings.fill(item, Feed, _FEED_CHECKS) for item in value]
    for key in ("number", "pipeline", "source"):
        if len({getattr(feed, key) for feed in made}) < len(made):
            raise ValueError(f"two feeds with the same {key}")
    return made


_FEED_CHECKS: Dict[str, settings.Check] = {
    "number": settings.positive_int,
    "source": settings.header_text,
    "couchdb_url": settings.url,
    "couchdb_ca_file": settings.optional_text,
}
_CHECKS: Dict[str, settings.Check] = {
    "api_port": settings.positive_int,
    "postgrest_url": settings.url,
    "feeds": _feeds,
    "java_home": settings.optional_text,
    "postgrest_ca_file": settings.optional_text,
    "restart_hours": settings.hours,
    "token_hours": settings.hours,
}
