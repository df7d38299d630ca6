# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several CHT instances in one warehouse: settings, users and forms, which all have under the same ids, are shown of each."""

import json

import pytest
from calls import LONG_ID, Source, event, page, row
from test_quarantine import poison, retry

pytestmark = pytest.mark.server

USER = "org.couchdb.user:jane"


@pytest.fixture
def other(postgrest, cursor, source):
    """The second instance: what the first one has, too, is kept apart."""
    source.lands(page(row("settings", "1-a", of="a"), row(USER, "1-a", of="a"), row("form:x", "1-a", of="a"), row("p", "1-a", of="a")))
    return Source(postgrest, cursor, "b/medic")


def shown(cursor, id_="settings"):
    """By source what is shown of a document: whether it is deleted, and whose it says it is."""
    cursor.execute("SELECT source, _deleted, doc ->> 'of' FROM v1.instance_document WHERE _id = %s ORDER BY source", (id_,))
    return {name: whose if not deleted else None for name, deleted, whose in cursor.fetchall()}


def stamps(cursor):
    cursor.execute("SELECT max(saved_timestamp), (SELECT saved_timestamp FROM v1.newest_change) FROM v1.instance_document")
    newest, any_ = cursor.fetchone()
    assert newest <= any_
    return newest


@pytest.mark.parametrize("form", ["page", "events"])
def test_each_source_has_its_own(cursor, source, other, form):
    ids = ("settings", USER, "form:x")
    if form == "page":
        other.lands(page(*(row(id_, "1-b", of="b") for id_ in ids)))
    else:
        other.lands(json.dumps([event(id_, doc={"_id": id_, "_rev": "1-b", "of": "b"}) for id_ in ids]))
    for id_ in ids:
        assert shown(cursor, id_) == {"a/medic": "a", "b/medic": "b"}


def test_nothing_else_that_is_kept_apart_is_shown(cursor, other):
    """The id of a report; ids that only look like those; and what cannot be read."""
    ids = ("p", "settings2", "x:settings", "my form:x", "org.couchdb.user")
    source_of_ids = Source(other.postgrest, cursor)
    source_of_ids.lands(page(*(row(id_, "1-a") for id_ in ids[1:])))
    other.lands(page(*(row(id_, "1-b", of="b") for id_ in ids), poison("settings", "1-b"), row(f"form:{LONG_ID}", "1-b")))
    cursor.execute("SELECT doc_id FROM v1.quarantine ORDER BY id")
    assert len(cursor.fetchall()) == 7
    cursor.execute("SELECT _id, source FROM v1.instance_document WHERE source = 'b/medic' OR NOT _id = ANY (%s)", (["settings", USER, "form:x"],))
    assert cursor.fetchall() == []


def test_of_several_versions_the_newest_counts(cursor, other):
    other.lands(page(row("settings", "1-b", of="b1")))
    first = stamps(cursor)
    other.lands(page(row("settings", "2-b", of="b2")))
    assert shown(cursor) == {"a/medic": "a", "b/medic": "b2"} and stamps(cursor) > first
    # A version that was there before, as after a restore.
    other.lands(page(row("settings", "1-b", of="b1")))
    assert shown(cursor)["b/medic"] == "b1"


def test_what_comes_again_has_no_new_stamp(cursor, other):
    other.lands(page(row("settings", "1-b", of="b")))
    before = stamps(cursor)
    other.lands(page(row("settings", "1-b", of="b")))
    assert retry(cursor) == [("settings", "quarantined")]
    assert stamps(cursor) == before


@pytest.mark.parametrize("tombstone", [page(row(USER, "2-b", _deleted=True)), json.dumps([event(USER, deleted=True)])], ids=["page", "events"])
def test_a_deletion_is_of_the_source_that_deleted(cursor, other, tombstone):
    other.lands(page(row(USER, "1-b", of="b")))
    before = stamps(cursor)
    other.lands(tombstone)
    assert shown(cursor, USER) == {"a/medic": "a", "b/medic": None} and stamps(cursor) > before
    cursor.execute("SELECT doc ->> '_id', doc -> '_deleted' FROM v1.instance_document WHERE _id = %s AND _deleted", (USER,))
    assert cursor.fetchall() == [(USER, True)]


def test_the_first_owner_may_go(cursor, source, other):
    other.lands(page(row(USER, "1-b", of="b")))
    source.lands(page(row(USER, "2-a", _deleted=True)))
    assert shown(cursor, USER) == {"a/medic": None, "b/medic": "b"}
    other.lands(page(row(USER, "2-b", of="b2")))
    assert shown(cursor, USER) == {"a/medic": None, "b/medic": "b2"}


def test_what_is_needed_is_neither_purged_nor_shown_twice(cursor, other):
    other.lands(page(row("settings", "1-b", of="b")))
    cursor.execute("UPDATE v1.quarantine SET created_at = now() - interval '1 year'")
    cursor.execute("UPDATE v1.couchdb SET saved_timestamp = saved_timestamp - interval '1 year'")
    other.claim()  # purges
    assert shown(cursor) == {"a/medic": "a", "b/medic": "b"}
    before = stamps(cursor)
    # The raw table's is gone: with a retry the other's takes its place, and the entry is closed.
    cursor.execute("DELETE FROM v1.couchdb WHERE _id = 'settings'")
    assert shown(cursor) == {"b/medic": "b"}
    assert retry(cursor) == [("settings", "written")]
    assert shown(cursor) == {"b/medic": "b"} and stamps(cursor) > before
    # What is open of a document of which the source has the row is an older one, or that of an id that was shortened.
    cursor.execute("UPDATE v1.quarantine SET closed_at = NULL")
    assert shown(cursor) == {"b/medic": "b"}


def test_what_jsonb_does_not_hold_is_cleaned_as_in_the_raw_table(cursor, other):
    body = page(row("settings", "1-b", of="b", nul="a\0b", lone="\ud800"))
    other.lands(body.replace("\ud800", "\\ud800").replace("\0", "\\u0000"))
    cursor.execute("SELECT doc ->> 'nul', doc ->> 'lone' FROM v1.instance_document WHERE source = 'b/medic'")
    assert cursor.fetchall() == [("ab", "\ufffd")]


def test_a_renamed_source(postgresql, cursor, other):
    other.lands(page(row("settings", "1-b", of="b")))
    before = stamps(cursor)
    cursor.execute("BEGIN")
    cursor.execute("SELECT v1.rename_source('b/medic', 'new/medic', true)")
    assert shown(cursor) == {"a/medic": "a", "new/medic": "b"} and stamps(cursor) > before
    cursor.execute("ROLLBACK")


def test_dbt_reads_it(postgresql, cursor, other):
    other.lands(page(row("settings", "1-b", of="b"), row(USER, "2-b", _deleted=True)))
    as_dbt = postgresql.execute("SELECT count(*), count(doc ->> 'of'), count(*) FILTER (WHERE _deleted) FROM v1.instance_document", "cht_sync", "dbt")
    assert as_dbt == [(5, 4, 1)]


def test_they_are_found_by_their_indexes(postgresql, cursor, source, other):
    source.lands(page(*(row(f"d{number}", "1-a") for number in range(500))))
    other.lands(page(row("settings", "1-b", of="b")))
    cursor.execute("ANALYZE v1.couchdb, v1.quarantine")
    plans = [
        postgresql.execute(f"EXPLAIN SELECT {query}", "cht_sync", "dbt")
        for query in ("* FROM v1.instance_document WHERE saved_timestamp > (now() - interval '1 hour')::timestamp", "* FROM v1.newest_change")]
    indexes = [{index for (line,) in plan for index in ("couchdb_instance_document", "quarantine_instance_document", "couchdb_saved_timestamp") if index in line}
               for plan in plans]
    assert "couchdb_instance_document" in indexes[0] and "couchdb_saved_timestamp" in indexes[1], plans
