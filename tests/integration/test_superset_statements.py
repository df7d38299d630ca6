# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Superset's cursor lets through to the warehouse, judged by what PostgreSQL makes of it."""

import sys

import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import ROOT

sys.path.insert(0, str(ROOT / "roles/superset/files"))

from cht_superset.statements import Cursor, Refused, permitted  # noqa: E402  # pylint: disable=wrong-import-position

pytestmark = pytest.mark.once

REFUSED = [
    "rollback", "commit", "begin read write", "rollback; begin read write; alter role superset_reader password null; commit; select 1",
    "alter role superset_reader password null", "Alter Role superset_reader Set statement_timeout = 1", "set role dbt", "set statement_timeout = 0",
    "reset all", "discard all", "do $$ begin perform 1; end $$", "create temp table x (a int)", "create table x as select 1", "select 1 into x",
    "with x as (insert into t values (1) returning *) select * from x", "insert into t values (1)", "update t set a = 1", "delete from t",
    "merge into t using s on true when matched then delete", "truncate t", "explain analyze delete from t", "explain (analyze) insert into t values (1)",
    "explain analyze with x as (delete from t returning *) select * from x", "explain analyze create table x as select 1", "select 1; select 2",
    "select 1; rollback", "select 1 for update", "copy (select 1) to '/tmp/x'", "copy t from program 'id'", "call p()", "listen x", "notify x", "lock table t",
    "vacuum", "prepare p as select 1", "execute p", "declare c cursor for select 1", "drop owned by superset_reader", "grant select on t to public",
    "comment on table t is 'x'", "show x; rollback", "explain select 1; rollback", 'set search_path = "x"; rollback; --"', "", ";",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid='1'; rollback", "select 1 as a$$; rollback; --$$", "select 1 -- x\r; rollback",
    "/*/**/*/ rollback", "\\! id", "select 1 \\x",
    # sqlglot writes the backslash back as it is, and the string would not end: better refused.
    "select e'\\\\', '; rollback; --'",
]  # fmt: skip
# Sent, and what PostgreSQL answers.
SENT = [
    ("select 1", 1),
    ("SELECT 1 -- and nothing else", 1),
    ("(select 1)", 1),
    ("with x as (select 1 as a) select a from x union all select a from x limit 1", 1),
    ("select e'a\\'b' || 'it''s\\' || $$ $a$ $$", "a'bit's\\ $a$ "),
    ("select count(*) filter (where n > 1) from generate_series(1, 3) as g (n)", 2),
    ("select percentile_cont(0.5) within group (order by n) from generate_series(1, 3) as g (n)", 2.0),
    ("select ('{\"a\": {\"b\": 1}}'::jsonb #>> '{a,b}')::int + (array[1, 2])[1]", 2),
    ("select date_trunc('month', timestamp '2026-11-30') = timestamp '2026-11-01' + make_interval(days => 0)", True),
    ("select to_date('2026-02-28', 'YYYY-MM-DD') = date '2026-02-28' and to_date('28.02.2026', 'DD.MM.YYYY') = date '2026-02-28'", True),
    ("select to_timestamp('2026-02-28 01:02:03.000004', 'YYYY-MM-DD HH24:MI:SS.US') = timestamptz '2026-02-28 01:02:03.000004'", True),
    ("select \"Two Words\" from (select 1 as \"Two Words\") as \"a;b\"", 1),
    ("show standard_conforming_strings", "on"),
    ("explain select 1", "Result  (cost=0.00..0.01 rows=1 width=4)"),
]


@pytest.fixture(scope="module")
def connection(postgresql):
    """Superset's, to an empty database."""
    postgresql.execute("CREATE SEQUENCE bumps; CREATE FUNCTION bump() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''bumps'')'")
    connection = psycopg2.connect(host="127.0.0.1", port=postgresql.port, user="postgres", dbname="postgres", cursor_factory=Cursor)
    connection.autocommit = True
    yield connection
    connection.close()
    postgresql.execute("DROP FUNCTION bump(); DROP SEQUENCE bumps")


@pytest.mark.parametrize("sql", REFUSED)
def test_what_does_not_read_is_not_sent(connection, sql):
    with connection.cursor() as cursor, pytest.raises(Refused, match="only one SELECT"):
        cursor.execute(sql)


@pytest.mark.parametrize(("sql", "answer"), SENT)
def test_what_reads_is_sent(connection, sql, answer):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        assert cursor.fetchone()[0] == answer


def test_a_day_that_is_written_out_is_one_for_postgresql(connection):
    """Not worked out for each row."""
    with connection.cursor() as cursor:
        cursor.execute("explain select from generate_series(1, 9) n where date '2026-01-01' + n >= TO_DATE('2026-02-28', 'YYYY-MM-DD')")
        assert "to_date" not in str(cursor.fetchall())


def test_values_are_quoted_before_it_is_judged(connection):
    with connection.cursor() as cursor:
        cursor.execute("select %(text)s", {"text": "'; rollback; --"})
        assert cursor.fetchone() == ("'; rollback; --",)
        with pytest.raises(Refused):
            cursor.executemany("select %s", [(1,), (2,)])
        with pytest.raises(Refused):
            cursor.copy_expert("copy (select 1) to stdout", sys.stdout)


# What strings, names and comments begin and end with, for both who read it; and a statement that shows that it ran.
WORDS = ["'", "''", "e'", "E'", "U&'", "N'", "B'", '"', 'u&"', "\\", "\\'", "\\\\", "$$", "$a$", "a$$", "$1", "--", "/*", "*/", "{#", "#}", "{{", "}}",
         "\n", "\r", "\t", "\x0b", "\f", "\xa0", "\u2028", ";select bump();", ";select bump();--", " ", "1", "x", "||", "(", ")", "`", "#", "%", "//", "@", "?",
         "::text", " as ", " from (select 1) q", " where "]  # fmt: skip


@settings(max_examples=3000, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=2, max_size=12))
def test_no_second_statement_hides_in_the_first(connection, words):
    with connection.cursor() as cursor:
        cursor.execute("select last_value, is_called from bumps")
        before = cursor.fetchone()
        try:
            cursor.execute("select " + "".join(words))
        except psycopg2.Error:  # refused, or not SQL
            pass
        cursor.execute("select last_value, is_called from bumps")
        assert cursor.fetchone() == before, permitted("select " + "".join(words))
