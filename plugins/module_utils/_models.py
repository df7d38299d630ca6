# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dbt left in the warehouse about its models."""

from __future__ import annotations

_EXIST = "SELECT to_regclass('marts.sys_dbt_last_run') IS NOT NULL AND to_regclass('marts.sys_dbt_run') IS NOT NULL"

_MODELS = """
SELECT schema_name AS schema, model, materialized, status,
       extract(epoch FROM clock_timestamp() - started)::float AS age, seconds,
       extract(epoch FROM clock_timestamp() - succeeded)::float AS success_age, lag_seconds AS lag
FROM marts.sys_dbt_last_run ORDER BY schema_name, model
"""

_TESTS = "SELECT failed FROM marts.sys_dbt_run WHERE tests > 0 ORDER BY started DESC LIMIT 1"


def models(connection) -> tuple[list[dict], int | None]:
    """All models, and how many tests failed when they last ran; ([], None) where dbt has not run yet. Raises psycopg2.Error."""
    with connection.cursor() as cursor:
        cursor.execute(_EXIST)
        if not cursor.fetchone()[0]:
            return [], None
        cursor.execute(_MODELS)
        names = [column.name for column in cursor.description]
        found = [dict(zip(names, row)) for row in cursor.fetchall()]
        cursor.execute(_TESTS)
        tests = cursor.fetchone()
    return found, tests[0] if tests else None
