# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m cht_superset.prune DAYS: deletes what Superset noted of its users' actions and queries longer ago."""

from __future__ import annotations

import sys

import psycopg2

from cht_superset import settings

# The tables that grow for ever, by the column with a row's time in UTC.
_TABLES = {"logs": "dttm", "query": "changed_on"}
_ROWS = 10_000  # in a transaction


def prune(connection, days: int) -> dict[str, int]:
    """Deletes by small transactions, oldest first. Table -> rows deleted. `connection` commits by itself."""
    return {table: _prune(connection, table, column, days) for table, column in _TABLES.items()}


def _prune(connection, table: str, column: str, days: int) -> int:
    delete = f"""DELETE FROM {table} WHERE id IN (
        SELECT id FROM {table} WHERE {column} < now() AT TIME ZONE 'UTC' - make_interval(days => %s) ORDER BY id LIMIT %s)"""
    total = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(delete, (days, _ROWS))
            total += cursor.rowcount
            if cursor.rowcount < _ROWS:
                return total


def main(days: str) -> None:
    connection = psycopg2.connect(settings.read()["SQLALCHEMY_DATABASE_URI"].replace("+psycopg2", "", 1))
    connection.autocommit = True
    try:
        deleted = prune(connection, int(days))
    finally:
        connection.close()
    print(", ".join(f"{table}: {rows} rows deleted" for table, rows in deleted.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
