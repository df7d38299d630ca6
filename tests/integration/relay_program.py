# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The relay as the program it is, before a real PostgREST."""

from __future__ import annotations

import sys
from pathlib import Path

from servers import ROOT, SECRET, PostgREST

sys.path[:0] = [str(ROOT / path) for path in ("tests/unit/engine", "tests/unit/relay", "roles/base/files", "roles/relay/files")]

# pylint: disable=wrong-import-position
from relay_harness import Program  # noqa: E402


def relay(directory: Path, couchdb_url: str, postgrest: PostgREST, source: str = "a/medic", password: str = "any",
          prefix: list[str] | tuple = (), **settings) -> Program:  # fmt: skip
    """The relay of one database, started, `prefix` before its command; `directory` (made if missing) keeps what belongs to
    this one process.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, secret in (("password", password), ("jwt-secret", SECRET)):
        (directory / name).touch(mode=0o600)
        (directory / name).write_text(secret, encoding="utf-8")
    return Program(
        directory,
        {
            "source": source,
            "couchdb_url": couchdb_url,
            "database": "medic",
            "couchdb_username": "analytics",
            "couchdb_password_file": str(directory / "password"),
            "postgrest_url": postgrest.url,
            "jwt_secret_file": str(directory / "jwt-secret"),
            **settings,
        },
        prefix=prefix,
    )
