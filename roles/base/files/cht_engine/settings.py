# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files (JSON), and the secret files they point to.

A check is a function that returns the value or raises ValueError, which says what the
value must be.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, Type, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
Check = Callable[[Any], Any]


class ConfigError(Exception):
    """A configuration that cannot be used. ``str()`` is one line without any value
    of the file in it: it names the file, and the key where there is one."""


def load(path: str, kind: Type[T], checks: Mapping[str, Check]) -> T:
    """Read the JSON file at ``path`` into the dataclass ``kind``.

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
    try:
        return fill(values, kind, checks)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def fill(values: Any, kind: Type[T], checks: Mapping[str, Check]) -> T:
    """``values`` as ``kind``, checked; a key without a check must be a text.

    Raises ValueError.
    """
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    known = {
        f.name: f.default is MISSING and f.default_factory is MISSING
        for f in fields(kind)  # type: ignore[arg-type] # a dataclass
    }
    for key in values:
        if key not in known:
            raise ValueError(f"key {json.dumps(key)}: unknown")
    for key, required in known.items():
        if required and key not in values:
            raise ValueError(f"key {key}: missing")
    checked: Dict[str, Any] = {}
    for key, value in values.items():
        try:
            checked[key] = checks.get(key, text)(value)
        except ValueError as error:
            raise ValueError(f"key {key}: {error}") from None
    return kind(**checked)


def secret(key: str, path: str) -> str:
    """What the file at ``path``, named by ``key``, holds now. Raises ConfigError."""
    try:
        with open(path, encoding="utf-8") as file:
            value = file.read().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{path}: key {key}: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"{path}: key {key}: not UTF-8") from None
    if not value:
        raise ConfigError(f"{path}: key {key}: the file is empty")
    return value


def text(value: Any) -> str:
    """A text without control characters."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("must be a text of printable characters, not empty")
    return value


def header_text(value: Any) -> str:
    """A text that may stand in an HTTP header."""
    if not text(value).isascii() or value != value.strip():
        raise ValueError("must be a text of ASCII characters without outer spaces")
    return value


def texts(value: Any) -> Tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list):
        raise ValueError("must be a list of texts")
    return tuple(text(item) for item in value)


def optional_text(value: Any) -> Optional[str]:
    """A text, or null."""
    return None if value is None else text(value)


def url(value: Any) -> str:
    """A base URL, without its trailing slash."""
    try:
        parts = urlsplit(text(value))
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


def positive_int(value: Any) -> int:
    """A whole number from 1 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a whole number from 1 on")
    return value


def count(value: Any) -> int:
    """A whole number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a whole number from 0 on")
    return value


def boolean(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def hours(value: Any) -> float:
    """A duration above 0."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):
        raise ValueError("must be a number of hours above 0")
    return value


def seconds(value: Any) -> float:
    """A duration of at most a day."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < value < 86400:
        raise ValueError("must be a number of seconds between 0 and 86400")
    return value
