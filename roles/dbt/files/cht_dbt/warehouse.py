# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program asks the warehouse itself."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Collection

import psycopg2

# The newest change that can reach the models, and the newest that did.
_NEWEST = "SELECT max(saved_timestamp) FROM v1.couchdb"
_NEWEST_KEPT = "SELECT max(saved_timestamp) FROM v1.couchdb WHERE NOT _deleted"
_DONE = "SELECT max(saved_timestamp) FROM dbt.watermark WHERE model = 'document_metadata'"
_DONE_UPSTREAM = "SELECT max(saved_timestamp) FROM dbt.document_metadata"


class Warehouse:
    """Reached as libpq's environment variables say, with dbt's password."""

    def __init__(self, builtin: bool) -> None:
        """builtin: whether the base models are ours, which keep a watermark."""
        self._builtin = builtin

    def newest(self) -> datetime | None:
        """Stamp of the newest change."""
        return self._ask(_NEWEST if self._builtin else _NEWEST_KEPT)[0][0]

    def done(self) -> datetime | None:
        """Up to which stamp the first model is done."""
        return self._ask(_DONE if self._builtin else _DONE_UPSTREAM)[0][0]

    def missing(self, relations: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these are not there; each is a schema and a name."""
        there = self._ask(
            "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = ANY(%s)",
            sorted({schema for schema, _name in relations}),
        )
        return set(relations) - set(there)

    @staticmethod
    def _ask(sql: str, *parameters: object) -> list[tuple]:
        connection = psycopg2.connect(password=os.environ.get("DBT_ENV_SECRET_PASSWORD", ""), connect_timeout=30)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)
                return cursor.fetchall()
        finally:
            connection.close()
