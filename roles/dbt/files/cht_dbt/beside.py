# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that are made beside those in use, in a schema of their own, and then take their place.

What is replaced goes into a third schema in the same transaction, and is dropped once nobody reads it. So each name always has
its table or view. Who reads waits LONGEST_WAIT at most; where somebody reads for longer, it is the swap that tries again.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Callable, Collection, Mapping, Sequence

import psycopg2
from psycopg2 import errors

from cht_dbt.warehouse import Holder, connect, named

log = logging.getLogger(__name__)

IN_USE, NEXT, OLD = "dbt", "dbt_next", "dbt_old"
# Less than deadlock_timeout (1 s): after that PostgreSQL could end a reader that has one table and waits for another.
LONGEST_WAIT = "900ms"
PAUSE = 3.0  # seconds between two tries, in which all who waited go on
# Of the project's macros, made at the start of each run
_OWN_TABLES = ("watermark", "stale", "project_model")
ROOM = 1.25  # of the size of what is in use: the new tables take about that, and indexes are sorted on the disk

_TABLES_AND_VIEWS = "relkind IN ('r', 'p', 'v', 'm', 'f')"
_KIND = "CASE %s.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END"
_ROUTINE = "format('%%I.%%I(%%s)', p.pronamespace::regnamespace, p.proname, pg_get_function_identity_arguments(p.oid))"

_DROPS = f"""
SELECT 'DROP ' || {_KIND % 'c'} || format(' IF EXISTS %%I.%%I CASCADE', c.relnamespace::regnamespace, c.relname)
FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace AND {_TABLES_AND_VIEWS} AND c.oid <> ALL (%(kept)s::oid[])
UNION ALL
SELECT 'DROP ROUTINE IF EXISTS ' || {_ROUTINE} || ' CASCADE' FROM pg_proc p WHERE p.pronamespace = %(schema)s::regnamespace
"""
# What must stay of earlier swaps gets a name that no other has.
_WAY = f"""
SELECT format('ALTER %%s {OLD}.%%I RENAME TO old_%%s', CASE c.relkind WHEN 'i' THEN 'INDEX' ELSE {_KIND % 'c'} END, c.relname, c.oid)
FROM pg_class c WHERE c.relnamespace = '{OLD}'::regnamespace AND (c.relkind = 'i' OR c.{_TABLES_AND_VIEWS}) AND c.relname <> 'old_' || c.oid
UNION ALL
SELECT 'DROP ROUTINE ' || {_ROUTINE} || ' CASCADE' FROM pg_proc p WHERE p.pronamespace = '{OLD}'::regnamespace
"""
# Of what was replaced, what views elsewhere still read, with what that reads in turn.
_STILL_READ = f"""
WITH RECURSIVE reads AS (
    SELECT DISTINCT r.ev_class AS reader, d.refobjid AS read
    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND r.ev_class <> d.refobjid
), old AS (
    SELECT oid FROM pg_class WHERE relnamespace = '{OLD}'::regnamespace
), still (reader, read) AS (
    SELECT reader, read FROM reads WHERE read IN (TABLE old) AND reader NOT IN (TABLE old)
    UNION
    SELECT still.reader, reads.read FROM still JOIN reads ON reads.reader = still.read WHERE reads.read IN (TABLE old)
)
SELECT reader::regclass::text, read FROM still
"""
_OWNED = "SELECT oid FROM pg_class WHERE relowner = current_user::regrole AND relkind IN ('r', 'v')"
# A run that was killed may have left a query behind that goes on.
_END_OTHERS = f"""
SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a
WHERE a.usename = current_user AND a.pid <> pg_backend_pid() AND a.pid IN (
    SELECT l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relnamespace = '{NEXT}'::regnamespace)
"""
_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_class c JOIN unnest(%s, %s) used (name, schema) ON c.relname = used.name AND c.relnamespace = to_regnamespace(quote_ident(used.schema))
"""
# Each new table or view, with what it takes the place of. Views come first, as they do for who reads them.
_PAIRS = f"""
SELECT c.oid AS new, c.relname AS name, {_KIND % 'c'} AS kind, used.schema, o.oid AS old, {_KIND % 'o'} AS old_kind
FROM pg_class c
JOIN unnest(%s, %s) used (name, schema) ON used.name = c.relname
LEFT JOIN pg_class o ON o.relname = c.relname AND o.relnamespace = used.schema::regnamespace AND o.{_TABLES_AND_VIEWS}
WHERE c.relnamespace = '{NEXT}'::regnamespace AND c.{_TABLES_AND_VIEWS}
ORDER BY c.relkind NOT IN ('v', 'm'), c.relname
"""
# What others may do with what is replaced they may do with the new one, and what is new gets its schema's default.
_GRANTS = f"""
SELECT format('GRANT %%s ON {NEXT}.%%I TO %%s%%s', acl.privilege_type, pair.name,
              CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END, CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' END)
FROM pair
LEFT JOIN pg_class o ON o.oid = pair.old
LEFT JOIN pg_default_acl d
    ON pair.old IS NULL AND d.defaclnamespace = pair.schema::regnamespace AND d.defaclrole = current_user::regrole AND d.defaclobjtype = 'r'
CROSS JOIN LATERAL aclexplode(coalesce(o.relacl, d.defaclacl)) acl
WHERE acl.grantee <> current_user::regrole
UNION ALL
SELECT format('GRANT %%s (%%I) ON {NEXT}.%%I TO %%s', acl.privilege_type, a.attname, pair.name,
              CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END)
FROM pair
JOIN pg_attribute b ON b.attrelid = pair.old AND b.attnum > 0 AND NOT b.attisdropped
JOIN pg_attribute a ON a.attrelid = pair.new AND a.attname = b.attname AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN LATERAL aclexplode(b.attacl) acl
"""
_COMMENTS = f"""
SELECT CASE d.objsubid WHEN 0 THEN format('COMMENT ON %%s {NEXT}.%%I IS %%L', pair.kind, pair.name, d.description)
       ELSE format('COMMENT ON COLUMN {NEXT}.%%I.%%I IS %%L', pair.name, a.attname, d.description) END
FROM pair
JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = pair.old
LEFT JOIN pg_attribute b ON b.attrelid = pair.old AND b.attnum = d.objsubid
LEFT JOIN pg_attribute a ON a.attrelid = pair.new AND a.attname = b.attname AND d.objsubid > 0
WHERE (d.objsubid = 0 OR a.attname IS NOT NULL)
  AND NOT EXISTS (SELECT FROM pg_description n WHERE n.classoid = d.classoid AND n.objoid = pair.new AND n.objsubid = coalesce(a.attnum, 0))
"""
# Views of the models' owner that read what is replaced and are not replaced, or are new and name it without a ref: they then
# read the new ones. Others' are not ours to change. The first statement only locks the view: LOCK would lock all that it reads.
_VIEWS_ELSEWHERE = """
SELECT DISTINCT v.oid,
       format('ALTER VIEW %%I.%%I OWNER TO CURRENT_USER;', v.relnamespace::regnamespace, v.relname),
       format('CREATE OR REPLACE VIEW %%s.%%I AS %%s', coalesce(quote_ident(new.schema), v.relnamespace::regnamespace::text),
              v.relname, pg_get_viewdef(v.oid))
FROM pair
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = pair.old
JOIN pg_rewrite r ON r.oid = d.objid
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' AND v.relowner = current_user::regrole
LEFT JOIN pair new ON new.new = v.oid
WHERE v.oid NOT IN (SELECT old FROM pair WHERE old IS NOT NULL) AND v.relnamespace <> %(old)s::regnamespace
ORDER BY v.oid
"""
# Foreign keys of the models' owner on what is replaced, of what stays or names it without a ref: they go to the new ones. What
# is there was checked already.
_KEYS_ELSEWHERE = """
SELECT format('ALTER TABLE %%I.%%I DROP CONSTRAINT %%I;', c.relnamespace::regnamespace, c.relname, k.conname),
       format('ALTER TABLE %%I.%%I ADD CONSTRAINT %%I %%s NOT VALID', coalesce(new.schema, c.relnamespace::regnamespace::text), c.relname,
              k.conname, replace(pg_get_constraintdef(k.oid), ' NOT VALID', ''))
FROM pg_constraint k
JOIN pair ON pair.old = k.confrelid
JOIN pg_class c ON c.oid = k.conrelid AND c.relowner = current_user::regrole AND c.relnamespace <> %(old)s::regnamespace
LEFT JOIN pair new ON new.new = c.oid
WHERE k.contype = 'f' AND c.oid NOT IN (SELECT old FROM pair WHERE old IS NOT NULL)
"""
_ROUTINES = f"""
SELECT {_ROUTINE} AS new, format('{IN_USE}.%%I(%%s)', p.proname, pg_get_function_identity_arguments(p.oid)) AS used, o.oid IS NOT NULL AS replaces,
       (SELECT substr(setting, length('search_path=') + 1) FROM unnest(p.proconfig) setting WHERE setting ^@ 'search_path=') AS path
FROM pg_proc p
LEFT JOIN pg_proc o ON o.proname = p.proname AND o.pronamespace = '{IN_USE}'::regnamespace
    AND pg_get_function_identity_arguments(o.oid) = pg_get_function_identity_arguments(p.oid)
WHERE p.pronamespace = '{NEXT}'::regnamespace
"""


class Refused(Exception):
    """A refresh that cannot be made, and why, for the operator."""


class Beside:
    """The schemas of what is made and of what was replaced."""

    def __init__(self, patience: float) -> None:
        """patience: how long one run tries to swap, in seconds."""
        self._patience = patience

    # ---- before

    def check_room(self, models: Mapping[str, str]) -> None:
        """Raises Refused where the database's disk cannot hold the models twice. models: by name their schemas."""
        with connect() as cursor:
            schemas = [NEXT, OLD, *set(models.values())]
            for (name,) in _rows(cursor, "SELECT name FROM unnest(%s) name WHERE to_regnamespace(quote_ident(name)) IS NULL", (schemas,)):
                remedy = "run site.yml" if name in (NEXT, OLD) else f"its administrator makes it: CREATE SCHEMA {name} AUTHORIZATION dbt"
                raise Refused(f"schema {name} is not in the database: {remedy}")
            cursor.execute(_SIZE, _columns(models))
            needed = int(cursor.fetchone()[0] * ROOM)
            free = _free(cursor)
        if free is None:
            log.warning("how much of the database's disk is free cannot be told: making the models again takes about %s", _size(needed))
        elif free < needed:
            raise Refused(
                f"the models are made beside those in use, which takes about {_size(needed)} of the database's disk, and {_size(free)} are free: "
                "make room or grow the disk; the next run tries again"
            )

    def prepare(self, part: Collection[str]) -> None:
        """What models need there. part: names of the models, where not all are made."""
        with connect() as cursor:
            if part:
                # How far the models are that they read.
                cursor.execute(f"CREATE TABLE {NEXT}.watermark (LIKE {IN_USE}.watermark INCLUDING ALL)")
                cursor.execute(f"INSERT INTO {NEXT}.watermark SELECT * FROM {IN_USE}.watermark WHERE model <> ALL (%s)", (list(part),))
                return
            # The raw table, under the name that packages give it.
            cursor.execute("SELECT pg_get_viewdef(to_regclass(%s))", (f"{IN_USE}.couchdb",))
            definition = cursor.fetchone()[0]
            if definition:
                cursor.execute(f"CREATE OR REPLACE VIEW {NEXT}.couchdb AS {definition}")

    def clear(self) -> None:
        """Drop what was made. Raises Refused where others read for too long what it hangs on by foreign keys."""
        with connect() as cursor:
            cursor.execute(_END_OTHERS)

        def drop(cursor: Any) -> None:
            cursor.execute("SET LOCAL lock_timeout = '500ms'")
            _run_each(cursor, _DROPS, {"schema": NEXT, "kept": []})

        self._insist("what was made before cannot be dropped", lambda cursor: _rows(cursor, _OWNED), drop)

    def is_used(self) -> tuple[bool, bool]:
        """Whether something stands there that was made, or was replaced."""
        with connect() as cursor:
            query = "SELECT DISTINCT relnamespace::regnamespace::text FROM pg_class WHERE relnamespace IN (to_regnamespace(%s), to_regnamespace(%s))"
            schemas = {schema for (schema,) in _rows(cursor, query, (NEXT, OLD))}
        return NEXT in schemas, OLD in schemas

    # ---- the swap

    def swap(self, models: Mapping[str, str], history: Collection[str], part: Collection[str]) -> None:
        """Put all that was made in its place. Raises Refused where others read what is in use for too long.

        models: by name the schemas; all else belongs to schema dbt. history: tables whose rows are kept. part: as in prepare.
        """

        def begin(cursor: Any) -> list[tuple[int]]:
            if part:
                self._keep_marks(cursor, part)
            return self._pair(cursor, models)

        self._insist("the models are made again, but cannot take the place of those in use", begin, lambda cursor: self._swap(cursor, history))

    def _insist(self, trouble: str, begin: Callable[[Any], list[tuple[int]]], do: Callable[[Any], None]) -> None:
        """Do it in one transaction, and try again where others hold what it needs. Raises Refused.

        trouble: what cannot be done. begin: what comes before in the transaction, and gives the ids of what may be held.
        """
        end, waiting = time.monotonic() + self._patience, None
        while True:
            with connect() as cursor:
                cursor.execute("SET search_path = pg_catalog")
                cursor.execute("BEGIN")
                needed = [oid for (oid,) in begin(cursor)]
                try:
                    do(cursor)
                    cursor.execute("COMMIT")
                    return
                except (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected):
                    cursor.execute("ROLLBACK")
                    readers = _holders(cursor, needed)
            waiting = readers if waiting is None else [reader for reader in waiting if reader in readers]  # those who read all the time
            if time.monotonic() > end:
                raise Refused(f"{trouble} as long as others read these: {named(waiting)}" if waiting else
                              f"{trouble}, since somebody or other always reads these: the next run tries again")  # fmt: skip
            time.sleep(PAUSE)

    @staticmethod
    def _keep_marks(cursor: Any, part: Collection[str]) -> None:
        """Of a part, dbt's other tables stay those in use, but for how far these models are."""
        cursor.execute(f"DELETE FROM {IN_USE}.watermark WHERE model = ANY (%s)", (list(part),))
        cursor.execute(f"INSERT INTO {IN_USE}.watermark SELECT * FROM {NEXT}.watermark WHERE model = ANY (%s)", (list(part),))
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(f'{NEXT}.{table}' for table in _OWN_TABLES)}")

    @staticmethod
    def _pair(cursor: Any, models: Mapping[str, str]) -> list[tuple[int]]:
        """Table `pair`; ids of what is to be replaced."""
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace", (NEXT,))
        schemas = {name: models.get(name, IN_USE) for (name,) in cursor.fetchall()}
        cursor.execute(f"CREATE TEMPORARY TABLE pair ON COMMIT DROP AS {_PAIRS}", _columns(schemas))
        return _rows(cursor, "SELECT old FROM pair WHERE old IS NOT NULL")

    def _swap(self, cursor: Any, history: Collection[str]) -> None:
        cursor.execute("SET LOCAL lock_timeout = '500ms'")
        _run_each(cursor, _WAY)
        for table in history:
            self._keep_rows(cursor, table)
        for query in (_GRANTS, _COMMENTS):
            _run_each(cursor, query)
        views = _rows(cursor, _VIEWS_ELSEWHERE, {"old": OLD})
        keys = _rows(cursor, _KEYS_ELSEWHERE, {"old": OLD})
        cursor.execute(f"SELECT string_agg(format('ALTER %s %I.%I SET SCHEMA {OLD};', old_kind, schema, name), ' ') FROM pair WHERE old IS NOT NULL")
        away = " ".join([*(lock for _oid, lock, _make in views), *(drop for drop, _add in keys), cursor.fetchone()[0] or ""])
        if away.strip():
            # One statement, for the time that it may take, in which it waits for readers, and others wait behind it.
            cursor.execute(f"SET LOCAL statement_timeout = '{LONGEST_WAIT}'")
            cursor.execute(f"DO $swap$ BEGIN {away} END $swap$")
            cursor.execute("SET LOCAL statement_timeout = 0")
        _run_each(cursor, f"SELECT format('ALTER %%s {NEXT}.%%I SET SCHEMA %%I', kind, name, schema) FROM pair")
        for _drop_key, add in keys:
            cursor.execute(add)
        cursor.execute(_ROUTINES, ())
        for new, used, replaces, path in cursor.fetchall():
            if replaces:
                cursor.execute(f"ALTER ROUTINE {used} SET SCHEMA {OLD}")
            cursor.execute(f"ALTER ROUTINE {new} SET SCHEMA {IN_USE}")
            if path:
                cursor.execute(f"ALTER ROUTINE {used} SET search_path = {_path_in_use(path)}")
        for _oid, _lock, make in views:
            cursor.execute("SAVEPOINT one")
            try:
                cursor.execute(make)
            except psycopg2.Error:  # it reads a column that is gone: tidy says so
                cursor.execute("ROLLBACK TO SAVEPOINT one")

    @staticmethod
    def _keep_rows(cursor: Any, table: str) -> None:
        cursor.execute(
            "SELECT string_agg(quote_ident(n.attname), ', ') FROM pair "
            "JOIN pg_attribute n ON n.attrelid = pair.new AND n.attnum > 0 AND NOT n.attisdropped "
            "JOIN pg_attribute o ON o.attrelid = pair.old AND o.attnum > 0 AND NOT o.attisdropped AND o.attname = n.attname WHERE pair.name = %s",
            (table,),
        )
        columns = cursor.fetchone()[0]
        if columns:
            copy = f"INSERT INTO {NEXT}.%%I ({columns}) SELECT {columns} FROM %%I.%%I"
            _run_each(cursor, f"SELECT format('{copy}', name, schema, name) FROM pair WHERE name = %s", (table,))

    # ---- after

    def tidy(self) -> list[str]:
        """Drop what was replaced, but for what somebody still reads; names of views elsewhere that do."""
        with connect() as cursor:
            still = _rows(cursor, _STILL_READ)
            readers = sorted({reader for reader, _read in still})
            for reader in readers:
                log.warning("%s shows models as they were before a refresh, which are kept for it: make this view again", reader)
            kept = sorted({read for _reader, read in still})
            query = f"SELECT oid FROM pg_class WHERE relnamespace = '{OLD}'::regnamespace AND oid <> ALL (%s::oid[])"
            gone = [oid for (oid,) in _rows(cursor, query, (kept,))]
            if _holders(cursor, gone):
                return readers  # somebody still reads: the next run looks again
            cursor.execute("SET lock_timeout = '500ms'")
            try:
                _drop(cursor, OLD, kept)
            except (errors.LockNotAvailable, errors.DeadlockDetected):
                cursor.execute("ROLLBACK")
        return readers


def _drop(cursor: Any, schema: str, kept: Collection[int]) -> None:
    cursor.execute("BEGIN")
    _run_each(cursor, _DROPS, {"schema": schema, "kept": list(kept)})
    cursor.execute("COMMIT")


def _rows(cursor: Any, query: str, parameters: Any = None) -> list[tuple]:
    cursor.execute(query, parameters)
    return cursor.fetchall()


def _run_each(cursor: Any, query: str, parameters: Any = ()) -> None:
    """Run the statements that a query gives."""
    for (statement,) in _rows(cursor, query, parameters):
        cursor.execute(statement)


def _columns(schemas: Mapping[str, str]) -> tuple[list[str], list[str]]:
    return list(schemas), list(schemas.values())


def _free(cursor: Any) -> int | None:
    """Bytes, where the database can tell."""
    cursor.execute("SELECT to_regprocedure('v1.disk_free()') IS NOT NULL")
    if not cursor.fetchone()[0]:
        return None
    try:
        cursor.execute("SELECT v1.disk_free()")
        return cursor.fetchone()[0]
    except errors.DiskFull:
        return 0


def _path_in_use(path: str) -> str:
    """The search path of a function that is no longer beside."""
    return ", ".join(dict.fromkeys(IN_USE if part == NEXT else part for part in path.split(", ")))


def _holders(cursor: Any, tables: Sequence[int]) -> list[Holder]:
    return [Holder(*row) for row in _rows(cursor, "SELECT * FROM v1.holders(%s::oid[])", (list(tables),))]


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
