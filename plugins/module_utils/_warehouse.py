# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a database to what a bundle of SQL says, in one transaction, and tells what changed by looking."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils import _adoption, _catalog, _settings, _sources
from ansible_collections.cht.sync.plugins.module_utils._postgres import psycopg2
from ansible_collections.cht.sync.plugins.module_utils._sql_bundle import checksum, migration_version

# Any number, the same for every run: two runs at once wait for one another.
RUN_LOCK = 20261124


class WarehouseError(Exception):
    """What is wrong with the database, or with the SQL for it, and the remedy."""


class Warehouse:
    """One database. `schemas` is a list of {"name", "owner"}; the first one keeps the record of migrations."""

    def __init__(self, connection, owner: str, schemas: list[dict]) -> None:
        self.connection = connection
        self.owner = owner
        self.schemas = schemas
        self.home = schemas[0]["name"]
        self.queries: list[str] = []

    def converge(self, bundle: dict, sources: list[dict], dry_run: bool, renames=(), adopt=(), settings=None, roles=()) -> dict:
        """Applies everything, and keeps it only if something changed and this is no dry run.

        In a dry run those of `roles` (names) and the owners that do not exist yet are made for as long as it takes.
        Returns the module's result. Raises WarehouseError; then nothing has changed.
        """
        try:
            with self.connection.cursor() as cursor:
                if dry_run:
                    self._create_missing_roles(cursor, roles)
                return self._converge(cursor, bundle, sources, dry_run, renames, adopt, settings or {})
        except psycopg2.Error as error:
            raise WarehouseError(self._describe(error)) from error
        finally:
            self.connection.rollback()

    def adopt(self, seconds: float) -> bool:
        """Takes over rows of upstream's tables, for about so long. Tells whether there were any to read.

        Raises WarehouseError; then what was committed before stays, and a later call goes on from there.
        """
        try:
            return _adoption.copy(self.connection, seconds, WarehouseError)
        except psycopg2.Error as error:
            raise WarehouseError(f"Adoption stopped, and goes on with the next run: {self._describe(error)}") from error

    def drop_adopted(self, dry_run: bool) -> bool:
        """Drops upstream's tables that are taken over. Tells whether there were any. Raises WarehouseError."""
        try:
            return _adoption.drop(self.connection, dry_run, self.queries, WarehouseError)
        except psycopg2.Error as error:
            raise WarehouseError(self._describe(error)) from error
        finally:
            self.connection.rollback()

    def adoptions(self) -> list[dict]:
        """What was and is taken over, as the module returns it."""
        with self.connection.cursor() as cursor:
            return _adoption.read(cursor)

    def _converge(self, cursor, bundle, sources, dry_run, renames, adopt, settings):
        cursor.execute("SET LOCAL lock_timeout = '60s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (RUN_LOCK,))
        names = [schema["name"] for schema in self.schemas]
        before = _catalog.describe(cursor, names)
        _adoption.make_way(cursor, self.home, adopt, self.queries, WarehouseError)
        self._create_schemas(cursor)
        self._create_record(cursor)
        pending = self._pending_migrations(cursor, bundle["migrations"])
        for file in pending:
            self._run_as_owner(cursor, file)
            cursor.execute(
                f"INSERT INTO {_quoted(self.home)}.schema_migration (version, name, sha256) VALUES (%s, %s, %s)",
                (migration_version(file["name"]), file["name"], checksum(file["sql"])),
            )
        for file in bundle["functions"]:
            self._run_as_owner(cursor, file)

        inventory_before = _inventory_text(cursor)
        _settings.converge(cursor, settings, self.queries)
        _sources.rename(cursor, renames, sources, dry_run, self.queries, WarehouseError)
        _sources.converge(cursor, sources, self.queries, WarehouseError)
        _adoption.register(cursor, adopt, sources, renames, self.queries, WarehouseError)
        inventory_after = _inventory_text(cursor)

        for file in bundle["grants"]:
            self._run(cursor, file)
        after = _catalog.describe(cursor, names)
        outcome = {
            "changed": bool(pending) or before != after or inventory_before != inventory_after,
            "version": len(bundle["migrations"]),
            "migrations": [file["name"] for file in pending],
            "sources": _sources.read(cursor),
            "adoption": _adoption.read(cursor),
            "diff": {
                "before": _catalog.as_text(before) + inventory_before,
                "after": "".join(f"-- {file['name']}\n{file['sql']}" for file in pending)
                + _catalog.as_text(after)
                + inventory_after,
            },
        }
        outcome["queries"] = self.queries if outcome["changed"] else []
        if outcome["changed"] and not dry_run:
            self.connection.commit()
        return outcome

    def _create_missing_roles(self, cursor, roles):
        wanted = {self.owner, *(schema["owner"] for schema in self.schemas), *roles}
        cursor.execute(
            "SELECT name FROM unnest(%s) AS name WHERE to_regrole(quote_ident(name)) IS NULL ORDER BY 1", (list(wanted),)
        )
        for (role,) in cursor.fetchall():
            cursor.execute(f"CREATE ROLE {_quoted(role)} NOLOGIN")

    def _create_schemas(self, cursor):
        for schema in self.schemas:
            name, owner = schema["name"], schema["owner"]
            cursor.execute(
                "SELECT pg_get_userbyid(n.nspowner), (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid) "
                "FROM pg_namespace n WHERE n.nspname = %s",
                (name,),
            )
            there = cursor.fetchone()
            if not there:
                self._execute(cursor, f"CREATE SCHEMA {_quoted(name)} AUTHORIZATION {_quoted(owner)}")
            elif there[0] == owner:
                continue
            elif there[1] and name != self.home:
                raise WarehouseError(
                    f"Schema {name} is {there[0]}'s and not empty, while {owner} is to make its tables there. If it holds the "
                    f"models of another cht-sync, put them aside: ALTER SCHEMA {_quoted(name)} RENAME TO upstream_{name}"
                )
            else:
                self._execute(cursor, f"ALTER SCHEMA {_quoted(name)} OWNER TO {_quoted(owner)}")

    def _create_record(self, cursor):
        cursor.execute("SELECT to_regclass(%s)", (f"{_quoted(self.home)}.schema_migration",))
        if cursor.fetchone()[0] is None:
            self._execute(
                cursor,
                f"CREATE TABLE {_quoted(self.home)}.schema_migration (version integer PRIMARY KEY, name text NOT NULL, "
                "sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
            )

    def _pending_migrations(self, cursor, files):
        cursor.execute(f"SELECT version, name, sha256 FROM {_quoted(self.home)}.schema_migration ORDER BY version")
        applied = {version: (name, sha256) for version, name, sha256 in cursor.fetchall()}
        if applied and max(applied) > len(files):
            raise WarehouseError(
                f"The database is at schema version {max(applied)} ({applied[max(applied)][0]}), this release of cht.sync "
                f"only knows {len(files)}: a downgrade is refused. Deploy with the release that made it, or a newer one."
            )
        pending = []
        for file in files:
            known = applied.get(migration_version(file["name"]))
            if known is None:
                pending.append(file)
            elif known != (file["name"], checksum(file["sql"])):
                raise WarehouseError(
                    f"Migration {file['name']} differs from {known[0]} as it ran on this database. "
                    "A migration that has run is never edited: restore the file and put the change into a new one."
                )
        return pending

    def _run_as_owner(self, cursor, file):
        cursor.execute(f"SET LOCAL ROLE {_quoted(self.owner)}")
        self._run(cursor, file)
        cursor.execute("RESET ROLE")

    def _run(self, cursor, file):
        try:
            self._execute(cursor, file["sql"])
        except psycopg2.Error as error:
            raise WarehouseError(f"{file['name']}: {self._describe(error)}") from error

    def _execute(self, cursor, sql):
        self.queries.append(sql)
        cursor.execute(sql)

    @staticmethod
    def _describe(error) -> str:
        diagnostics = error.diag
        said, detail = diagnostics.message_primary or str(error).strip(), diagnostics.message_detail
        # Of a violated constraint the detail is the row; of data that has no such type, message and detail quote it.
        if (error.pgcode or "")[:2] in ("22", "23"):
            said, detail = said.partition(': "')[0], None
        parts = [said, detail, diagnostics.message_hint]
        return f"{'. '.join(part for part in parts if part)} (SQLSTATE {error.pgcode})"


def _inventory_text(cursor) -> str:
    return (
        _settings.as_text(_settings.read(cursor))
        + _sources.as_text(_sources.read(cursor))
        + _adoption.as_text(_adoption.read(cursor))
    )


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
