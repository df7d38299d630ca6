# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of upstream's cht-sync, of both eras, taken over in place."""

import contextlib
import json
import random
import re

import psycopg2
import pytest
from calls import SOURCES, Source, page, row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import BUNDLE, ROOT, SCHEMAS, PostgREST
from upstream import doc

from ansible_collections.cht.sync.plugins.module_utils import _adoption
from ansible_collections.cht.sync.plugins.module_utils._sql_bundle import read_bundle
from ansible_collections.cht.sync.plugins.module_utils._warehouse import Warehouse, WarehouseError

pytestmark = pytest.mark.server

V2 = [{"table": "v1.couchdb"}]
LOGSTASH = [{"table": "v1.medic", "source": "a/medic"}, {"table": "v1.other", "source": "b/medic"}]
SECRETS = {"derived_key": "d", "salt": "s", "password_scheme": "pbkdf2"}

# What CouchDB sends when a source is read from the start.
FEED = {
    "a/medic": [
        ("_design/medic", "1-a", {"views": {}}),
        ("settings", "1-a", {"of": "a"}),
        ("plain", "1-a", {"type": "person"}),
        ("changed", "12-a", {"name": "latest"}),
        ("conflict", "3-b", {"name": "winner"}),
        ("gone", "2-b", {"_deleted": True}),
        ("org.couchdb.user:x", "1-c", {**SECRETS, "type": "user"}),
        ("odd", "1-d", {"n": 1}),
        ("literal", "1-e", {"n": 2}),
        ("bare", "1-f", {"n": 3}),
        ("twice", "1-g", {"n": 4}),
    ],
    "b/medic": [("settings", "7-b", {"of": "b"}), ("theirs", "1-a", {"type": "person"})],
}


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(_adoption, "BATCH", {"v2": 2, "logstash": 1})


def converge(postgresql, adopt, sources=SOURCES, **options):
    return postgresql.converge("old", sources, adopt=adopt, **options)


@contextlib.contextmanager
def warehouse_of(postgresql, user="postgres"):
    connection = psycopg2.connect(host="127.0.0.1", port=postgresql.port, user=user, dbname="old")
    try:
        yield Warehouse(connection, owner="cht_owner", schemas=SCHEMAS)
    finally:
        connection.close()


def step(postgresql, seconds=0):
    """One run's share of taking over, then where it stands."""
    with warehouse_of(postgresql) as warehouse:
        warehouse.adopt(seconds)
        return warehouse.adoptions()


def adopt(postgresql, adoption, **options):
    converge(postgresql, adoption, **options)
    return step(postgresql, 60)


def drop(postgresql, dry_run=False):
    with warehouse_of(postgresql) as warehouse:
        return warehouse.drop_adopted(dry_run)


def documents(cursor):
    cursor.execute("SELECT _id, _rev, _deleted, source, doc FROM v1.couchdb ORDER BY _id")
    return cursor.fetchall()


def quarantine(cursor):
    cursor.execute("SELECT source, doc_id, reason FROM v1.quarantine WHERE closed_at IS NULL ORDER BY 1, 3, 2 NULLS FIRST")
    return cursor.fetchall()


def quarantined(cursor, source, id_, raw):
    """An entry as an engine's call leaves it."""
    cursor.execute("UPDATE v1.stamp SET last = v1.lock_stamp()")
    cursor.execute("SELECT v1.quarantine_row(%s, last, %s, NULL, 'refused', %s, false) FROM v1.stamp", (source, id_, raw))


def feed(postgrest, cursor):
    """Reads both sources from the start; returns how many rows that wrote."""
    written = 0
    for name, changes in FEED.items():
        rows = [row(id_, rev, **fields) for id_, rev, fields in changes]
        written += Source(postgrest, cursor, name).lands(page(*rows))["written"]
    return written


@pytest.fixture
def fresh(postgrest, cursor):
    """The documents of a new database that was fed."""
    feed(postgrest, cursor)
    return documents(cursor)


def logstash_era(old):
    old.logstash(
        "medic",
        doc("_design/medic", "1-a", views={}),
        doc("settings", "1-a", of="a"),
        doc("plain", "1-a", type="person"),
        *(doc("changed", f"{n}-a", name=f"n{n}") for n in (9, 10, 2)),
        doc("changed", "12-a", name="latest"),
        doc("conflict", "3-b", name="winner"),
        doc("conflict", "3-a", name="loser"),
        doc("gone", "1-a", name="was there"),
        doc("org.couchdb.user:x", "1-c", type="user", **SECRETS),
        (doc("odd", "1-d", n=1), '["odd","odd"]', '["1-d","1-d"]'),
        (doc("literal", "1-e", n=2), "%{[doc][_id]}", "%{[doc][_rev]}"),
        ({"n": 3}, "bare", "1-f"),
        ({"n": 4}, '["twice","twice"]', '["1-g","1-g"]'),
        ({"n": 5}, "%{[doc][_id]}", "1-x"),
        ("text", "text", "1-x"),
        ({"_id": random.Random(1).randbytes(9000).hex()}, None, "1-x"),
    )
    old.logstash("other", doc("settings", "7-b", of="b"), doc("theirs", "1-a", type="person"))


def v2(old):
    old.v2(
        (5, "changed", False, "a/medic", doc("changed", "12-a", name="latest")),
        (1, "_design/medic", False, "a/medic", doc("_design/medic", "1-a", views={})),
        (1, "settings", False, "a/medic", doc("settings", "1-a", of="a")),
        (1, "plain", None, "a/medic", doc("plain", "1-a", type="person")),
        (3, "conflict", False, "a/medic", doc("conflict", "3-b", name="winner")),
        (3, "gone", True, "a/medic", doc("gone", "2-b", _deleted=True)),
        (2, "org.couchdb.user:x", False, "a/medic", doc("org.couchdb.user:x", "1-c", type="user", **SECRETS)),
        (4, "odd", False, "a/medic", doc("odd", "1-d", n=1)),
        (None, "literal", None, "a/medic", doc("literal", "1-e", n=2)),
        (4, "bare", False, "a/medic", doc("bare", "1-f", n=3)),
        (4, "twice", False, "a/medic", doc("twice", "1-g", n=4)),
        (2, "theirs", False, "b/medic", doc("theirs", "1-a", type="person")),
        (6, "null", False, "b/medic", None),
        (6, "user", False, "a/_users", doc("user", "1-a", **SECRETS)),
        progress=[("55-x", 3, "a/medic"), ("0", None, "b/medic"), ("9-u", 0, "a/_users")],
    )


def test_the_logstash_era_equals_a_fresh_read(postgresql, old, fresh):
    logstash_era(old)
    assert all(entry["finished"] and entry["done"] == 100 for entry in adopt(postgresql, LOGSTASH))
    assert {id_: rev for id_, rev, *_ in documents(old.cursor)}["gone"] == "1-a"
    assert [(source, reason) for source, _, reason in quarantine(old.cursor)] == [
        ("a/medic", "no id"), ("a/medic", "refused by the table: 54000"), ("a/medic", "the document is no object"), ("b/medic", "id_collision"),
    ]  # fmt: skip
    postgrest = PostgREST(postgresql, "old")
    try:
        assert Source(postgrest, old.cursor, "a/medic").claim() is None
        assert feed(postgrest, old.cursor) == 1  # what was deleted
        assert documents(old.cursor) == fresh
        assert feed(postgrest, old.cursor) == 0
    finally:
        postgrest.stop()


def test_v2_equals_a_fresh_read_and_goes_on_where_it_stopped(postgresql, old, fresh):
    v2(old)
    adopt(postgresql, V2)
    assert documents(old.cursor) == fresh
    assert quarantine(old.cursor) == [("b/medic", "null", "the document is no object")]
    old.cursor.execute("SELECT source, seq, pending FROM v1.couchdb_progress ORDER BY source")
    assert old.cursor.fetchall() == [("a/medic", "55-x", 3), ("b/medic", "0", None)]
    postgrest = PostgREST(postgresql, "old")
    try:
        assert Source(postgrest, old.cursor, "a/medic").claim() == "55-x"
        assert feed(postgrest, old.cursor) == 0
        assert documents(old.cursor) == fresh
    finally:
        postgrest.stop()


def test_v2_keeps_its_stamps_and_new_ones_continue_above(postgresql, old):
    old.v2((3, "x", False, "a/medic", doc("x", "1-a")), (1, "y", False, "a/medic", doc("y", "1-a")))
    old.cursor.execute("INSERT INTO v1.couchdb SELECT '2100-01-01', 'z', false, 'a/medic', '{\"_rev\": \"1-a\"}'")
    adopt(postgresql, V2)
    old.cursor.execute("SELECT _id, saved_timestamp::text FROM v1.couchdb ORDER BY 1")
    assert old.cursor.fetchall() == [("x", "2024-05-06 07:03:08"), ("y", "2024-05-06 07:01:08"), ("z", "2100-01-01 00:00:00")]
    old.cursor.execute("SELECT v1.lock_stamp()::text")
    assert old.cursor.fetchone() == ("2100-01-01 00:00:00.000001",)


@pytest.mark.parametrize("one_is_refused", [False, True])
def test_equal_stamps_of_v2_become_unique_and_the_others_stay(postgresql, old, small_batches, one_is_refused):
    minutes = [1, 2, 2, 2, 3, 4, 4]
    old.v2(*((minute, f"d{n}", False, "a/medic", doc(f"d{n}", "1-a")) for n, minute in enumerate(minutes)), (2, "bad", False, "a/medic", "text"))
    # Within reach of those that are pushed up.
    old.cursor.execute("UPDATE v1.couchdb SET saved_timestamp = timestamp '2024-05-06 07:02:08.000002' WHERE _id = 'd4'")
    if one_is_refused:
        old.cursor.execute("UPDATE v1.couchdb SET doc = %s WHERE _id = 'd6'", (json.dumps(doc(random.Random(1).randbytes(9000).hex(), "1-a")),))
    adopt(postgresql, V2)
    old.cursor.execute(
        "SELECT name, to_char(at, 'MI.US') FROM (SELECT _id AS name, saved_timestamp AS at FROM v1.couchdb "
        "UNION ALL SELECT 'bad', stamp FROM v1.quarantine) s ORDER BY at"
    )
    assert old.cursor.fetchall() == [
        ("d0", "01.000000"), ("bad", "02.000000"), ("d1", "02.000001"), ("d2", "02.000002"), ("d3", "02.000003"), ("d4", "02.000004"),
        ("d5", "04.000000"), ("bad" if one_is_refused else "d6", "04.000001"),
    ]  # fmt: skip


@pytest.mark.parametrize("foreign_feed", [False, True])
def test_stamps_grow_in_commit_order_while_v2_is_taken_over(postgresql, old, small_batches, foreign_feed):
    minutes = list(range(20)) + [7, 7, 7, None]
    random.Random(2).shuffle(minutes)
    old.v2(*((minute, f"d{n}", False, "a/medic", doc(f"d{n}", "1-a")) for n, minute in enumerate(minutes)))
    converge(postgresql, V2)
    known, highest, turns, finished = {}, "", 0, False
    while not finished:
        finished = step(postgresql)[0]["finished"]
        old.cursor.execute("SELECT _id, saved_timestamp::text FROM v1.couchdb")
        new = {id_: stamp for id_, stamp in old.cursor.fetchall() if id_ not in known}
        assert all(stamp > highest for stamp in new.values()), "a row is stamped below one of an earlier batch"
        known |= new
        highest = max([highest, *new.values()])
        turns += 1
        if foreign_feed and turns == 3:
            old.cursor.execute("UPDATE v1.stamp SET last = v1.lock_stamp() RETURNING last::text")
            highest = old.cursor.fetchone()[0]
    assert turns >= 8 and len(known) == len(minutes)
    old.cursor.execute("SELECT count(DISTINCT saved_timestamp) FROM v1.couchdb")
    assert old.cursor.fetchone() == (len(minutes),)


def test_a_killed_run_goes_on_where_it_stood_and_no_engine_comes_between(postgresql, old, small_batches):
    padding = random.Random(3)
    old.logstash("medic", *(doc(f"d{n}", "1-a", x=padding.randbytes(700).hex()) for n in range(60)))
    converge(postgresql, LOGSTASH[:1])
    first = step(postgresql)[0]
    assert 0 < first["rows"] < 60 and 0 < first["done"] < 100 and not first["finished"]

    killed = postgresql.connect("old")
    killed.autocommit = False
    with killed.cursor() as cursor:
        cursor.execute("SELECT v1.adopt_batch('v1.medic', 1)")
        old.cursor.execute("SELECT pg_terminate_backend(%s)", (killed.info.backend_pid,))
    with pytest.raises(psycopg2.Error):
        killed.commit()
    with pytest.raises(psycopg2.Error) as refused:
        old.cursor.execute("SELECT api.claim('a/medic', 'relay', NULL)")
    assert refused.value.pgcode == "PT503" and "being adopted" in str(refused.value)
    old.cursor.execute("SELECT api.claim('b/medic', 'relay', NULL)")

    second = step(postgresql)[0]
    assert first["rows"] < second["rows"] < 60
    assert step(postgresql, 60)[0] | {"rows": 60, "finished": True} == step(postgresql, 60)[0]
    assert len(documents(old.cursor)) == 60
    old.cursor.execute("SELECT api.claim('a/medic', 'relay', NULL)")


def test_what_an_engine_landed_before_stays(postgresql, old):
    converge(postgresql, [])
    old.cursor.execute("""INSERT INTO v1.couchdb (saved_timestamp, _id, _deleted, source, doc, _rev) VALUES
        (now(), 'newer', false, 'a/medic', '{"by": "engine"}', '10-a'), (now(), 'older', false, 'a/medic', '{"by": "engine"}', '2-a'),
        (now(), 'gone', true, 'a/medic', '{"by": "engine"}', NULL), (now(), 'same', false, 'a/medic', '{"by": "engine"}', '2-a')""")
    old.cursor.execute("SELECT api.claim('a/medic', 'relay', NULL)")
    old.logstash("medic", *(doc(id_, "2-b" if id_ == "older" else "2-a", by="upstream") for id_ in ("newer", "older", "gone", "same")))
    adopt(postgresql, LOGSTASH[:1])
    assert {id_: content.get("by") for id_, _, _, _, content in documents(old.cursor)} == {
        "newer": "engine", "older": "upstream", "gone": "engine", "same": "engine",
    }  # fmt: skip
    old.cursor.execute("SELECT lease FROM v1.source WHERE source = 'a/medic'")
    assert old.cursor.fetchone() == (None,)


def test_what_an_engine_brought_to_quarantine_is_newer_than_an_old_row(postgresql, old, small_batches):
    converge(postgresql, [])
    entries = {"newer": "10-a", "older": "2-a", "same": "3-a", "b/medic": "9-a"}
    for id_, rev in entries.items():
        quarantined(old.cursor, "b/medic" if id_ == "b/medic" else "a/medic", id_, row(id_, rev))
    quarantined(old.cursor, "a/medic", "unreadable", row("unreadable", "1-a", x="VALUE").replace('"VALUE"', "1e400000"))
    old.logstash("medic", *(doc(id_, "3-a") for id_ in (*entries, "unreadable")), ("no object", "newer", "4-a"))
    adopt(postgresql, LOGSTASH[:1])
    assert [id_ for id_, *_ in documents(old.cursor)] == ["b/medic", "older"]
    assert [id_ for _, id_, _ in quarantine(old.cursor)] == ["newer", "older", "same", "unreadable", "b/medic"]
    old.cursor.execute("SELECT c.saved_timestamp > q.stamp FROM v1.couchdb c JOIN v1.quarantine q ON q.doc_id = c._id AND q.doc_id = 'older'")
    assert old.cursor.fetchone() == (True,)


@pytest.mark.parametrize("one_is_refused", [False, True])
def test_the_newest_of_a_documents_quarantined_rows_is_known(postgresql, old, one_is_refused):
    long = [({"_id": random.Random(1).randbytes(9000).hex()}, None, "1-x")]
    old.logstash("medic", ("10", "x", "10-a"), ("9", "x", "9-a"), doc("x", "9-b"), *(long if one_is_refused else []), ("1", "y", "1-a"))
    adopt(postgresql, LOGSTASH[:1])
    old.cursor.execute("SELECT raw::jsonb ->> 'doc' FROM v1.quarantine WHERE doc_id = 'x' ORDER BY stamp")
    assert old.cursor.fetchall() == [("9",), ("10",)]
    old.cursor.execute("SELECT count(DISTINCT stamp), count(*) FROM (SELECT stamp FROM v1.quarantine UNION ALL SELECT saved_timestamp FROM v1.couchdb) s")
    distinct, count = old.cursor.fetchone()
    assert distinct == count == 4 + one_is_refused
    old.cursor.execute("SELECT v1.lock_stamp() > max(stamp) FROM v1.quarantine")
    assert old.cursor.fetchone() == (True,)
    old.cursor.execute("SELECT doc_id, outcome FROM v1.retry_quarantine() WHERE doc_id = 'x'")
    assert old.cursor.fetchall() == [("x", "quarantined")]


def test_the_quarantined_row_of_an_earlier_batch_is_weighed_by_its_revision(postgresql, old):
    old.logstash("medic", ("text", "x", "2-a"), ("text", "y", "2-a"))
    old.logstash("other", doc("x", "3-a"), doc("y", "1-a"))
    for table in LOGSTASH[0], {**LOGSTASH[1], "source": "a/medic"}:
        adopt(postgresql, [table])
    assert [id_ for id_, *_ in documents(old.cursor)] == ["x"]


def test_after_the_logstash_era_a_source_that_was_fed_before_is_read_from_the_start(postgresql, old):
    converge(postgresql, [])
    old.cursor.execute("INSERT INTO v1.couchdb_progress VALUES ('5-x', 3, now(), 'a/medic'), ('6-x', 4, now(), 'b/medic')")
    old.logstash("medic", doc("x", "1-a"))
    adopt(postgresql, LOGSTASH[:1])
    old.cursor.execute("SELECT source, seq, pending FROM v1.couchdb_progress ORDER BY 1")
    assert old.cursor.fetchall() == [("a/medic", None, None), ("b/medic", "6-x", 4)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 12), st.text("0a9f", min_size=1, max_size=2)), unique=True, min_size=1, max_size=12),
    st.integers(0, 12),
)
def test_the_newest_revision_wins_in_any_order(postgresql, old, revisions, cut):
    old.cursor.execute("SELECT to_regclass('v1.medic') IS NULL")
    if old.cursor.fetchone()[0]:
        old.logstash("medic")
        converge(postgresql, LOGSTASH[:1])
    old.cursor.execute("TRUNCATE v1.medic, v1.couchdb")
    for id_, number, rest in revisions:
        rev = f"{number}-{rest}"
        old.cursor.execute("INSERT INTO v1.medic (_id, _rev, doc) VALUES (%s, %s, %s)", (id_, rev, json.dumps(doc(id_, rev))))
    for low, high in ((0, cut), (cut, 13)):
        old.cursor.execute(
            "SELECT v1.adopt_rows(a, ARRAY(SELECT ctid FROM v1.medic ORDER BY ctid LIMIT %s OFFSET %s), v1.lock_stamp(), NULL) FROM v1.adoption a",
            (high - low, low),
        )
        old.cursor.execute("UPDATE v1.stamp SET last = greatest(last, (SELECT max(saved_timestamp) FROM v1.couchdb))")
    newest = {}
    for id_, number, rest in revisions:
        newest[id_] = max(newest.get(id_, (0, "")), (number, rest))
    assert {id_: rev for id_, rev, *_ in documents(old.cursor)} == {id_: f"{number}-{rest}" for id_, (number, rest) in newest.items()}


def test_a_dry_run_tells_what_would_be_adopted_and_leaves_all_in_place(postgresql, old):
    v2(old)
    outcome = converge(postgresql, V2, dry_run=True)
    assert outcome["changed"] and "ALTER TABLE v1.couchdb SET SCHEMA upstream" in outcome["queries"]
    assert outcome["adoption"] == [
        {"table": "v1.couchdb", "kind": "v2", "sources": ["a/medic", "b/medic"], "done": 0, "estimate": 14, "rows": 0,
         "finished": False, "dropped": False},
    ]  # fmt: skip
    old.cursor.execute("SELECT count(*), to_regclass('v1.adoption') FROM v1.couchdb")
    assert old.cursor.fetchone() == (14, None)


def test_a_v2_database_that_nobody_named_is_refused_with_what_to_write(postgresql, old):
    v2(old)
    with pytest.raises(WarehouseError, match=r"a/medic, b/medic.*init_db_adopt: \[\{table: v1.couchdb\}\]"):
        converge(postgresql, [])
    old.cursor.execute("SELECT count(*) FROM v1.couchdb")  # still in its place


def test_a_source_that_is_not_the_inventorys_is_refused_naming_both(postgresql, old):
    old.v2((1, "x", False, "old.example.org/medic", doc("x", "1-a")), progress=[("5-x", 0, "old.example.org/medic")])
    with pytest.raises(WarehouseError, match=r"holds source old.example.org/medic.*names a/medic, b/medic, c/medic.*source_prefix: old.example.org "):
        converge(postgresql, V2)
    adopt(postgresql, V2, renames=[{"from": "old.example.org/medic", "to": "a/medic"}])
    assert documents(old.cursor)[0][3] == "a/medic"
    old.cursor.execute("SELECT source, seq FROM v1.couchdb_progress")
    assert old.cursor.fetchall() == [("a/medic", "5-x")]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"table": "v1.nothing"}, "no table v1.nothing"),
        ({"table": "v1.some"}, r"This database has v1.medic \(logstash\)"),
        ({"table": "v1.medic"}, "Give its init_db_adopt entry the source"),
        ({"table": "v1.medic", "source": "x/medic"}, "holds source x/medic, while the inventory names a/medic"),
    ],
)
def test_a_table_that_cannot_be_adopted_is_refused(postgresql, old, entry, words):
    old.logstash("medic", doc("x", "1-a"))
    old.cursor.execute("CREATE TABLE v1.some (doc jsonb)")
    with pytest.raises(WarehouseError, match=words):
        converge(postgresql, [entry])


def test_v2_rows_without_a_source_need_one(postgresql, old):
    old.v2((1, "x", False, None, doc("x", "1-a")))
    with pytest.raises(WarehouseError, match="rows without a source"):
        converge(postgresql, V2)
    adopt(postgresql, [{"table": "v1.couchdb", "source": "b/medic"}])
    assert documents(old.cursor)[0][3] == "b/medic"


def test_rows_of_a_new_source_while_adopting_stop_it(postgresql, old):
    old.v2((1, "x", False, "a/medic", doc("x", "1-a")))
    converge(postgresql, V2)
    old.cursor.execute("INSERT INTO upstream.couchdb VALUES (now(), 'y', false, 'q/medic', '{}')")
    with pytest.raises(WarehouseError, match='source "q/medic".*stop upstream'):
        step(postgresql, 60)


def test_tables_of_v2_in_another_schema_and_one_that_lacks_columns_stay_where_they_are(postgresql, old):
    old.v2((1, "x", False, "a/medic", doc("x", "1-a")), schema='"Data"', progress=[("5-x", 0, "a/medic")])
    old.cursor.execute('CREATE SCHEMA IF NOT EXISTS v1; CREATE TABLE v1."medic-logs" ("@timestamp" timestamp, _id varchar, doc jsonb)')
    old.cursor.execute("""INSERT INTO v1."medic-logs" VALUES (now(), 'z', '{"_id": "z", "_rev": "1-z"}')""")
    adopt(postgresql, [{"table": "Data.couchdb"}, {"table": "v1.medic-logs", "source": "b/medic"}])
    assert [(id_, rev) for id_, rev, *_ in documents(old.cursor)] == [("x", "1-a"), ("z", "1-z")]
    old.cursor.execute("SELECT seq FROM v1.couchdb_progress")
    assert old.cursor.fetchall() == [("5-x",)]


def test_models_of_upstream_in_our_way_are_named(postgresql, old):
    old.cursor.execute("CREATE SCHEMA dbt; CREATE VIEW dbt.reports AS SELECT 1")
    with pytest.raises(WarehouseError, match='ALTER SCHEMA "dbt" RENAME TO upstream_dbt'):
        converge(postgresql, [])


def test_old_tables_stay_until_they_are_to_be_dropped(postgresql, old):
    old.v2((1, "x", False, "a/medic", doc("x", "1-a")))
    old.cursor.execute("CREATE VIEW v1.theirs AS SELECT _id FROM v1.couchdb")
    converge(postgresql, V2)
    assert not drop(postgresql)  # unfinished
    step(postgresql, 60)
    old.cursor.execute("SELECT * FROM v1.theirs")
    assert old.cursor.fetchall() == [("x",)]
    with pytest.raises(WarehouseError, match="view v1.theirs depends on table upstream.couchdb"):
        drop(postgresql)
    old.cursor.execute("DROP VIEW v1.theirs")
    assert drop(postgresql, dry_run=True)
    old.cursor.execute("SELECT count(*) FROM upstream.couchdb, (SELECT count(*) FROM upstream.couchdb_progress) p")
    assert drop(postgresql) and not drop(postgresql)
    old.cursor.execute("SELECT to_regclass('upstream.couchdb'), to_regclass('upstream.couchdb_progress')")
    assert old.cursor.fetchone() == (None, None)
    outcome = converge(postgresql, V2)
    assert not outcome["changed"] and outcome["adoption"][0]["dropped"]


def test_the_way_back_that_docs_show(postgresql, old):
    old.v2((1, "x", False, "a/medic", doc("x", "1-a")), progress=[("5-x", 0, "a/medic")])
    old.cursor.execute("CREATE VIEW v1.theirs AS SELECT _id FROM v1.couchdb")
    before = "SELECT table_name, column_name, ordinal_position FROM information_schema.columns WHERE table_schema = 'v1' AND table_name LIKE 'couchdb%'"
    old.cursor.execute(f"{before} ORDER BY 1, 3")
    tables = old.cursor.fetchall()
    adopt(postgresql, V2)
    shown = re.findall(r"^ *ALTER TABLE .*;$|^ *CREATE SCHEMA .*;$", (ROOT / "docs/from-upstream.md").read_text(), re.MULTILINE)
    old.cursor.execute("\n".join(shown))
    old.cursor.execute(f"{before} ORDER BY 1, 3")
    assert old.cursor.fetchall() == tables
    old.cursor.execute("SELECT seq, (SELECT string_agg(_id, '') FROM v1.theirs) FROM v1.couchdb_progress")
    assert old.cursor.fetchall() == [("5-x", "x")]


def test_dropping_goes_on_where_somebody_dropped_the_table_by_hand(postgresql, old):
    old.v2((1, "x", False, "a/medic", doc("x", "1-a")))
    adopt(postgresql, V2)
    old.cursor.execute("DROP TABLE upstream.couchdb")
    assert drop(postgresql) and not drop(postgresql)
    old.cursor.execute("SELECT to_regclass('upstream.couchdb_progress')")
    assert old.cursor.fetchone() == (None,)


def test_a_table_that_vanished_before_it_was_done_is_told(postgresql, old):
    old.logstash("medic", doc("x", "1-a"))
    converge(postgresql, LOGSTASH[:1])
    old.cursor.execute("DROP TABLE v1.medic")
    with pytest.raises(WarehouseError, match="v1.medic, whose adoption is unfinished, is gone"):
        step(postgresql)


@pytest.fixture
def administrator(postgresql, old):
    """The account an external server gives: it may create roles and databases, and is no superuser."""
    postgresql.execute("CREATE ROLE administrator LOGIN CREATEROLE CREATEDB; GRANT cht_owner, dbt TO administrator")
    # From version 16 on, who made the roles has this, and needs it.
    postgresql.execute("GRANT authenticator, sync_writer, monitor, superset_reader, superset_sqllab TO administrator WITH ADMIN OPTION")
    yield "administrator"
    old.connection.close()
    postgresql.execute("DROP DATABASE old WITH (FORCE)")
    postgresql.execute("DROP ROLE administrator")


def test_an_administrator_who_is_no_superuser_can_do_it_with_tables_of_its_own(postgresql, old, administrator):
    old.cursor.execute("CREATE SCHEMA v1 AUTHORIZATION administrator; SET ROLE administrator")
    old.v2((1, "x", False, "a/medic", doc("x", "1-a")))
    with warehouse_of(postgresql, administrator) as warehouse:
        warehouse.converge(read_bundle(str(BUNDLE)), SOURCES, False, adopt=V2)
        assert warehouse.adopt(60) and warehouse.adoptions()[0]["finished"]
        assert warehouse.drop_adopted(False)
