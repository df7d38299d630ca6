# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingest contract in its plain course, through a real PostgREST."""

import json
import threading

import pytest
from calls import Source, event, page, row

pytestmark = pytest.mark.server


def test_a_page_lands(source):
    assert source.lands(page(row("a", "1-a", name="Ünï 😀"), row("b", "1-b"), last_seq="7-abc", pending=3)) == {
        "rows": 2,
        "written": 2,
        "quarantined": 0,
    }
    assert source.stored("a") == ("1-a", False, {"_id": "a", "_rev": "1-a", "name": "Ünï 😀"})
    assert source.progress() == ("7-abc", 3)


def test_events_land(source):
    events = [event("a", "1-a", doc={"_id": "a", "_rev": "1-a"}), event("b", "2-b", deleted=True)]
    assert source.lands(json.dumps(events))["written"] == 2
    assert source.stored("b") == (None, True, {"_id": "b", "_deleted": True})
    assert source.progress() == ("2-b", None)


def test_rows_of_another_layout_land(source):
    # pouchdb-server's order
    source.lands(page('{"id":"a","changes":[{"rev":"1-a"}],"doc":{"_id":"a","_rev":"1-a"},"seq":7}', '{"doc" : {"_id":"b","_rev":"1-b"},"id":"b"}', last_seq=7))
    assert source.stored("a") and source.stored("b")
    assert source.progress()[0] == "7"


def test_the_last_change_wins_also_within_a_call(source):
    assert source.lands(page(row("a", "1-a"), row("a", "2-a", x=1)))["written"] == 2
    source.lands(page(row("a", "3-a", x=2)))
    assert source.stored("a")[0] == "3-a"


def test_a_tombstone_keeps_no_body(source):
    source.lands(page(row("a", "1-a", name="x")))
    source.lands(page(row("a", "2-a", _deleted=True, name="x")))
    assert source.stored("a") == ("2-a", True, {"_id": "a", "_rev": "2-a", "_deleted": True})


DEAD = json.dumps({"_id": "a", "_rev": "2-a", "_deleted": True, "name": "x"})
UNMARKED = json.dumps({"_id": "a", "_rev": "2-a", "name": "x"})
CHANGED = '"changes":[{"rev":"2-a"}]'
TOMBSTONES = {
    "a row whose document says so": f'{{"seq":"2-x","id":"a",{CHANGED},"doc":{DEAD}}}',
    "a row without a document": f'{{"seq":"2-x","id":"a",{CHANGED},"deleted":true,"doc":null}}',
    "a row of another layout that says so": f'{{"id":"a",{CHANGED},"doc":{UNMARKED},"seq":"2-x","deleted":true}}',
    "a row of another layout whose document says so": f'{{"id":"a",{CHANGED},"doc":{DEAD},"seq":"2-x"}}',
    "an event that says so of its document": f'{{"id":"a","seq":"2-x","deleted":true,"doc":{UNMARKED}}}',
    "an event whose document says so": f'{{"id":"a","seq":"2-x","deleted":false,"doc":{DEAD}}}',
}


@pytest.mark.parametrize("neighbour", [None, "1", "1e400000"], ids=["alone", "beside a document", "beside poison"])
@pytest.mark.parametrize("text", TOMBSTONES.values(), ids=TOMBSTONES)
def test_whoever_says_that_a_document_is_deleted_no_body_is_kept(source, text, neighbour):
    texts = [text]
    if neighbour:
        other = event("n", doc={"_id": "n", "_rev": "1-n", "x": "VALUE"})
        texts.append((row("n", "1-n", x="VALUE") if "changes" in text else json.dumps(other)).replace('"VALUE"', neighbour))
    body = page(*texts) if "changes" in text else f"[{','.join(texts)}]"
    source.lands(page(row("a", "1-a", name="x")))
    for written in (1 + (neighbour == "1"), 0):
        assert source.lands(body)["written"] == written
        assert source.stored("a") == ("2-a", True, {"_id": "a", "_rev": "2-a", "_deleted": True})


@pytest.mark.parametrize("value", ["1", "1e400000"], ids=["landed", "in quarantine"])
@pytest.mark.parametrize("length", [1980, 1998, 1999, 2000, 2001, 5000])
@pytest.mark.parametrize("form", ["page", "page of another layout", "events"])
def test_a_position_is_stored_whole_or_not_at_all(source, cursor, form, length, value):
    seq = "7-" + "g" * (length - 2)
    doc = f'{{"_id":"a","_rev":"1-a","x":{value}}}'
    source.lands({
        "page": page(f'{{"seq":"{seq}","id":"a","changes":[{{"rev":"1-a"}}],"doc":{doc}}}', last_seq=seq),
        "page of another layout": page(f'{{"id":"a","seq":"{seq}","changes":[{{"rev":"1-a"}}],"doc":{doc}}}', last_seq=seq),
        "events": f'[{{"id":"a","seq":"{seq}","deleted":false,"doc":{doc}}}]',
    }[form])  # fmt: skip
    cursor.execute("SELECT seq FROM v1.couchdb UNION ALL SELECT seq FROM v1.quarantine")
    assert cursor.fetchall() in ([(seq,)], [(None,)])
    assert source.progress()[0] == seq


@pytest.mark.parametrize(
    "body",
    [
        page(row("a", "1-a", x=1), row("d", "2-d", _deleted=True)),
        json.dumps([event("a", doc={"_id": "a", "_rev": "1-a", "x": 1}), event("d", deleted=True)]),
    ],
    ids=["page", "events"],
)
def test_a_replay_writes_nothing(source, body):
    source.lands(page(row("a", "1-a", x=1), row("d", "2-d", _deleted=True)))
    documents, _progress = source.state()
    assert source.lands(body)["written"] == 0
    assert source.state()[0] == documents


@pytest.mark.parametrize("others", [(), ("z",)], ids=["alone", "in a page"])
def test_a_replay_is_the_same_revision_and_the_same_state(source, others):
    others = [row(id_, "1-z") for id_ in others]
    source.lands(page(row("a", "1-a"), *others))
    for deleted in (True, False):
        assert source.lands(page(row("a", "1-a", **({"_deleted": True} if deleted else {})), *others))["written"] == 1
        assert source.stored("a")[1] == deleted


OLD = row("a", "1-a")


@pytest.mark.parametrize("old", [OLD, OLD.replace('"id":"a"', '"id":"\\u0061"')], ids=["alike", "spelled otherwise"])
def test_of_a_page_that_comes_again_the_last_change_still_wins(source, old):
    first, new, last = row("y", "1-y"), row("a", "2-a"), row("z", "1-z")
    source.lands(page(first, new, last))
    source.lands(page(first, old, new, last))
    assert source.stored("a")[0] == "2-a"


def test_a_page_truncated_in_a_row_that_is_stored_is_refused(source):
    first, last = row("a", "1-a"), row("z", "1-z", nested={})
    source.lands(page(first, last))
    source.refuses(page(first, row("n", "1-n"), last)[:-1], 400)


def test_stamps_are_unique_and_grow_in_commit_order(postgrest, cursor):
    names = ("a/medic", "b/medic")
    sources = [Source(postgrest, cursor, name) for name in names]

    def feed(source):
        for call in range(20):
            rows = [row(f"{source.name}-{call}-{number}", "1-x") for number in range(10)]
            assert source.send(page(*rows, last_seq=str(call))).status_code == 200

    threads = [threading.Thread(target=feed, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cursor.execute("SELECT count(*), count(DISTINCT saved_timestamp) FROM v1.couchdb")
    assert cursor.fetchone() == (400, 400)
    # xmin is the order in which transactions began to write, which under the lock is the order of their commits
    cursor.execute("SELECT count(*) FROM v1.couchdb x JOIN v1.couchdb y ON x.xmin::text::bigint < y.xmin::text::bigint AND x.saved_timestamp > y.saved_timestamp")
    assert cursor.fetchone() == (0,)


def test_a_clock_that_steps_back_does_not_hide_a_row(source, cursor):
    cursor.execute("UPDATE v1.stamp SET last = '2200-01-01'")
    source.lands(page(row("a", "1-a")))
    source.lands(page(row("b", "1-b")))
    cursor.execute("SELECT saved_timestamp > '2200-01-01' FROM v1.couchdb")
    assert cursor.fetchall() == [(True,), (True,)]
    cursor.execute("SELECT a.saved_timestamp < b.saved_timestamp FROM v1.couchdb a, v1.couchdb b WHERE (a._id, b._id) = ('a', 'b')")
    assert cursor.fetchone() == (True,)


def test_credentials_and_design_documents_do_not_land(source):
    source.lands(page(row("a", "1-a", derived_key="k", salt="s", password_scheme="p", name="n"), row("_design/x", "1-d")))
    assert source.stored("a")[2] == {"_id": "a", "_rev": "1-a", "name": "n"}
    assert source.stored("_design/x") is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("hello", "no JSON header"),
        ('{"last_seq":"1"}', "lacks"),
        (page(row("a", "1-a"), count=2), "announces 2 rows, 1 came"),
        (page(row("a", "1-a"), '{"seq":null', count=1), "not whole"),
        (page("x", count=0), "not whole"),
        ("[{]", "no JSON array"),
        ("[1]", "lack"),
        ('[{"id":"a","seq":"1","doc":{"_id":"a"}}]', "lack"),
    ],
)
def test_a_broken_call_is_refused_whole(source, body, words):
    source.lands(page(row("kept", "1-k"), last_seq="5-k"))
    answer = source.refuses(body, 400, words)
    assert not answer.json()["details"]


def test_a_part_of_a_page_leaves_the_position_alone(source):
    source.lands(page(row("a", "1-a"), last_seq="5-x", pending=9))
    source.lands(page(row("b", "1-b"), last_seq=None, pending=4))
    assert source.progress() == ("5-x", 9)


def test_an_empty_page_moves_the_position(source):
    source.lands(page(last_seq="6-x", pending=None))
    assert source.progress() == ("6-x", None)


def test_the_old_lease_is_refused(source):
    old = source.lease
    source.claim()
    new, source.lease = source.lease, old
    source.refuses(page(row("a", "1-a")), 409, "lease")
    source.lease = new
    source.lands(page(row("a", "1-a")))


def test_claim_answers_the_position(source):
    assert source.claim() is None
    source.lands(page(row("a", "1-a"), last_seq="8-x"))
    assert source.claim() == "8-x"


@pytest.mark.parametrize(
    ("known", "now", "seq"),
    [("1", "2", None), ("1", "1", "8-x"), ("1", None, "8-x"), ("1", "0", "8-x"), ("1", "", "8-x"), (None, "2", "8-x"), ("0", "2", "8-x")],
)
def test_a_database_created_anew_is_read_from_the_start(source, known, now, seq):
    source.claim(known)
    source.lands(page(row("a", "1-a"), last_seq="8-x"))
    assert source.claim(now) == seq
