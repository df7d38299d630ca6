# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file, and the secrets it points to."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Callable, Dict, Optional
from urllib.parse import urlsplit


class ConfigError(Exception):
    """A configuration that cannot be used. ``str()`` is one line without any value
    of the file in it: it names the file, and the key where there is one."""


@dataclass(frozen=True)
class Secrets:
    """What the secret files held when they were read."""

    password: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True)
class Config:
    """One source. The field names are the keys of the file.

    ``source``: its name in the target database (``<host>/<database>``).
    ``couchdb_url``, ``postgrest_url``: base URLs, without a trailing slash.
    ``database``: the name as CouchDB knows it, not URL-quoted.
    ``*_ca_file``: PEM file to trust instead of the system's store; None for the latter.
    ``page_rows``: the most rows asked of CouchDB at a time.
    ``read_timeout``: seconds without a byte after which an answer is given up.
    ``poll_timeout``: seconds CouchDB may hold a longpoll without news.
    """

    source: str
    couchdb_url: str
    database: str
    couchdb_username: str
    couchdb_password_file: str
    postgrest_url: str
    token_file: str
    couchdb_ca_file: Optional[str] = None
    postgrest_ca_file: Optional[str] = None
    page_rows: int = 500
    read_timeout: float = 300
    poll_timeout: float = 25

    def secrets(self) -> Secrets:
        """Read the secret files as they are now.

        Raises ConfigError when one of them cannot be used.
        """
        token = _read("token_file", self.token_file).strip()
        if not (token.isascii() and token.isprintable()):
            raise ConfigError(f"{self.token_file}: key token_file: not a token")
        return Secrets(
            password=_read("couchdb_password_file", self.couchdb_password_file),
            token=token,
        )


def load(path: str) -> Config:
    """Read the JSON file at ``path``.

    Raises ConfigError for a file that cannot be read, is not one JSON object, or has
    missing, unknown or unusable keys.
    """
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"{path}: not JSON") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: not a JSON object")
    known = {f.name: f.default is MISSING for f in fields(Config)}
    for key in values:
        if key not in known:
            raise ConfigError(f"{path}: key {json.dumps(key)}: unknown")
    for key, required in known.items():
        if required and key not in values:
            raise ConfigError(f"{path}: key {key}: missing")
    checked: Dict[str, Any] = {}
    for key, value in values.items():
        try:
            checked[key] = _CHECKS.get(key, _text)(value)
        except ValueError as error:
            raise ConfigError(f"{path}: key {key}: {error}") from None
    return Config(**checked)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("must be a text of printable characters, not empty")
    return value


def _header_text(value: Any) -> str:
    if not _text(value).isascii() or value != value.strip():
        raise ValueError("must be a text of ASCII characters without outer spaces")
    return value


def _optional_text(value: Any) -> Optional[str]:
    return None if value is None else _text(value)


def _url(value: Any) -> str:
    try:
        parts = urlsplit(_text(value))
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:  # its text may quote the URL
        usable = False
    if not usable:
        raise ValueError("must be an http or https URL")
    if "@" in parts.netloc:
        raise ValueError("must hold no user name and no password")
    if parts.query or parts.fragment:
        raise ValueError("must have no query and no fragment")
    return value.rstrip("/")


def _positive_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a whole number from 1 on")
    return value


def _seconds(value: Any) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < value < 86400:
        raise ValueError("must be a number of seconds between 0 and 86400")
    return value


_CHECKS: Dict[str, Callable[[Any], Any]] = {
    "source": _header_text,
    "couchdb_url": _url,
    "postgrest_url": _url,
    "couchdb_ca_file": _optional_text,
    "postgrest_ca_file": _optional_text,
    "page_rows": _positive_int,
    "read_timeout": _seconds,
    "poll_timeout": _seconds,
}


def _read(key: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            secret = file.read().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{path}: key {key}: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"{path}: key {key}: not UTF-8") from None
    if not secret:
        raise ConfigError(f"{path}: key {key}: the file is empty")
    return secret
