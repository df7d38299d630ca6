# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to the warehouse that are kept, and used for one query after another.

Superset makes an engine and a connection for each query, which costs Superset and PostgreSQL more than most queries of a dashboard.
"""

from __future__ import annotations

import threading
from typing import Any, Callable

import psycopg2.extensions
import sqlalchemy
from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import URL
from sqlalchemy.pool import QueuePool

from cht_superset.statements import Cursor

# A worker keeps so many of each role's; more are made where more are asked for at once, which its threads limit.
KEPT = 4
# Seconds: what a connection of PostgreSQL's keeps of tables that were made again is given back.
LONGEST = 600
_POOL = {
    "poolclass": QueuePool,
    "pool_size": KEPT,
    "max_overflow": -1,
    "pool_recycle": LONGEST,
    "pool_pre_ping": True,
    "pool_use_lifo": True,
    "pool_reset_on_return": None,  # _forget does
}


class Engines:
    """SQLAlchemy's create_engine, but engines of the warehouse are made once."""

    def __init__(self, create: Callable[..., Engine]) -> None:
        self._create = create
        self._engines: dict[tuple[URL, str], Engine] = {}
        self._lock = threading.Lock()

    def __call__(self, url: URL, **params: Any) -> Engine:
        arguments = params.get("connect_args", {})
        if arguments.get("cursor_factory") is not Cursor:
            return self._create(url, **params)
        key = url, repr(sorted(arguments.items()))
        with self._lock:
            if key not in self._engines:
                engine = self._create(url, **{**params, **_POOL})
                sqlalchemy.event.listen(engine, "reset", _forget)
                self._engines[key] = engine
            return self._engines[key]


def _forget(connection: Any, _record: Any) -> None:
    """Nothing that a query made of its session is there for the next one."""
    connection.rollback()
    connection.set_session(autocommit=True)
    # Not by the cursor that refuses what does not read.
    with connection.cursor(cursor_factory=psycopg2.extensions.cursor) as cursor:
        cursor.execute("DISCARD ALL")
    connection.set_session(autocommit=False)


def keep() -> None:
    """Makes Superset use them. For its FLASK_APP_MUTATOR."""
    from superset.models import core  # pylint: disable=import-outside-toplevel  # it takes seconds

    core.create_engine = Engines(core.create_engine)
