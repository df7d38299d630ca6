# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of SQL that init_db applies: migrations, functions, grants. Read on the controller or the target."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

MIGRATION_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


class BundleError(ValueError):
    """The directory is not what init_db expects; the message names the file and what is wrong."""


def read_bundle(directory: str) -> dict:
    """Reads a bundle as plain data: {"migrations": [file], "functions": [file], "grants": [file]}.

    A file is {"name": str, "sql": str}. Raises BundleError for a missing directory, a badly named, duplicate or
    missing migration, and text that is not UTF-8.
    """
    root = Path(directory)
    if not root.is_dir():
        raise BundleError(f"{directory} is not a directory")
    bundle = {
        "migrations": _read(sorted((root / "migrations").glob("*.sql"))),
        "functions": _read(sorted((root / "functions").glob("*.sql"))),
        "grants": _read([root / name for name in ("grants.sql", "roles.sql") if (root / name).exists()]),
    }
    check_bundle(bundle, directory)
    return bundle


def check_bundle(bundle: dict, directory: str) -> None:
    """Raises BundleError unless migrations are numbered 0001, 0002, ... without a gap."""
    names = [file["name"] for file in bundle["migrations"]]
    if not names:
        raise BundleError(f"{directory}/migrations holds no *.sql file")
    for position, name in enumerate(names, start=1):
        match = MIGRATION_NAME.match(name)
        if not match:
            raise BundleError(f"migration {name} is not named NNNN_lower_case.sql")
        if int(match.group(1)) != position:
            raise BundleError(f"migration {name} should be number {position:04d}: numbers neither repeat nor skip")


def migration_version(name: str) -> int:
    """The number in front of a migration's name."""
    return int(name.split("_", 1)[0])


def checksum(sql: str) -> str:
    """SHA-256 of a file's text, in hex."""
    return hashlib.sha256(sql.encode()).hexdigest()


def _read(paths: list[Path]) -> list[dict]:
    files = []
    for path in paths:
        try:
            files.append({"name": path.name, "sql": path.read_text(encoding="utf-8")})
        except UnicodeDecodeError as error:
            raise BundleError(f"{path} is not UTF-8 text: {error}") from error
    return files
