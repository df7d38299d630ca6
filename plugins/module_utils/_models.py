# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dbt left in the warehouse about its models."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils import _postgres

_EXIST = "SELECT to_regclass('marts.sys_dbt_last_run') IS NOT NULL AND to_regclass('marts.sys_dbt_run') IS NOT NULL AS exist"

_MODELS = """
SELECT schema_name AS schema, model, materialized, status,
       extract(epoch FROM clock_timestamp() - started)::float AS age, seconds,
       extract(epoch FROM clock_timestamp() - succeeded)::float AS success_age, lag_seconds AS lag
FROM marts.sys_dbt_last_run ORDER BY schema_name, model
"""

# Of what a variable names and CHT does not have, dashboards show nothing. Where nothing is known yet, nothing is wrong; nor is it where an
# instance has no kind person, which is of the fixed hierarchy.
_KINDS = """
SELECT string_agg(format('%s names %s', variable, contact_type), ', ' ORDER BY variable, contact_type)
           FILTER (WHERE NOT known AND variable <> 'person_types') AS wrong,
       string_agg(DISTINCT contact_type, ', ') FILTER (WHERE known) AS known
FROM marts.sys_contact_type
"""

_TESTS = "SELECT failed FROM marts.sys_dbt_run WHERE tests > 0 ORDER BY started DESC LIMIT 1"


def models(connection) -> tuple[list[dict], int | None]:
    """All models, and how many tests failed when they last ran; ([], None) where dbt has not run yet. Raises psycopg2.Error."""
    if not _postgres.rows(connection, _EXIST)[0]["exist"]:
        return [], None
    tests = _postgres.rows(connection, _TESTS)
    return _postgres.rows(connection, _MODELS), tests[0]["failed"] if tests else None


def warnings(connection) -> list[str]:
    """What keeps dashboards empty though models are well. Raises psycopg2.Error."""
    if not _postgres.rows(connection, "SELECT to_regclass('marts.sys_contact_type') IS NOT NULL AS exist")[0]["exist"]:
        return []
    (kinds,) = _postgres.rows(connection, _KINDS)
    if not kinds["wrong"] or not kinds["known"]:
        return []
    return [f"{kinds['wrong']}, but CHT has no such kind of contact, so dashboards lack it: set dbt_vars to kinds that there are: {kinds['known']}"]
