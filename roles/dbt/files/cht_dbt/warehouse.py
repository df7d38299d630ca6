# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program asks the warehouse itself."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Collection, Iterator, Sequence

import psycopg2

# The newest change that can reach the models, and the newest that did.
_NEWEST = "SELECT saved_timestamp FROM v1.newest_change"
_NEWEST_KEPT = "SELECT max(saved_timestamp) FROM v1.couchdb WHERE NOT _deleted"
_DONE = "SELECT max(saved_timestamp) FROM {schema}.watermark WHERE model = 'document_metadata'"
_DONE_UPSTREAM = "SELECT max(saved_timestamp) FROM {schema}.document_metadata"
# Nothing new for any model, no row to make again, and the last run of all went well. A run an hour is made whatever this says:
# a month may have begun, or somebody have dropped a trigger.
_IDLE = """
SELECT coalesce(
    (SELECT saved_timestamp FROM v1.newest_change) <= (SELECT min(saved_timestamp) FROM dbt.watermark)
    AND NOT EXISTS (SELECT FROM dbt.stale) AND NOT EXISTS (SELECT FROM dbt.document_tally)
    AND (
        SELECT bool_and(status = 'success') AND min(start_time) > now() AT TIME ZONE 'UTC' - interval '1 hour'
        FROM dbt.dbt_results r JOIN (
            SELECT invocation_id FROM dbt.dbt_results WHERE name = 'document_metadata' AND resource_type = 'model' ORDER BY start_time DESC LIMIT 1
        ) last USING (invocation_id)
    ), false)
"""


_KINDS = "SELECT variable, contact_type, known FROM marts.sys_contact_type ORDER BY variable, contact_type COLLATE \"C\""
# dbt's own connections are closed by then.
_HOLDERS = """
SELECT * FROM v1.holders(ARRAY(SELECT oid FROM pg_class WHERE relowner = current_user::regrole AND relkind IN ('r', 'v', 'm'))) WHERE (since < %s) IS NOT FALSE
"""


@dataclass(frozen=True)
class Holder:
    """A session that has locks, by what v1.holders says of it."""

    pid: int
    role: str
    application: str
    since: datetime | None
    transaction: str

    def __str__(self) -> str:
        told = [self.role, *([self.application] if self.application else []), *([f"since {self.since:%Y-%m-%d %H:%M %Z}"] if self.since else [])]
        return f"process {self.pid} ({', '.join(told)})"


def named(holders: Sequence[Holder]) -> str:
    """Who they are, and how one of them is ended; nothing of nobody."""
    if not holders:
        return ""
    shown = ", ".join(map(str, holders[:3])) + (f" and {len(holders) - 3} more" if len(holders) > 3 else "")
    return f"{shown}. The next run tries again; SELECT pg_terminate_backend({holders[0].pid}) ends one"


class Warehouse:
    """Reached as libpq's environment variables say, with dbt's password."""

    def __init__(self, builtin: bool, schema: str = "dbt") -> None:
        """builtin: whether the base models are ours, which keep a watermark. schema: where they are."""
        self._builtin = builtin
        self._schema = schema

    def newest(self) -> datetime | None:
        """Stamp of the newest change."""
        return self._ask(_NEWEST if self._builtin else _NEWEST_KEPT)[0][0]

    def done(self) -> datetime | None:
        """Up to which stamp the first model is done."""
        return self._ask((_DONE if self._builtin else _DONE_UPSTREAM).format(schema=self._schema))[0][0]

    def is_idle(self) -> bool:
        """Whether a run would find nothing to do. False where the base models are not ours, or it cannot be told."""
        return self._builtin and self._ask(_IDLE)[0][0]

    def holders(self, since: datetime) -> list[Holder]:
        """Who has locked models since then or longer."""
        return [Holder(*row) for row in self._ask(_HOLDERS, since)]

    def kinds(self) -> list[tuple[str, str, bool]]:
        """Of each kind of contact the variable that names it, its name, and whether there is such a kind."""
        return [] if self.missing([("marts", "sys_contact_type")]) else self._ask(_KINDS)

    def missing(self, relations: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these are not there; each is a schema and a name."""
        there = self._ask(
            "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = ANY(%s)",
            sorted({schema for schema, _name in relations}),
        )
        return set(relations) - set(there)

    @staticmethod
    def _ask(sql: str, *parameters: object) -> list[tuple]:
        with connect() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall()


@contextmanager
def connect() -> Iterator[Any]:
    """A cursor for statements each on its own."""
    connection = psycopg2.connect(password=os.environ.get("DBT_ENV_SECRET_PASSWORD", ""), connect_timeout=30)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
