# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a source in its life: taken by another, restored from old files, sharing ids with a second one."""

import json
from random import Random

import pytest
from calls import Source, event, page, row
from couch import Couch
from expected import holds, table

pytestmark = pytest.mark.server


def deliver(source, couch, since):
    changes = couch.changes(since)
    return source.lands(page(*(change.row() for change in changes), last_seq=changes[-1].seq if changes else since))


def test_a_database_restored_from_yesterdays_files(source, cursor):
    """The identity stays, so the position does, and it points beyond what the source has. Resync reads all again."""
    yesterday, today = Couch(), Couch()
    for couch in (yesterday, today):
        for number in range(5):
            couch.put(f"doc-{number}", {"day": 1})
    today.put("doc-0", {"day": 2})
    today.put("doc-1", {}, deleted=True)
    today.put("doc-new", {"day": 2})
    source.claim("1700000000")
    deliver(source, today, None)

    position = source.claim("1700000000")
    assert position == today.changes(None)[-1].seq
    assert yesterday.changes(position) == []  # this is why nobody notices
    yesterday.put("doc-2", {"day": "after the restore"})
    assert deliver(source, yesterday, position)["rows"] == 0

    cursor.execute("SELECT v1.resync('a/medic')")
    assert source.claim("1700000000") is None
    assert deliver(source, yesterday, None)["written"] == 3  # what differs, and only that
    rows = table(cursor)
    assert all(holds(rows[change.id], change) for change in yesterday.changes(None))
    assert "doc-new" in rows  # the source says nothing of it: parity finds it


def test_a_database_deleted_and_created_again(source, cursor):
    """It is said at each claim until something of the new one has arrived, since an answer may be lost. What only the old one had stays."""
    old, new = Couch(), Couch()
    for id_ in ("both", "old", "deleted"):
        old.put(id_, {"of": "old"})
    new.put("both", {"of": "new"})
    new.put("deleted", {}, deleted=True)
    for identity in ("1700000000", None, "0"):
        source.claim(identity)
        assert not source.replaced, "nothing was known, or is known"
    deliver(source, old, None)
    assert source.claim("1700000000") and not source.replaced
    for identity in ("1800000000", "1800000000", None):
        assert source.claim(identity) is None and source.replaced
    deliver(source, new, None)
    assert source.claim("1800000000") == new.changes(None)[-1].seq and not source.replaced
    cursor.execute("SELECT v1.resync('a/medic')")
    assert source.claim("1800000000") is None and not source.replaced
    rows = table(cursor)
    assert all(holds(rows[change.id], change) for change in new.changes(None)) and not rows["old"].deleted
    cursor.execute("SELECT identity, replaced_identity FROM v1.source WHERE source = 'a/medic'")
    assert cursor.fetchone() == ("1800000000", "1700000000")
    cursor.execute("SELECT now() - replaced_at < interval '1 hour' FROM v1.sync_status WHERE source = 'a/medic'")
    assert cursor.fetchone() == (True,)


@pytest.mark.parametrize("form", ["page", "events"])
@pytest.mark.parametrize("owner_deleted", [False, True])
@pytest.mark.parametrize("deleted", [False, True])
def test_a_change_of_another_sources_document_is_kept_apart(postgrest, cursor, source, form, owner_deleted, deleted):
    other = Source(postgrest, cursor, "b/medic")
    source.lands(page(row("settings", "1-a", _deleted=owner_deleted) if owner_deleted else row("settings", "1-a", of="a")))
    before = source.stored("settings")
    couch = Couch()
    couch.put("first", {})
    couch.put("settings", {"of": "b"}, deleted)
    couch.put("last", {})
    changes = couch.changes(None)
    body = page(*(change.row() for change in changes)) if form == "page" else f"[{','.join(change.event(Random(1)) for change in changes)}]"
    for _time in range(2):  # a repeat writes nothing
        assert other.lands(body)["quarantined"] == 1
    assert source.stored("settings") == before and source.stored("first") and source.stored("last")
    cursor.execute("SELECT source, doc_id, reason, closed_at FROM v1.quarantine")
    assert cursor.fetchall() == [("b/medic", "settings", "id_collision", None)]
    cursor.execute("SELECT source, quarantined, collisions FROM v1.sync_status WHERE source IN ('a/medic', 'b/medic') ORDER BY 1")
    assert cursor.fetchall() == [("a/medic", 0, 0), ("b/medic", 0, 1)]


def test_each_version_that_collides_is_kept(postgrest, cursor, source):
    other = Source(postgrest, cursor, "b/medic")
    source.lands(page(row("settings", "1-a")))
    for body in (page(row("settings", "1-b")), page(row("settings", "2-b")), json.dumps([event("settings", deleted=True)])):
        other.lands(body)
    cursor.execute("SELECT count(*) FROM v1.quarantine")
    assert cursor.fetchone() == (3,)


def test_a_collision_of_the_same_revision_is_kept_too(postgrest, cursor, source):
    other = Source(postgrest, cursor, "b/medic")
    source.lands(page(row("settings", "1-a")))
    assert other.lands(page(row("settings", "1-a"), row("z", "1-z")))["quarantined"] == 1


def test_the_same_poison_of_two_sources_is_kept_twice(postgrest, cursor, source):
    body = page('{"seq":null,"id":"p","changes":[],"doc":5}')
    for each in (source, Source(postgrest, cursor, "b/medic")):
        each.lands(body)
    cursor.execute("SELECT source, doc_id FROM v1.quarantine ORDER BY 1")
    assert cursor.fetchall() == [("a/medic", "p"), ("b/medic", "p")]


def test_a_source_that_changed_engines_refuses_the_old_one(source, cursor):
    """As init_db does it, the lease ends; the old engine cannot claim another."""
    cursor.execute("UPDATE v1.source SET engine = 'logstash', lease = NULL WHERE source = 'a/medic'")
    try:
        source.refuses(page(row("a", "1-a")), 409, "lease")
        assert source.postgrest.post("claim", {"source": "a/medic", "engine": "relay"}).status_code == 409
    finally:
        cursor.execute("UPDATE v1.source SET engine = 'relay' WHERE source = 'a/medic'")


def test_a_page_in_parts_lands_at_any_cut(source, cursor):
    """As an engine halves a call that fails for its size: only the last part carries the position."""
    rows = [row(f"doc-{number}", "1-a", text="},\r\n") for number in range(8)]
    for size in (8, 4, 2, 1):
        cursor.execute("DELETE FROM v1.couchdb")
        for start in range(0, 8, size):
            last = start + size == 8
            source.lands(page(*rows[start : start + size], last_seq=f"{size}-end" if last else None))
            assert (source.progress()[0] == f"{size}-end") == last
        cursor.execute("SELECT count(*) FROM v1.couchdb")
        assert cursor.fetchone() == (8,)
