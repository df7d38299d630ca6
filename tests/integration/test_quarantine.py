# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of rows that could not land: closed by a later change, tried again, cleared out; and a source read again."""

import json

import psycopg2
import pytest
from calls import LONG_ID, Source, event, page, row

pytestmark = pytest.mark.server

DEEP = "[" * 20_000 + "]" * 20_000  # more levels than jsonb, and json, read


def poison(id_, rev, value="1e400000") -> str:
    """A row that jsonb refuses."""
    return row(id_, rev, x="VALUE").replace('"VALUE"', value)


def entries(cursor, closed=False):
    cursor.execute("SELECT doc_id FROM v1.quarantine WHERE (closed_at IS NOT NULL) = %s ORDER BY id", (closed,))
    return [doc_id for (doc_id,) in cursor.fetchall()]


def retry(cursor, source=None):
    """(doc_id, outcome) of what was tried."""
    cursor.execute("SELECT doc_id, outcome FROM v1.retry_quarantine(%s)", (source,))
    return cursor.fetchall()


def make_readable(cursor, id_):
    """As if this release had learned to read the document."""
    cursor.execute("UPDATE v1.quarantine SET raw = replace(raw, '1e400000', '7') WHERE doc_id = %s", (id_,))


def test_the_entry_names_the_document_whatever_stands_before_its_id(source, cursor):
    events = [
        '{"doc":{"contact":{"id":"wrong","_id":"wrong"},"x":1e400000},"deleted":false,"seq":"5-x","id":"d\\u00e9\\"1"}',
        f'{{"doc":{{"_id":"wrong","x":{DEEP}}},"deleted":false,"id":"d\\u00e92","seq":"6-x"}}',
    ]
    assert source.lands(f"[{','.join(events)}]")["quarantined"] == 2
    cursor.execute("SELECT doc_id, seq FROM v1.quarantine ORDER BY id")
    assert cursor.fetchall() == [('d\u00e9"1', "5-x"), ("d\u00e92", "6-x")]
    assert source.progress() == ("6-x", None)


def test_a_repeat_writes_nothing(source, cursor):
    body = page(poison("p", "1-a"))
    source.lands(body)
    cursor.execute("SELECT xmin::text, id FROM v1.quarantine")
    before = cursor.fetchall()
    assert source.lands(body)["quarantined"] == 1
    cursor.execute("SELECT xmin::text, id FROM v1.quarantine")
    assert cursor.fetchall() == before


ODD_EVENTS = {
    "no object": '{ "seq":"1-e","id":"p", "deleted":false,"doc":5 }',
    "no id": '{"seq":"1-e","id":null,"deleted":false,"doc":{"b":1e2, "a":1.10}}',
    "a collision": '{"seq":"1-e","id":"settings","deleted":false,"doc":{"_rev":"1-x","_id":"settings","b":1e2, "a":{"x":1,"x":"é"}}}',
    "a tombstone that collides": '{"seq":"1-e","id":"settings","deleted":true,"doc":null}',
    "an escape": '{"seq":"1-e","id":"p","deleted":false,"doc":"\\u00e9\\/\\u0041"}',
}


@pytest.mark.parametrize("text", ODD_EVENTS.values(), ids=ODD_EVENTS)
def test_an_event_is_one_entry_whatever_stands_beside_it(postgrest, cursor, source, text):
    """Alone, jsonb reads it and spells it its own way; beside what jsonb refuses, it is cut out of the body."""
    Source(postgrest, cursor, "b/medic").lands(page(row("settings", "1-b")))
    poisoned = json.dumps(event("z", doc={"_id": "z", "_rev": "1-z", "x": "VALUE"})).replace('"VALUE"', "1e400000")
    for body in (f"[{text}]", f"[{text},{poisoned}]", f"[{poisoned},{text}]", f"[ {text} ]"):
        source.lands(body)
    cursor.execute("SELECT count(*) FILTER (WHERE doc_id = 'z'), count(*) FROM v1.quarantine")
    assert cursor.fetchone() == (1, 2)


CREDENTIALS = {
    "plain": '"derived_key":"hush","salt":"hush","password_scheme":"hush"',
    "amid others": '"a":1 , "salt" : {"x":["hush"]},"b":"salt"',
    "escaped": r'"s\u0061lt":"hush"',
    "with a NUL": r'"derived\u0000_key":"hush"',
    "twice": '"salt":"hush","salt":"hush"',
}
KEPT_FOR = {
    "collision": ("settings", ""),
    "number": ("p", ',"n":1e400000'),
    "depth": ("p", ',"n":' + "[" * 20_000 + "]" * 20_000),
    "no id": (None, ""),
    "length of its id": (LONG_ID, ""),
}


@pytest.mark.parametrize("form", ["page", "events"])
@pytest.mark.parametrize("members", CREDENTIALS.values(), ids=CREDENTIALS)
@pytest.mark.parametrize(("id_", "rest"), KEPT_FOR.values(), ids=KEPT_FOR)
def test_no_credential_is_kept_in_quarantine(postgrest, cursor, source, form, members, id_, rest):
    Source(postgrest, cursor, "b/medic").lands(page(row("settings", "1-b")))
    name = json.dumps(id_)
    doc = "{" + (f'"_id":{name},' if id_ else "") + f'"name":"kept",{members}{rest}' + "}"
    if form == "page":
        body = page(f'{{"seq":"1-x","id":{name},"changes":[{{"rev":"1-a"}}],"doc":{doc}}}')
    else:
        body = f'[{{"doc":{doc},"id":{name},"seq":"1-x","deleted":false}}]'
    assert source.lands(body)["quarantined"] == 1
    cursor.execute("SELECT doc_id, raw FROM v1.quarantine")
    ((doc_id, raw),) = cursor.fetchall()
    assert doc_id == id_ and "kept" in raw
    assert "hush" not in raw, raw[:1000]
    assert retry(cursor) == [(id_, "quarantined")]  # it can be read still


def test_an_earlier_change_in_the_same_call_closes_nothing(source, cursor):
    source.lands(page(row("p", "1-a"), poison("p", "2-a")))
    assert entries(cursor) == ["p"]
    assert source.stored("p")[0] == "1-a"


def test_a_later_change_closes_the_entry_however_it_comes(source, cursor):
    source.lands(page(poison("p", "1-a"), poison("q", "1-a"), row("p", "2-a")))
    assert entries(cursor) == ["q"]
    source.lands(page(row("q", "2-a")))
    assert entries(cursor) == [] and entries(cursor, closed=True) == ["p", "q"]


def test_the_same_text_coming_back_opens_the_entry_again(source, cursor):
    source.lands(page(poison("p", "1-a")))
    source.lands(page(row("p", "2-a")))
    source.lands(page(poison("p", "1-a")))
    assert entries(cursor) == ["p"]


def test_a_call_sent_twice_leaves_the_entry_closed(source, cursor):
    body = json.dumps([event("p", doc={"_id": "p", "_rev": "1-a", "x": "VALUE"}), event("p", doc={"_id": "p", "_rev": "2-a"})])
    body = body.replace('"VALUE"', "1e400000")
    source.lands(body)
    source.lands(body)
    assert entries(cursor) == [] and source.stored("p")[0] == "2-a"


def test_a_retry_lands_what_can_be_read_now(source, cursor):
    source.lands(page(poison("p", "1-a"), poison("q", "1-a")))
    make_readable(cursor, "p")
    assert retry(cursor) == [("p", "written"), ("q", "quarantined")]
    assert source.stored("p")[2]["x"] == 7 and entries(cursor) == ["q"]
    cursor.execute("SELECT saved_timestamp <= (SELECT last FROM v1.stamp) FROM v1.couchdb WHERE _id = 'p'")
    assert cursor.fetchone() == (True,)


def test_a_retry_never_touches_closed_entries(source, cursor):
    source.lands(page(poison("p", "1-a")))
    source.lands(page(row("p", "2-a")))
    make_readable(cursor, "p")
    assert retry(cursor) == [] and source.stored("p")[0] == "2-a"


def test_a_retry_never_overwrites_what_landed_since(source, cursor):
    source.lands(page(poison("p", "1-a")))
    source.lands(page(row("p", "2-a")))
    # An entry that nobody closed, e.g. since its id could not be read.
    cursor.execute("UPDATE v1.quarantine SET closed_at = NULL, doc_id = NULL, raw = replace(raw, '1e400000', '7')")
    assert retry(cursor) == [(None, "unchanged")]
    assert source.stored("p")[0] == "2-a" and entries(cursor) == []


def test_of_several_entries_of_a_document_the_newest_counts(source, cursor):
    source.lands(page(poison("p", "1-a")))
    source.lands(page(poison("p", "2-a")))
    assert retry(cursor) == [("p", "quarantined")] and entries(cursor) == ["p", "p"]
    make_readable(cursor, "p")
    assert retry(cursor) == [("p", "written")] and entries(cursor) == []
    assert source.stored("p")[0] == "2-a"


def test_a_retry_of_one_source_leaves_the_others_alone(postgrest, cursor, source):
    other = Source(postgrest, cursor, "b/medic")
    source.lands(page(poison("p", "1-a")))
    other.lands(page(poison("q", "1-a")))
    assert retry(cursor, "b/medic") == [("q", "quarantined")]


def test_a_collision_that_is_gone_lands_on_retry(postgrest, cursor, source):
    other = Source(postgrest, cursor, "b/medic")
    source.lands(page(row("settings", "1-a")))
    other.lands(page(row("settings", "1-b")))
    assert retry(cursor) == [("settings", "quarantined")]
    cursor.execute("DELETE FROM v1.couchdb")
    assert retry(cursor) == [("settings", "written")] and source.stored("settings")[0] == "1-b"


@pytest.fixture
def keep_days(cursor):
    """Sets how long closed entries are kept, for the test."""
    setting = "UPDATE v1.setting SET value = %s WHERE name = 'quarantine_keep_days'"
    cursor.execute("SELECT value FROM v1.setting WHERE name = 'quarantine_keep_days'")
    before = cursor.fetchone()
    yield lambda days: cursor.execute(setting, (str(days),))
    cursor.execute(setting, before)


@pytest.mark.parametrize("days, closed", [(90, ["old", "new"]), (29, ["new"])])
def test_closed_entries_are_purged_after_the_days_set_and_open_ones_never(source, cursor, keep_days, days, closed):
    source.lands(page(poison("old", "1-a"), poison("new", "1-a"), poison("open", "1-a")))
    source.lands(page(row("old", "2-a"), row("new", "2-a")))
    cursor.execute(
        "UPDATE v1.quarantine SET created_at = now() - interval '5 years', "
        "closed_at = CASE doc_id WHEN 'old' THEN now() - interval '30 days' WHEN 'new' THEN now() END"
    )
    keep_days(days)
    source.lands(page())
    assert entries(cursor, closed=True) == closed and entries(cursor) == ["open"]


def test_resync_reads_from_the_start_and_ends_the_lease(source, cursor):
    source.lands(page(row("x", "1-a"), last_seq="9-x", pending=3))
    cursor.execute("SELECT v1.resync('a/medic')")
    source.refuses(page(row("y", "1-a")), 409, "lease")
    assert source.progress() == (None, None)
    assert source.claim() is None
    assert source.lands(page(row("x", "1-a")))["written"] == 0


def test_after_resync_the_sources_state_wins_though_it_is_older(source, cursor):
    source.lands(page(row("x", "2-b"), row("later", "1-a")))
    cursor.execute("SELECT v1.resync('a/medic')")
    source.claim()
    assert source.lands(page(row("x", "1-a")))["written"] == 1
    assert source.stored("x")[0] == "1-a" and source.stored("later")


def test_resync_of_an_unknown_source_names_those_it_knows(source, cursor):
    with pytest.raises(psycopg2.errors.NoDataFound, match="nowhere/medic") as refused:
        cursor.execute("SELECT v1.resync('nowhere/medic')")
    assert "a/medic" in refused.value.diag.message_hint


def test_what_was_stored_already_closes_the_entry_too(source, cursor):
    """A database restored from a backup says again what it said before the poison."""
    source.lands(page(row("p", "2-a"), row("q", "1-a")))
    source.lands(page(poison("p", "3-a")))
    source.lands(page(row("p", "2-a"), row("q", "1-a")))
    assert entries(cursor) == [] and source.stored("p")[0] == "2-a"


def test_a_tombstone_that_was_stored_already_closes_the_entry(source, cursor):
    gone = json.dumps([event("p", deleted=True)])
    source.lands(gone)
    source.lands(gone.replace("true", "false").replace("null", '{"_id":"p","x":1e400000}'))
    assert entries(cursor) == ["p"]
    source.lands(gone)
    assert entries(cursor) == [] and source.stored("p")[1] is True


def test_credentials_are_not_kept_in_quarantine(postgrest, cursor, source):
    other = Source(postgrest, cursor, "b/medic")
    source.lands(page(row("settings", "1-a")))
    secrets = {"salt": "s3cret", "derived_key": "s3cret", "fields": {"salt": "yes"}}
    other.lands(page(row("settings", "1-b", **secrets)))
    other.lands(page(row("deep", "1-b", x="VALUE", **secrets).replace('"VALUE"', DEEP)))
    other.lands(json.dumps([event("number", doc={"_id": "number", "x": "VALUE", **secrets})]).replace('"VALUE"', "1e400000"))
    cursor.execute("SELECT doc_id, raw ~ 's3cret', raw ~ '\"salt\": ?\"yes\"' FROM v1.quarantine ORDER BY id")
    assert cursor.fetchall() == [("settings", False, True), ("deep", False, True), ("number", False, True)]
    make_readable(cursor, "number")
    assert ("number", "written") in retry(cursor)
    assert source.stored("number")[2] == {"_id": "number", "x": 7, "fields": {"salt": "yes"}}
