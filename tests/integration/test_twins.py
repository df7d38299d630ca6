# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids that PostgreSQL can only store alike are of two documents all the same: the first has the row, the other is kept apart."""

import json

import pytest
from calls import Source, event, page, row

pytestmark = pytest.mark.server

IDS = {  # id of the first, of the second, and of both as they are stored
    "the second has a nul": ("twin", "tw\0in", "twin"),
    "the first has a nul": ("tw\0in", "twin", "twin"),
    "both have one": ("tw\0in", "\0twin", "twin"),
    "an escaped backslash": ("a\\u0000", "a\0\\u0000", "a\\u0000"),
    "lone surrogates": ("tw\udc00in", "tw\ud800in", "tw\ufffdin"),
}
pytestmark = [pytestmark, pytest.mark.parametrize("form", ["page", "events"]), pytest.mark.parametrize(("first", "second", "stored"), IDS.values(), ids=IDS)]


def kept(id_):
    return json.dumps(id_) if id_ not in ("twin", "a\\u0000") else id_


def text(form, id_, rev, **fields):
    """One change. Twins of one content have one revision, as in CouchDB."""
    if form == "events":
        return json.dumps(event(id_, deleted=bool(fields.get("_deleted")), doc=None if fields.get("_deleted") else {"_id": id_, "_rev": rev, **fields}))
    line = row("HERE", rev, **fields)
    return line.replace('"HERE"', json.dumps(id_))


def body(form, *changes, **head):
    return f"[{','.join(changes)}]" if form == "events" else page(*changes, **head)


def entries(cursor):
    cursor.execute("SELECT source, doc_id, reason FROM v1.quarantine WHERE closed_at IS NULL ORDER BY stamp")
    return cursor.fetchall()


def test_the_first_has_the_row_and_the_other_is_kept_apart(source, cursor, form, first, second, stored):
    source.lands(body(form, text(form, first, "1-a")))
    before = source.state()[0]
    for _time in range(2):  # a repeat writes nothing, and both may come in one call
        counts = source.lands(body(form, text(form, second, "1-a"), text(form, first, "1-a"), text(form, "z", "1-z")))
        assert counts["quarantined"] == 1
        assert source.state()[0][:1] == before and source.stored("z")
        assert entries(cursor) == [("a/medic", kept(second), "id_collision")]
    assert source.lands(body(form, text(form, first, "1-a")))["written"] == 0
    assert source.stored(stored)[2]["_id"] == stored


def test_a_change_of_one_leaves_the_other_alone(source, cursor, form, first, second, stored):
    source.lands(body(form, text(form, first, "1-a", n=1), text(form, second, "1-a", n=1)))
    assert source.lands(body(form, text(form, second, "2-b", _deleted=True)))["quarantined"] == 1
    assert source.stored(stored)[:2] == ("1-a", False)
    source.lands(body(form, text(form, first, "2-a", n=2)))
    assert source.stored(stored)[0] == "2-a"
    source.lands(body(form, text(form, first, "3-a", _deleted=True)))
    assert source.stored(stored)[1] is True
    assert entries(cursor) == [("a/medic", kept(second), "id_collision")] * 2, "they are the other one's"
    assert source.lands(body(form, text(form, second, "3-b", n=3)))["quarantined"] == 1, "a deleted document keeps its row, as of another source"


def test_a_retry_finds_the_row_free_or_not(source, cursor, form, first, second, stored):
    source.lands(body(form, text(form, first, "1-a", salt="hush"), text(form, second, "1-a", salt="hush")))
    retry = "SELECT doc_id, outcome FROM v1.retry_quarantine()"
    cursor.execute(retry)
    assert cursor.fetchall() == [(kept(second), "quarantined")]
    cursor.execute("DELETE FROM v1.couchdb")
    cursor.execute(retry)
    assert cursor.fetchall() == [(kept(second), "written")] and entries(cursor) == []
    assert source.lands(body(form, text(form, second, "1-a")))["written"] == 0
    assert source.lands(body(form, text(form, first, "1-a")))["quarantined"] == 1
    assert source.stored(stored)[2] == {"_id": stored, "_rev": "1-a"}


def test_a_rename_leaves_both_as_they_are(postgrest, cursor, source, form, first, second, stored):
    source.lands(body(form, text(form, first, "1-a"), text(form, second, "1-b")))
    cursor.execute("BEGIN")
    try:
        cursor.execute("DELETE FROM v1.source WHERE source = 'b/medic'")
        cursor.execute("SELECT v1.rename_source('a/medic', 'b/medic', true)")
        assert entries(cursor) == [("b/medic", kept(second), "id_collision")]
        cursor.execute("SELECT outcome FROM v1.retry_quarantine()")
        assert cursor.fetchall() == [("quarantined",)] and source.stored(stored)[0] == "1-a"
    finally:
        cursor.execute("ROLLBACK")


def test_a_twin_of_another_source_is_kept_apart_too(postgrest, cursor, source, form, first, second, stored):
    other = Source(postgrest, cursor, "b/medic")
    source.lands(body(form, text(form, first, "1-a")))
    for id_ in (first, second):
        assert other.lands(body(form, text(form, id_, "1-a")))["quarantined"] == 1
    assert entries(cursor) == [("b/medic", kept(id_), "id_collision") for id_ in (first, second)] and source.stored(stored)


def test_a_row_from_before_an_update_is_the_first_ones_that_changes(source, cursor, form, first, second, stored):
    """Until then such ids were not told apart: the row may be of a document that goes on to change."""
    source.lands(page(row(stored, "1-a")))
    cursor.execute("UPDATE v1.stamp SET ids_unknown_until = last")
    shortened = first if first != stored else second
    assert source.lands(body(form, text(form, shortened, "2-a")))["written"] == 1
    assert source.lands(body(form, text(form, stored, "1-a")))["quarantined"] == 1
    assert source.stored(stored)[0] == "2-a"


def test_reading_again_finds_what_an_earlier_version_merged(source, cursor, form, first, second, stored):
    source.lands(page(row(stored, "1-b")))  # it was the second one's, which changed last
    cursor.execute("UPDATE v1.stamp SET ids_unknown_until = last")
    cursor.execute("SELECT v1.resync('a/medic')")
    source.claim()
    assert source.lands(body(form, text(form, first, "1-a"), text(form, second, "1-b")))["quarantined"] == 1
    assert source.stored(stored)[0] == "1-a" and entries(cursor) == [("a/medic", kept(second), "id_collision")]
