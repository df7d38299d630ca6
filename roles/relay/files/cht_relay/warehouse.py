# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the warehouse tells role monitor: ids and revisions, and no document."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import psycopg2
from psycopg2 import extensions, extras

from cht_engine.errors import Refused
from cht_relay import names
from cht_relay.compare import Row, Stored

_PAGE = 5000  # rows


@dataclass(frozen=True)
class Server:
    """How to connect. ``ca_file``: PEM file; None where the server is not checked."""

    host: str
    port: int
    database: str
    user: str
    ssl_mode: str
    ca_file: Optional[str]


@dataclass(frozen=True)
class Delivered:
    """How far the source is: whether a position is stored, and what CouchDB said is
    pending after it (None: it does not report it)."""

    begun: bool
    pending: Optional[int]


class Warehouse:
    """The rows of one source. Ids are the documents' own. Each method raises Refused."""

    def __init__(self, server: Server, password: str, source: str) -> None:
        self._server = server
        self._password = password
        self._source = source
        self._connection = self._connect()
        self._connection.autocommit = True  # each question sees what is there then

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def delivered(self) -> Delivered:
        """How far the source is."""
        rows = self._ask(
            "SELECT seq IS NOT NULL, pending FROM v1.sync_status WHERE source = %s",
            (self._source,),
        )
        if not rows:
            raise Refused(
                f"PostgreSQL does not know the source {self._source}: run site.yml"
            )
        return Delivered(*rows[0])

    def rows(self) -> Iterator[Row]:
        """Id and revision of every document that is not deleted, in order of ids."""
        with self._told(), closing(self._connect()) as connection:
            cursor = connection.cursor("parity")  # a named one stays at the server
            cursor.itersize = _PAGE
            cursor.execute(
                "SELECT _id, original, _rev FROM v1.document_revision"
                ' WHERE source = %s AND NOT _deleted ORDER BY _id COLLATE "C"',
                (self._source,),
            )
            yield from ((names.original(i, text), rev) for i, text, rev in cursor)

    def some(self, first: str, limit: int) -> List[str]:
        """At most ``limit`` ids from ``first`` on, in the order of the index."""
        rows = self._ask(
            "SELECT _id, original FROM v1.document_revision"
            " WHERE _id >= %s AND source = %s AND NOT _deleted ORDER BY _id LIMIT %s",
            (names.stored(first), self._source, limit),
        )
        return [names.original(*row) for row in rows]

    def states(self, ids: Sequence[str]) -> Dict[str, Stored]:
        """What is stored of ``ids``, whosever they are."""
        rows = self._ask(
            "SELECT _id, original, _rev, _deleted, source FROM v1.document_revision"
            " WHERE _id = ANY(%s)",
            ([names.stored(id_) for id_ in ids],),
        )
        return {names.original(*row[:2]): Stored(*row[2:]) for row in rows}

    def kept_apart(self, ids: Sequence[str]) -> Dict[str, str]:
        """The reasons of those of ``ids`` that are in quarantine."""
        rows = self._ask(
            "SELECT id, reason FROM v1.quarantined_document"
            " WHERE source = %s AND id = ANY(%s)",
            (self._source, [names.kept_apart(id_) for id_ in ids]),
        )
        reasons = dict(rows)
        kept = {id_: reasons.get(names.kept_apart(id_)) for id_ in ids}
        return {id_: reason for id_, reason in kept.items() if reason is not None}

    def _ask(self, query: str, values: Tuple[Any, ...]) -> List[Tuple[Any, ...]]:
        with self._told(), self._connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def _connect(self) -> extensions.connection:
        server = self._server
        with self._told():
            extensions.set_wait_callback(None)  # else connect_timeout counts for nothing
            made = psycopg2.connect(
                host=server.host,
                port=server.port,
                dbname=server.database,
                user=server.user,
                password=self._password,
                sslmode=server.ssl_mode,
                sslrootcert=server.ca_file,
                connect_timeout=10,
                keepalives_idle=60,
                client_encoding="UTF8",
                application_name="cht-relay parity",
            )
        extensions.set_wait_callback(
            extras.wait_select
        )  # lets signals in while it waits
        return made

    @contextmanager
    def _told(self) -> Iterator[None]:
        server = self._server
        where = f"{server.host}, port {server.port}, database {server.database}"
        try:
            yield
        except (psycopg2.errors.UndefinedTable, psycopg2.errors.InsufficientPrivilege):
            raise Refused(
                f"PostgreSQL at {where} does not show {server.user} what is compared:"
                " run site.yml"
            ) from None
        except psycopg2.Error as error:
            said = " ".join(str(error).split())
            raise Refused(
                f"PostgreSQL at {where} does not answer {server.user}: {said}. Check that"
                " it runs, and run site.yml if the password was changed"
            ) from None
