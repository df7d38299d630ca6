# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutting pages: the same rows as a JSON parser finds, the same bytes as were sent."""

import json
import random

import pytest
from engine_recordings import all_pages, pouchdb, recording

from cht_engine.pages import Page, PageError, _cut_lines, cut

PAGES = all_pages()
POUCHDB_PAGES = ["changes-page1", "changes-page2", "changes-empty", "longpoll-answered"]
NASTY = [
    '"doc":',
    "},\r\n",
    '},\r\n{"seq":',
    '\n],\n"last_seq":"7-x","pending":0}\n',
    '{"results":[\n',
    "\\",
    '\\"',
    "\u2028\u2029\x7f\x85",
    "😀é",
    "\x00",
    "",
]


def rows_of(page: Page):
    rows = page.body.split(b",\r\n") if page.body else []
    assert len(rows) == page.rows
    assert page.body.count(b"\n") == max(0, page.rows - 1)
    return rows


def layouts(results, last_seq="9-abc", pending=3):
    """One page in every layout that somebody might write it in."""
    tail = {"last_seq": last_seq, "pending": pending}
    tight = {"separators": (",", ":")}
    whole = {"results": results, **tail}
    one = [json.dumps(r, ensure_ascii=False, **tight) for r in results]
    last = json.dumps(tail, **tight)[1:]
    yield "couchdb", '{"results":[\n' + ",\r\n".join(one) + "\n],\n" + last + "\n\n"
    yield "lf", '{"results":[\n' + ",\n".join(one) + "\n],\n" + last + "\n"
    beats = "\n\n,\r\n\n".join(one)
    yield "heartbeats", '{"results":[\n\n\n' + beats + "\n\n],\n" + last + "\n\n"
    yield "tight", json.dumps(whole, **tight)
    yield "spaced", json.dumps(whole) + "\n"
    yield "indented", json.dumps(whole, indent=2, ensure_ascii=False)
    yield "unindented", json.dumps(whole, indent=0)
    yield "crlf", json.dumps(whole, indent=1).replace("\n", "\r\n")
    yield "tail first", json.dumps({**tail, "extra": [{"results": []}], **whole})


def nasty_rows(count, seed=1):
    """Rows as CouchDB shapes them, of documents that look like the page around them."""
    rnd = random.Random(seed)

    def value(depth):
        kind = rnd.randrange(7 if depth else 4)
        if kind < 2:
            return "".join(rnd.choices(NASTY, k=3))
        if kind == 2:
            return rnd.choice([True, False, None, 0, -1, 2.5, 10**25])
        if kind == 3:
            return rnd.choice([[], {}])
        if kind < 6:
            return {
                rnd.choice(["doc", "seq", "results", "last_seq", "é"]): value(depth - 1)
                for _ in range(3)
            }
        return [value(depth - 1) for _ in range(3)]

    rows = []
    for number in range(count):
        doc = {"_id": f"d{number}", "_rev": "1-a", "v": value(4)}
        changes = [{"rev": "1-a"}]
        rows.append({"seq": None, "id": f"d{number}", "changes": changes, "doc": doc})
    return rows


@pytest.mark.parametrize("page", PAGES, ids=lambda r: r.name)
def test_recorded_pages_are_cut_as_a_parser_reads_them(page):
    parsed = json.loads(page.body)
    got = cut(page.body)
    rows = rows_of(got)
    assert [json.loads(row) for row in rows] == parsed["results"]
    assert (got.last_seq, got.pending) == (parsed["last_seq"], parsed["pending"])
    assert all(row in page.body for row in rows)
    assert _cut_lines(page.body) == got, "not by bytes alone"


def test_there_are_recorded_pages():
    assert len(PAGES) > 25
    assert sum(len(json.loads(p.body)["results"]) for p in PAGES) > 60


def test_recorded_pages_with_heartbeats_before_the_first_row():
    for number in ("077", "079"):
        assert b"[\n\n" in recording(number).body
        assert cut(recording(number).body).body.startswith(b'{"seq":"6')


@pytest.mark.parametrize("name", POUCHDB_PAGES)
def test_pages_of_pouchdb_server(name):
    page = pouchdb(name)
    parsed = json.loads(page.body)
    got = cut(page.body)
    rows = rows_of(got)
    assert [json.loads(row) for row in rows] == parsed["results"]
    assert all(row in page.body for row in rows)
    assert (got.last_seq, got.pending) == (str(parsed["last_seq"]), None)


@pytest.mark.parametrize("seed", range(5))
def test_every_layout_gives_the_same_rows(seed):
    results = nasty_rows(12, seed)
    for name, text in layouts(results):
        got = cut(text.encode("utf-8"))
        assert [json.loads(r) for r in rows_of(got)] == results, name
        assert (got.last_seq, got.pending) == ("9-abc", 3), name


def test_line_layouts_need_no_parser():
    results = nasty_rows(12)
    fast = {n for n, text in layouts(results) if _cut_lines(text.encode("utf-8"))}
    assert {"couchdb", "lf", "heartbeats"} <= fast
    assert not {"tight", "spaced", "indented", "crlf", "tail first"} & fast


def test_empty_page_in_every_layout():
    for name, text in layouts([]):
        got = cut(text.encode())
        assert got == Page(b"", 0, "9-abc", 3), name
        assert got.call() == b'{"last_seq": "9-abc", "pending": 3, "rows": 0}\n'


@pytest.mark.parametrize(
    "spelling",
    [
        b"123456789012345678901234567890",
        b"1" * 5000,
        b"1.50",
        b"1E+2",
        b"-0.0",
        b'"\\ud800"',
        b'"\\u00e9\\/"',
        '"é"'.encode(),
        b'"\xed\xa0\x80"',
        b'"\\u0000"',
    ],
)
@pytest.mark.parametrize(
    "layout", [b'{"results":[\n%s\n],\n%s\n', b'{"results":[%s],%s']
)
def test_the_spelling_of_values_survives(spelling, layout):
    row = b'{"seq":1,"id":"a","doc":{"_id":"a","v":' + spelling + b"}}"
    page = cut(layout % (row, b'"last_seq":1,"pending":0}'))
    assert (page.body, page.rows) == (row, 1)


@pytest.mark.parametrize(
    "rows",
    [
        b'{"seq":1,\n"id":"a"}',
        b'{"seq":1,"id":"a","doc":{"x":[{"y":1},\n{"y":2}]}}',
        b'{"seq":1,"id":"a"},{"seq":2,"id":"b"}',
        b'{"id":"a","seq":1},{"id":"b","seq":2}',
        b'{"seq":1,"id":"a"},\r\n{"id":"b","seq":2}',
        b'{"seq":1,"id":"a"},\r\n {"seq":2,"id":"b"}',
        b'{"seq":1,"id":"a"},\r\n{"seq":2,"id":"b","doc":[{"x":1},{"seq":2}]}',
        b"null,\r\n[]",
    ],
)
def test_rows_that_are_not_quite_couchdbs(rows):
    page = cut(b'{"results":[\n' + rows + b'\n],\n"last_seq":"2-b","pending":0}\n')
    assert [json.loads(r) for r in rows_of(page)] == json.loads(b"[" + rows + b"]")


def test_line_breaks_between_tokens_become_spaces():
    page = cut(b'{"results":[{"id":"a",\r\n"doc":{\n}},{"id":"b\\n"}],"last_seq":2}')
    assert page.body == b'{"id":"a",  "doc":{ }},\r\n{"id":"b\\n"}'


@pytest.mark.parametrize("layout", ["couchdb", "heartbeats", "tight", "indented"])
def test_a_cut_at_any_byte_is_seen_or_does_no_harm(layout):
    data = dict(layouts(nasty_rows(3)))[layout].encode("utf-8")
    whole = cut(data)
    for length in range(len(data)):
        try:
            page = cut(data[:length])
        except PageError:
            continue
        assert page == whole
        assert data[length:].strip() == b"", "more than white space was missing"


@pytest.mark.parametrize("number", ["030", "035", "080"])
def test_a_recorded_page_cut_at_any_byte(number):
    data = recording(number).body
    whole = cut(data)
    for length in range(len(data.rstrip())):
        with pytest.raises(PageError):
            cut(data[:length])
    assert cut(data.rstrip()) == whole


@pytest.mark.parametrize("number", ["123", "125", "127"])
def test_recorded_ends_of_a_stopped_server_are_no_pages(number):
    with pytest.raises(PageError):
        cut(recording(number).body)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>",
        b'{"results":[]}',
        b'{"last_seq":"1"}',
        b'{"results":{},"last_seq":"1"}',
        b'{"results":[],"last_seq":null}',
        b'{"results":[],"last_seq":true}',
        b'{"results":[\n\n],\n"last_seq":1.5,"pending":0}\n',
        b'{"results":[],"last_seq":"1"} {}',
        b'{"results":[],"last_seq":"1"',
        b'{"results":[1,],"last_seq":"1"}',
        b'{"results":[],{}:1,"last_seq":"1"}',
        b'{"results":[' + b"[" * 200000,
        b'{"results":[\n{"seq":1,"id":"secret-id"\n{"error":"timeout"}',
    ],
)
def test_what_is_no_page_is_said_without_quoting_it(data):
    with pytest.raises(PageError) as caught:
        cut(data)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("pending", ["null", "-1", "true", '"5"', "1.5"])
def test_an_unusable_pending_is_not_known(pending):
    data = '{"results":[\n\n],\n"last_seq":"1-a","pending":%s}\n' % pending
    assert cut(data.encode()).pending is None


def test_call_is_a_header_line_and_the_rows_as_they_came():
    recorded = recording("030").body
    page = cut(recorded)
    header, _, rows = page.call().partition(b"\n")
    assert json.loads(header) == {
        "last_seq": json.loads(recorded)["last_seq"],
        "pending": 35,
        "rows": 10,
    }
    assert rows in recorded and len(rows.split(b",\r\n")) == 10
    assert not rows.endswith(b"\n")


@pytest.mark.parametrize("size", [1, 2, 3, 9, 10, 11])
def test_split_keeps_rows_and_order_and_the_position_for_the_last(size):
    page = cut(recording("030").body)
    parts = page.split(size)
    assert b",\r\n".join(p.body for p in parts) == page.body
    assert [p.rows for p in parts[:-1]] == [size] * (len(parts) - 1)
    assert sum(p.rows for p in parts) == 10 and max(p.rows for p in parts) <= size
    assert [p.last_seq for p in parts] == [None] * (len(parts) - 1) + [page.last_seq]
    after = [35 + 10 - sum(p.rows for p in parts[: i + 1]) for i in range(len(parts))]
    assert [p.pending for p in parts] == after


def test_split_of_a_part_carries_no_position():
    first = cut(recording("030").body).split(5)[0]
    assert [p.last_seq for p in first.split(3)] == [None, None]
