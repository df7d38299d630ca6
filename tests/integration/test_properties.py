# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random histories of CouchDB databases, through a real PostgREST: after each call the warehouse is as the model says."""

from random import Random

import pytest
from calls import Source, empty, page
from couch import Couch
from expected import Expected, clean, holds, kept_apart, open_entries, table
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

pytestmark = pytest.mark.server

NAMES = ("a/medic", "b/medic", "c/medic")
ENGINES = dict(zip(NAMES, ("relay", "relay", "logstash")))

# What the splitting of pages and the cleaning of texts could stumble over.
TEXTS = st.lists(
    st.sampled_from(
        ["\0", "\\", "\\u0000", "\\\\u0000", '"', '"doc":', "},\r\n", "\r\n", "}", "]", "\x1f", "/", "😀", "é", "\ud83d", "\ude00", "\u2028", "u0000", "x"]
    ),
    max_size=5,
).map("".join)
NUMBERS = st.one_of(st.integers(), st.integers(10**59, 10**60), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=4,
)
BODIES = st.dictionaries(st.one_of(TEXTS, st.sampled_from(["salt", "derived_key", "name", "doc"])), VALUES, max_size=4)
# A few ids, so that histories meet: some of one source each, some that several sources have.
SHARED_IDS = ["settings", "sett\0ings", "_design/medic"]
# Stored alike, but for the last one.
TWINS = ["twin", "tw\0in", "\0twin", "tw\0\0in", "tw\\u0000in"]
HALVES = ["half\ufffd", "half\ud83d", "half\ude00", "half\0\ud83d"]
IDS = st.one_of(
    st.sampled_from(["1", "2", "3", "4"]),
    st.sampled_from(["1", "2", "3", 'q"uo\\te', "é😀", "},\r\n", *SHARED_IDS]),
    st.sampled_from(TWINS),
    st.sampled_from([*TWINS, *HALVES, 'q"uo\0\\te']),
)
# And a few bodies, so that revisions come back.
EDITS = st.tuples(IDS, st.one_of(st.just({}), st.just({"x": 1}), BODIES), st.sampled_from([False, False, True]), st.sampled_from([None, None, 1, 9]),
                  st.sampled_from([False, False, False, True]))  # fmt: skip
# What may happen before a delivery, as a method and its arguments. Rules of their own would crowd deliveries out.
HAPPENINGS = [
    *[("nothing",)] * 6,
    *[("lose_the_answer",), ("take_over",), ("retry",), ("retry_all",)],
    *(("open_anew", identity) for identity in (None, "0", "1", "2")),
    *(("restore", share) for share in (0.5, 0.8, 0.9)),
]


class Histories(RuleBasedStateMachine):
    """Three sources: pages or arrays of events at will."""

    def __init__(self, postgrest, cursor):
        super().__init__()
        self.postgrest, self.cursor = postgrest, cursor

    @initialize()
    def begin(self):
        empty(self.cursor)
        self.expected = Expected()
        self.couches = {name: Couch() for name in NAMES}
        self.identities = dict.fromkeys(NAMES)
        self.sources = {name: Source(self.postgrest, self.cursor, name, ENGINES[name]) for name in NAMES}
        self.last_calls = {}
        self.follower, self.followed = "-infinity", {}

    @rule(name=st.sampled_from(NAMES), happening=st.sampled_from(HAPPENINGS), edits=st.lists(EDITS, min_size=1, max_size=6),
          size=st.integers(1, 8), cut=st.integers(0, 6), form=st.sampled_from(["page", "events"]),
          again=st.sampled_from([0, 0, 3, 9]), duplicates=st.booleans(), order=st.integers(0, 99),
          pending=st.sampled_from([None, 0, 7, 2**40]))  # fmt: skip
    def deliver(self, name, happening, edits, size, cut, form, again, duplicates, order, pending):
        """Something happens, documents change; then the next changes, or some before them once more, in one call or in two
        parts.
        """
        what, *how = happening
        if what != "nothing":
            getattr(self, what)(name, *how)
            self.the_table_equals_the_model()
        for id_, *edit in edits:
            self.couches[name].put(id_ if id_ in SHARED_IDS else f"{name}:{id_}", *edit)
        couch, order = self.couches[name], Random(order)
        since = self.expected.last_seq.get(name)
        if since and again:
            since = f"{max(0, int(since.split('-')[0]) - again)}-x"
        changes = couch.changes(since, size)
        last = changes[-1]
        if duplicates:
            changes = [*(old for change in changes for old in couch.past.get(change.id, [])[-2:]), *changes]
        if form == "events":
            body = "[" + ",".join(change.event(order) for change in changes) + "]"
            self.send(name, body, [change.as_told_by_an_event() for change in changes], last.seq, None)
            return
        parts = [changes[:cut], changes[cut:]] if 0 < cut < len(changes) else [changes]
        for part in parts:
            last_seq = last.seq if part is parts[-1] else None
            self.send(name, page(*(change.row() for change in part), last_seq=last_seq, pending=pending), part, last_seq, pending)

    def lose_the_answer(self, name):
        """The engine claims again, is told that the call arrived, and sends it once more all the same."""
        source = self.sources[name]
        assert source.claim(self.identities[name]) == self.expected.last_seq.get(name)
        if name in self.last_calls:
            self.send(name, *self.last_calls[name])

    def take_over(self, name):
        """A second process claims; the first one's call is refused and writes nothing."""
        first, second = self.sources[name], Source(self.postgrest, self.cursor, name, ENGINES[name])
        first.refuses(page(), 409, "lease")
        self.sources[name] = second

    def open_anew(self, name, identity):
        """The engine starts again and tells which database it reads; another one is read from the start."""
        known = self.identities[name]
        if identity in ("1", "2"):
            self.identities[name] = identity
            if known not in (None, identity):
                self.couches[name] = Couch()
                self.expected.last_seq[name] = None
                self.last_calls.pop(name, None)
        assert self.sources[name].claim(identity) == self.expected.last_seq.get(name)

    def restore(self, name, share):
        """The source goes back to an older state, and the operator has it read from the start."""
        self.couches[name].restore(share)
        self.cursor.execute("SELECT v1.resync(%s)", (name,))
        self.expected.last_seq[name] = None
        self.last_calls.pop(name, None)
        self.sources[name].refuses(page(), 409, "lease")
        assert self.sources[name].claim(self.identities[name]) is None

    def retry(self, only):
        """None of what is in quarantine can be read yet, or has its id for itself: each document is tried, and stays."""
        self.cursor.execute("SELECT source, doc_id, outcome FROM v1.retry_quarantine(%s)", (only,))
        tried = sorted((source, id_) for source, id_ in self.expected.open if only in (None, source))
        assert sorted(self.cursor.fetchall()) == [(*document, "quarantined") for document in tried]

    def retry_all(self, _name):
        self.retry(None)

    def send(self, name, body, changes, last_seq, pending):
        written, quarantined = self.expected.ingest(name, changes, last_seq)
        assert self.sources[name].lands(body) == {"rows": len(changes), "written": len(written), "quarantined": quarantined}
        self.follow(written)
        if last_seq is not None:
            self.last_calls[name] = (body, changes, last_seq, pending)
            assert self.sources[name].progress() == (last_seq, min(pending, 2**31 - 1) if pending is not None else None)

    def follow(self, written):
        """Who reads on after the last stamp sees what a call wrote, each document once, in order, and nothing else."""
        self.cursor.execute("SELECT _id, saved_timestamp FROM v1.couchdb WHERE saved_timestamp > %s ORDER BY saved_timestamp", (self.follower,))
        rows = self.cursor.fetchall()
        last_places = {id_: place for place, id_ in enumerate(written)}
        assert [id_ for id_, _stamp in rows] == sorted(last_places, key=last_places.get)
        assert len({stamp for _id, stamp in rows}) == len(rows)
        if rows:
            self.follower = rows[-1][1]

    @invariant()
    def the_table_equals_the_model(self):
        assert table(self.cursor) == self.expected.documents
        assert open_entries(self.cursor) == self.expected.open
        self.cursor.execute("SELECT DISTINCT source, doc_id FROM v1.quarantine")
        assert set(self.cursor.fetchall()) == self.expected.quarantined

    def teardown(self):
        """Once everything is delivered, the table holds what the databases hold, or quarantine does."""
        for name in self.sources:
            changes = self.couches[name].changes(self.expected.last_seq.get(name))
            if changes:
                self.send(name, page(*(change.row() for change in changes), last_seq=changes[-1].seq), changes, changes[-1].seq, 0)
        self.the_table_equals_the_model()
        rows = table(self.cursor)
        for name in NAMES:
            for change in self.couches[name].changes(None):
                row = rows.get(clean(change.id))
                if change.id.startswith("_design/"):
                    assert row is None
                elif (name, kept_apart(change.id)) in self.expected.open:
                    assert change.poison or (row.source, self.expected.owners[clean(change.id)]) != (name, change.id)
                else:
                    assert holds(row, change)


def test_histories(postgrest, cursor):
    run_state_machine_as_test(
        lambda: Histories(postgrest, cursor),
        settings=settings(max_examples=40, stateful_step_count=30, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)),
    )
