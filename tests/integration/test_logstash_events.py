# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cht_event.rb makes of a feed goes into the real api.ingest, and the tables hold what the contract says."""

import json
import sys
from pathlib import Path

import pytest
from calls import Source, page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "double"))

from shaping import FEED, of_changes, of_events  # noqa: E402

pytestmark = pytest.mark.once


@pytest.fixture
def logstash(postgrest, cursor):
    return Source(postgrest, cursor, "c/medic", "logstash")


def change(doc, seq="1-x", **fields):
    return json.dumps({"seq": seq, "id": doc["_id"], "changes": [{"rev": doc["_rev"]}], "doc": doc, **fields})


def ids(cursor):
    cursor.execute("SELECT _id, _deleted FROM v1.couchdb ORDER BY _id")
    return dict(cursor.fetchall())


def test_the_recorded_feed_lands(logstash, cursor):
    answer = logstash.lands(of_changes(FEED))
    assert (answer["written"], answer["quarantined"]) == (5, 0)
    assert ids(cursor) == {"person:1": False, "person:2": True, "person:3": True, "report:é": False, "numbers": False}
    assert logstash.progress() == ("6-g1AAAA", None)
    for line in FEED.splitlines():
        id_, doc = json.loads(line)["id"], line.partition('"doc":')[2][:-1]
        if ids(cursor).get(id_) is False:
            # As it was written, to the last digit; only NUL is nothing that jsonb can hold.
            cursor.execute("SELECT doc = %s::jsonb FROM v1.couchdb WHERE _id = %s", (doc.replace("\\u0000", ""), id_))
            assert cursor.fetchone() == (True,)
    assert logstash.stored("person:3")[2] == {"_id": "person:3", "_deleted": True}


def test_a_replay_writes_nothing(logstash):
    body = of_changes(FEED)
    logstash.lands(body)
    before = logstash.state()[0]
    assert logstash.lands(body)["written"] == 0
    assert logstash.state()[0] == before


def test_what_is_carried_past_logstash_rewrites_nothing_of_its_own(logstash, cursor):
    """The launcher's page begins at the delivered position, and Logstash may have sent more by then."""
    changes = [change({"_id": id_, "_rev": "1-x", "n": 1}, f"{number}-x") for number, id_ in enumerate("abc", 1)]
    logstash.lands(of_changes("\n".join(changes[:2])))
    before = logstash.stored("a"), logstash.stored("b")
    cursor.execute("SELECT _id, saved_timestamp FROM v1.couchdb ORDER BY _id")
    stamps = cursor.fetchall()
    assert logstash.lands(page(*changes, last_seq="3-x"))["written"] == 1
    assert logstash.progress()[0] == "3-x" and logstash.stored("c") and (logstash.stored("a"), logstash.stored("b")) == before
    cursor.execute("SELECT _id, saved_timestamp FROM v1.couchdb WHERE _id IN ('a', 'b') ORDER BY _id")
    assert cursor.fetchall() == stamps


def test_an_edit_and_a_delete_follow_their_document(logstash):
    logstash.lands(of_changes("\n".join([change({"_id": "a", "_rev": "1-a", "n": 1}), change({"_id": "a", "_rev": "2-a", "n": 2}, "2-x")])))
    assert logstash.stored("a") == ("2-a", False, {"_id": "a", "_rev": "2-a", "n": 2})
    logstash.lands(of_changes(change({"_id": "a", "_rev": "3-a", "_deleted": True}, "3-x", deleted=True)))
    assert logstash.stored("a")[1:] == (True, {"_id": "a", "_deleted": True})
    assert logstash.progress()[0] == "3-x"


def test_what_cannot_be_shaped_goes_to_quarantine_and_its_neighbours_land(logstash, cursor):
    def event(seq, id_, doc, action="update", **fields):
        return {"@metadata": {"_id": id_, "action": action, "seq": seq}, "doc": doc, **fields}

    body = of_events(
        event("1-x", "before", {"_id": "before", "_rev": "1-b"}),
        event("2-x", "unreadable", {"_id": "unreadable", "_rev": "1-u"}, **{"raise": ["to_hash"]}),
        event("3-x", None, {"name": "nobody's"}),
        event("4-x", "text", "no object"),
        event("5-x", "nothing", None),
        event("6-x", "gone", {"_id": "gone"}, "delete", **{"raise": ["remove"]}),
        event("7-x", "_design/medic", {"_id": "_design/medic"}),
        event("8-x", "after", {"_id": "after", "_rev": "1-a", "t": "a\0b", "salt": "s"}),
    )
    answer = logstash.lands(body)
    assert (answer["written"], answer["quarantined"]) == (3, 4)
    assert ids(cursor) == {"before": False, "gone": True, "after": False}
    assert logstash.stored("after")[2] == {"_id": "after", "_rev": "1-a", "t": "ab"}
    cursor.execute("SELECT doc_id, seq, reason FROM v1.quarantine ORDER BY seq")
    assert cursor.fetchall() == [
        ("unreadable", "2-x", "the document is no object"),
        (None, "3-x", "no id"),
        ("text", "4-x", "the document is no object"),
        ("nothing", "5-x", "the document is no object"),
    ]
    assert logstash.progress()[0] == "8-x"


def test_an_event_that_left_unshaped_would_refuse_the_call(logstash, tmp_path):
    """Why the script catches its own errors."""
    (tmp_path / "raises.rb").write_text('def filter(event)\n  raise "boom"\nend\n', encoding="utf-8")
    logstash.refuses(of_changes(FEED, tmp_path / "raises.rb"), 400, "lacks one of")


def test_the_events_of_a_quarantined_document_mend_it(logstash, cursor):
    logstash.lands(of_events({"@metadata": {"_id": "a", "action": "update", "seq": "1-x"}, "doc": None}))
    logstash.lands(of_changes(change({"_id": "a", "_rev": "2-a"}, "2-x")))
    cursor.execute("SELECT closed_at IS NOT NULL FROM v1.quarantine")
    assert cursor.fetchall() == [(True,)] and logstash.stored("a")
