# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any two states, listed in any order: exactly the true differences are found."""

from hypothesis import example, given
from hypothesis import strategies as st

from cht_relay.compare import Finding, Stored, batches, candidates, counts, judge, settled

IDS = st.sampled_from(["a", "B", "b", "é", "z~1", "😀", "\uffff", "a b"])
REVS = st.sampled_from(["1-a", "1-b", "2-a"])
THERE = st.dictionaries(IDS, st.tuples(REVS, st.booleans()))
HERE = st.dictionaries(IDS, st.builds(Stored, st.one_of(st.none(), REVS), st.booleans(), st.sampled_from(["own", "other"])))
APART = st.dictionaries(IDS, st.sampled_from(["id_collision", "refused by jsonb: 22003"]))


def expected(there, here, apart):
    """By the words of the documentation, one id after the other."""
    found = {}
    for id_ in {*there, *here}:
        rev, deleted = there.get(id_, (None, None))
        live = id_ in there and not deleted
        row = here.get(id_)
        kept = row is not None and not row.deleted
        if row is not None and row.source == "other":
            kind = "collision" if live else None
        elif live and row is None:
            kind = "missing"
        elif live and row.deleted:
            kind = "undeleted"
        elif live:
            kind = "outdated" if row.rev != rev else None
        elif kept:
            kind = "deleted" if id_ in there else "vanished"
        else:
            kind = None
        if kind in ("missing", "undeleted", "outdated") and id_ in apart:
            kind = "quarantined"
        if kind:
            found[id_] = kind
    return found


def listed(order, rows):
    return sorted(rows, key=lambda row: order.index(row[0]))


@given(THERE, HERE, APART, st.data())
@example({"a": ("1-a", False)}, {"a": Stored("1-a", False, "own")}, {}, None)
def test_exactly_the_true_differences(there, here, apart, data):
    ids = sorted({*there, *here})
    orders = [data.draw(st.permutations(ids)) if data else ids for _side in range(2)]
    theirs = listed(orders[0], [(i, rev) for i, (rev, gone) in there.items() if not gone])
    own = [(i, r.rev) for i, r in here.items() if not r.deleted and r.source == "own"]
    ours = listed(orders[1], own)
    asked = []

    def kept_apart(some):
        asked.extend(some)
        return {id_: apart[id_] for id_ in some if id_ in apart}

    found = {}
    for some in batches(candidates(theirs, ours), 3):
        known = {id_: there[id_] for id_ in some if id_ in there}
        stored = {id_: here[id_] for id_ in some if id_ in here}
        found.update((f.id, f) for f in judge("own", some, known, stored, kept_apart))
    assert {id_: finding.kind for id_, finding in found.items()} == expected(there, here, apart)
    for id_, finding in found.items():
        assert finding.there == there.get(id_, (None,))[0]
        assert finding.here == (here[id_].rev if id_ in here else None)
        assert finding.differs == (finding.kind not in ("collision", "quarantined"))
    if orders[0] == orders[1] == ids:
        same = {i for i, rev in theirs} & {i for i, rev in ours} - set(found)
        assert not same & set(asked)


def test_in_the_same_order_only_what_may_differ_is_asked_for():
    same = [(f"{number:03}", "1-a") for number in range(100)]
    theirs = [*same[:50], ("050", "2-a"), *same[51:], ("z", "1-a")]
    assert list(candidates(theirs, same[1:])) == ["000", "050", "z"]
    assert list(candidates([], same)) == [id_ for id_, _rev in same]


def test_what_the_source_changed_meanwhile_does_not_count():
    before = {id_: Finding("outdated", id_, "2-a", "1-a") for id_ in "abcd"}
    after = [
        Finding("outdated", "a", "2-a", "1-a"),
        Finding("outdated", "b", "3-a", "1-a"),
        Finding("quarantined", "c", "2-a", "1-a", "why"),
    ]
    assert list(settled(before, after)) == ["a"]
    vanished = {"v": Finding("vanished", "v", None, "1-a")}
    assert list(settled(vanished, vanished.values())) == ["v"]
    assert settled(vanished, [Finding("outdated", "v", "2-a", "1-a")]) == {}


def test_counts():
    kinds = ["vanished", "missing", "vanished", "collision"]
    assert counts(Finding(k, "x", None, None) for k in kinds) == "1 missing, 2 vanished, 1 collision"
    assert counts([]) == ""
