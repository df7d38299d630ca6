# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Superset may send to the warehouse: one statement that reads, judged as it is parsed and sent as it was understood.

This is the first fence, at the last place in Superset: the cursor, through which charts, SQL Lab and Superset itself all go.
The wall is PostgreSQL's: what the roles may do (init_db).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.extensions
import sqlglot
from sqlglot import exp

if TYPE_CHECKING:
    from sqlalchemy.engine.url import URL

# The roles with which the warehouse is read, and how long PostgreSQL lets a query of theirs take.
DASHBOARDS, SQL_LAB = "superset_reader", "superset_sqllab"
SECONDS = {DASHBOARDS: 10, SQL_LAB: 60}
# Given with each connection, these hold whatever somebody made of the role's own settings. In UTC, whatever the operator's zone
# is: Superset shows in UTC what has a zone, and PostgreSQL gives one to the month of a day. Times in the operator's zone are
# columns of the marts, without a zone.
_SETTINGS = {"timezone": "UTC", "default_transaction_read_only": "on", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "2min"}
_READS = (exp.Select, exp.SetOperation, exp.Subquery)
# Inside a statement that reads: what writes, locks, or is text that nobody parsed.
_NEVER = (exp.DML, exp.DDL, exp.Into, exp.Lock, exp.Command)
_SHOW = re.compile(r"show [a-z_. ]+", re.IGNORECASE)
_EXPLAIN = re.compile(r"explain\s+(?P<options>(?:analyze\s+)?(?:verbose\s+)?|\([a-z0-9_, ]*\)\s*)(?P<statement>(?:select|with)\b.*)", re.IGNORECASE | re.DOTALL)
# What Superset sends of itself, before a query of somebody who chose a schema, and to stop one.
_OWN = re.compile(r"""set search_path = "[A-Za-z0-9_$-]+"|SELECT pg_terminate_backend\(pid\) FROM pg_stat_activity WHERE pid='\d+'""")
_WRITTEN = {(exp.StrToDate, "%Y-%m-%d"): "date", (exp.StrToTime, "%Y-%m-%d %H:%M:%S.%f"): "timestamptz"}
_DIGITS = re.compile(r"[0-9 :.-]+")
# What PostgreSQL reads as one word, whatever is in it, in a text without comments.
_QUOTED = re.compile(r"""(?<![\w$])[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*["]""", re.DOTALL)
# Outside of those: what ends a statement, or begins a word or a comment that ends who knows where.
_LOOSE = re.compile(r"""[;$\\'"]|--|/\*""")


class Refused(psycopg2.ProgrammingError):
    """A statement that is not sent."""


@lru_cache(maxsize=200)  # what charts ask comes again and again
def permitted(sql: str) -> str:
    """The statement as it is sent. Raises Refused."""
    if _OWN.fullmatch(sql):
        return sql
    if _SHOW.fullmatch(sql.strip().rstrip(";")):
        return sql
    if explained := _EXPLAIN.fullmatch(sql.strip()):
        return f"EXPLAIN {explained['options'].strip()} {_reading(explained['statement'])}"
    return _reading(sql)


def _reading(sql: str) -> str:
    try:
        (statement,) = [statement for statement in sqlglot.parse(sql, dialect="postgres") if statement is not None]
    except (sqlglot.errors.SqlglotError, ValueError) as error:
        raise _refused() from error
    if not isinstance(statement, _READS) or statement.find(*_NEVER):
        raise _refused()
    # Comments are left out: sqlglot's come back as text that may end them.
    text = statement.transform(_constant).sql(dialect="postgres", comments=False)
    # Where PostgreSQL might see an end that sqlglot did not see, nothing is sent.
    if _LOOSE.search(_QUOTED.sub(" ", text)):
        raise _refused()
    return text


def _constant(node: exp.Expression) -> exp.Expression:
    """A day or moment that is written out, as Superset writes the range of a chart: PostgreSQL would work it out for each row again."""
    kind = _WRITTEN.get((type(node), node.text("format")))
    return exp.cast(node.this, kind) if kind and isinstance(node.this, exp.Literal) and _DIGITS.fullmatch(node.this.name) else node


def _refused() -> Refused:
    return Refused("only one SELECT, WITH ... SELECT, EXPLAIN or SHOW can be run here, and nothing that writes")


class Cursor(psycopg2.extensions.cursor):
    """Sends what is permitted."""

    def execute(self, query: Any, vars: Any = None) -> None:  # pylint: disable=redefined-builtin  # psycopg2's name
        # What has parameters is Superset's own, and their values are quoted here.
        text = query if vars is None else self.mogrify(query, vars)
        text = text.decode() if isinstance(text, bytes) else text
        super().execute(permitted(text))

    def executemany(self, query: Any, vars_list: Any) -> None:
        raise _refused()

    def callproc(self, procname: Any, parameters: Any = None) -> None:
        raise _refused()

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        raise _refused()


def fence(uri: URL, params: dict[str, Any], _username: Any, _security_manager: Any, source: Any) -> tuple[URL, dict[str, Any]]:
    """Superset's DB_CONNECTION_MUTATOR: of connections to the warehouse, those of SQL Lab get its role, and all get the cursor."""
    if uri.username == DASHBOARDS:
        role = SQL_LAB if _is_sql_lab(source) else DASHBOARDS
        uri = uri.set(username=role)
        settings = {**_SETTINGS, "statement_timeout": f"{SECONDS[role]}s"}
        params.setdefault("connect_args", {}).update(
            cursor_factory=Cursor, options=" ".join(f"-c{name}={value}" for name, value in settings.items())
        )
    return uri, params


def _is_sql_lab(source: Any) -> bool:
    # A browser says where it comes from, and may say anything: what it asks for counts, too.
    from flask import has_request_context, request  # pylint: disable=import-outside-toplevel  # the tests have none

    return getattr(source, "name", "") == "SQL_LAB" or (has_request_context() and request.path.startswith("/api/v1/sqllab/"))
