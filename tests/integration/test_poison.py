# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The poison catalogue: what must land, what goes to quarantine without its neighbours, what refuses the whole call."""

import json
import re

import pytest
from calls import LONG_ID, event, page, row

pytestmark = pytest.mark.server

BEFORE, AFTER = "before", "after"


def poisoned_page(doc: str, id_='"p"') -> str:
    """A page of three rows, of which the second carries this text as its document."""
    middle = f'{{"seq":"2-x","id":{id_},"changes":[{{"rev":"1-p"}}],"doc":{doc}}}'
    return page(row(BEFORE, "1-b"), middle, row(AFTER, "1-a"), last_seq="3-x")


def poisoned_events(doc: str, id_='"p"') -> str:
    """The same as events. The document comes first, as it may."""
    before, after = (json.dumps(event(name, f"{seq}-x", doc={"_id": name, "_rev": "1-x"})) for name, seq in ((BEFORE, 1), (AFTER, 3)))
    return f'[{before},{{"doc":{doc},"seq":"2-x","id":{id_},"deleted":false}},{after}]'


@pytest.fixture(params=[poisoned_page, poisoned_events], ids=["page", "events"])
def poisoned(request):
    return request.param


def neighbours_landed(source):
    return bool(source.stored(BEFORE) and source.stored(AFTER) and source.progress()[0] == "3-x")


def document(members: str) -> str:
    return f'{{"_id":"p","_rev":"1-p",{members}}}'


DIGITS = "9" * 60
DEEP = 100_000
LANDS = {
    "nul in a value": (r'"a":"x\u0000y"', '"a":"xy"'),
    "nul in a key": (r'"a\u0000b":1', '"ab":1'),
    "nul alone": (r'"\u0000":"\u0000"', '"":""'),
    "nuls at the ends": (r'"a":"\u0000\u0000x\u0000"', '"a":"x"'),
    "nul in a credential's name": (r'"derived\u0000_key":"k"', '"x":1'),
    "escaped nul": (r'"a":"\\u0000"', r'"a":"\\u0000"'),
    "escaped nul in a key": (r'"\\u0000":1', r'"\\u0000":1'),
    "nul after an escaped backslash": (r'"a":"\\\u0000z"', r'"a":"\\z"'),
    "double-escaped nul": (r'"a":"\\\\u0000"', r'"a":"\\\\u0000"'),
    "all of them": (r'"a":"\u0000\\u0000\\\u0000\\\\u0000"', r'"a":"\\u0000\\\\\\u0000"'),
    "lone high surrogate": (r'"a":"x\ud800y"', '"a":"x\ufffdy"'),
    "lone low surrogate": (r'"a":"\udc00"', '"a":"\ufffd"'),
    "surrogates the wrong way round": (r'"a":"\ude00\ud83d"', '"a":"\ufffd\ufffd"'),
    "two high surrogates and a low one": (r'"a":"\ud83d\ud83d\ude00"', '"a":"\ufffd😀"'),
    "a pair and a low surrogate": (r'"a":"\uD83D\uDE00\uDE00"', '"a":"😀\ufffd"'),
    "lone surrogate in a key": (r'"x\ud800":1', '"x\ufffd":1'),
    "escaped surrogate": (r'"a":"\\ud800"', r'"a":"\\ud800"'),
    "escaped surrogate beside a lone one": (r'"a":"\\ud800\ud800"', r'"a":"\\ud800\ufffd"'),
    "surrogate after an escaped backslash": (r'"a":"\\\ud800"', '"a":"\\\\\ufffd"'),
    "nul and lone surrogate": (r'"a":"\u0000\ud800"', '"a":"\ufffd"'),
    "200 levels": ('"a":' + "[" * 200 + "]" * 200,) * 2,
    "duplicate keys": ('"a":1,"a":{"b":2,"b":3}', '"a":{"b":3}'),
    "60 digits": (f'"a":{DIGITS},"b":-{DIGITS},"c":0.{DIGITS}',) * 2,
    "a large exponent": ('"a":1e300', '"a":1' + "0" * 300),
    "the separator of rows": (r'"a":"},\r\n","b":"\"doc\":"',) * 2,
    "all control characters": (",".join(f'"{n}":"\\u{n:04x}"' for n in range(1, 32)),) * 2,
    "line separators": ('"a":"\u2028\u2029\x7f\ufeff\uffff"',) * 2,
    "20 MB": ('"a":"' + r"é\n" * (5 << 20) + '"',) * 2,
}


@pytest.mark.parametrize(("members", "kept"), LANDS.values(), ids=LANDS)
def test_it_lands(source, cursor, poisoned, members, kept):
    assert source.lands(poisoned(document(members)))["quarantined"] == 0
    assert neighbours_landed(source)
    kept = document(kept) if kept != '"x":1' else '{"_id":"p","_rev":"1-p"}'
    cursor.execute("SELECT doc = %s::jsonb, doc::text FROM v1.couchdb WHERE _id = 'p'", (kept,))
    equal, text = cursor.fetchone()
    assert equal, f"{text[:300]} instead of {kept[:300]}"


@pytest.mark.parametrize("id_", [r'"p\u0000"', r'"\u0000p"'])
def test_a_nul_in_an_id_is_removed(source, poisoned, id_):
    source.lands(poisoned(f'{{"_id":{id_},"_rev":"1-p"}}', id_))
    assert neighbours_landed(source) and source.stored("p")[2]["_id"] == "p"


QUARANTINED = {
    "null id": ('{"x":1}', "null", None),
    "a number for a document": ("5", '"p"', "p"),
    "a string": ('"x"', '"p"', "p"),
    "an array": ("[]", '"p"', "p"),
    "no document": ("null", '"p"', "p"),
    "1e400000": (document('"n":1e400000'), '"p"', "p"),
    "-1e-400000": (document('"n":-1e-400000'), '"p"', "p"),
    "100,000 levels of arrays": (document('"d":' + "[" * DEEP + "]" * DEEP), '"p"', "p"),
    "20,000 levels of objects": (document('"d":' + '{"a":' * 20_000 + "1" + "}" * 20_000), '"p"', "p"),
    "an escaped id": ('{"_id":"q\\"\\u00e9","n":1e400000}', '"q\\"\\u00e9"', 'q"é'),
    "ids inside the document": ('{"contact":{"_id":"x","id":"y"},"_id":"p","n":1e400000}', '"p"', "p"),
    "a long id": (f'{{"_id":"{LONG_ID}"}}', f'"{LONG_ID}"', LONG_ID),
}


@pytest.mark.parametrize(("doc", "id_", "told_id"), QUARANTINED.values(), ids=QUARANTINED)
def test_it_goes_to_quarantine_and_its_neighbours_land(source, cursor, poisoned, doc, id_, told_id):
    body = poisoned(doc, id_)
    for _time in range(2):  # a repeat writes nothing
        assert source.lands(body)["quarantined"] == 1
        assert neighbours_landed(source)
    cursor.execute("SELECT source, doc_id, seq, raw, closed_at FROM v1.quarantine")
    (entry,) = cursor.fetchall()
    assert entry[:3] == ("a/medic", told_id, "2-x") and entry[4] is None
    assert _spelled(doc) in _spelled(entry[3])  # an event may be kept in jsonb's spelling


def _spelled(text):
    return re.sub(r"(?<=[,:{}\[\]]) ", "", text).replace("\\u00e9", "é")


REFUSED = {
    "no JSON": document('"a":nonsense'),
    "NaN": document('"n":NaN'),
    "Infinity": document('"n":-Infinity'),
    "a raw control character": document('"a":"\x01"'),
    "a raw newline": document('"a":"x\ny"'),
    "a raw newline beside a nul": document('"a":"\x01\\u0000"'),
    "half an escape": document(r'"a":"\u00"'),
    "a missing bracket": document('"a":[1'),
    "two values": document('"a":1}{"b":2'),
    "a number with a leading zero": document('"a":01'),
}


@pytest.mark.parametrize("doc", REFUSED.values(), ids=REFUSED)
def test_it_refuses_the_whole_call(source, poisoned, doc):
    source.lands(page(row("kept", "1-k"), last_seq="0-k"))
    answer = source.refuses(poisoned(doc), 400)
    assert not answer.json()["details"] and "nonsense" not in answer.text


def test_broken_text_beside_poison_refuses_the_whole_call(source, poisoned):
    """What jsonb cannot hold sends the rows through one by one: then, too, a text that is no JSON counts."""
    source.refuses(poisoned(document('"n":1e400000,"a":NaN')), 400)
    source.refuses(poisoned(document('"d":' + "[" * 20_000 + "]" * 19_999)), 400)


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\x00"], ids=repr)
def test_invalid_utf8_is_refused(source, poisoned, bad):
    body = poisoned(document('"a":"HERE"')).encode().replace(b"HERE", bad)
    source.refuses(body, 400, None)


PAGE = page(row("a", "1-a", t="},\r\n é😀"), row("c", "2-c", _deleted=True), row("b", "1-b", n=[1, {"x": "ü"}], m={}), last_seq="9-x").encode()
EVENTS = json.dumps(
    [event("a", doc={"_id": "a", "t": "}],[ é😀"}), event("b", deleted=True), event("c", doc={"_id": "c", "n": [1, {}]})], ensure_ascii=False
).encode()


@pytest.mark.parametrize("whole", [PAGE, EVENTS], ids=["page", "events"])
def test_a_body_truncated_anywhere_is_refused(source, whole):
    """At each byte: between rows, inside a character, and with nothing left at all. Also where all is stored already."""
    source.lands(page(row("kept", "1-k"), last_seq="5-k"))
    for _time in range(2):
        before = source.state()
        for length in range(len(whole)):
            assert source.send(whole[:length]).status_code == 400, whole[:length]
        assert source.state() == before
        source.lands(whole)


@pytest.mark.parametrize("whole", [PAGE, EVENTS], ids=["page", "events"])
def test_a_body_that_lost_its_beginning_is_refused(source, whole):
    before = source.state()
    for length in range(1, len(whole)):
        assert source.send(whole[length:]).status_code == 400, whole[length:]
    assert source.state() == before


@pytest.mark.parametrize("without", ["id", "seq", "deleted", "doc"])
@pytest.mark.parametrize("poison", [None, "1e400000", "[" * 20_000 + "]" * 20_000], ids=["plain", "number", "deep"])
def test_an_event_that_lacks_a_member_refuses_the_whole_call(source, without, poison):
    doc = {"_id": "a", "x": "POISON"}
    good, bad = event("g", doc=doc), {key: value for key, value in event("a", doc={}).items() if key != without}
    for events in ([good, bad], [bad, good]):
        source.refuses(json.dumps(events).replace('"POISON"', poison or "1"), 400, "lack")
