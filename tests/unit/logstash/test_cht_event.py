# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""cht_event.rb on the recorded feed, and on events that no CouchDB should send."""

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "double"))

from shaping import FEED, SCRIPT, of_changes, of_events, recorded_body  # noqa: E402

MEMBERS = {"id", "seq", "deleted", "doc"}


def exact(text):
    """Parsed without rounding."""
    return json.loads(text, parse_float=Decimal)


def event(doc=None, action="update", id_="a", seq="1-a", **fields):
    return {"@metadata": {"_id": id_, "action": action, "seq": seq}, "doc": doc, "doc_as_upsert": True, **fields}


def shaped(*events):
    return json.loads(of_events(*events))


def test_the_recorded_feed_becomes_the_recorded_batch():
    recorded = exact(recorded_body("44-batch-shaped.http"))
    for one in recorded:
        del one["source"]
    assert exact(of_changes(FEED)) == recorded


def test_only_the_members_of_the_contract_leave():
    (one,) = shaped(event({"_id": "a"}, tags=["x"], host={"name": "h"}, type="t"))
    assert one == {"id": "a", "seq": "1-a", "deleted": False, "doc": {"_id": "a"}}


@pytest.mark.parametrize("action", ["update", "delete"])
def test_design_documents_are_dropped(action):
    assert shaped(event({"_id": "_design/medic"}, action, "_design/medic")) == []


def test_a_delete_carries_no_document():
    assert shaped(event({"_id": "a", "_deleted": True, "name": "Amina"}, "delete")) == [{"id": "a", "seq": "1-a", "deleted": True, "doc": None}]


UNSHAPEABLE = {
    "its fields cannot be read": event({"_id": "a"}, **{"raise": ["to_hash"]}),
    "its fields cannot be removed": event({"_id": "a"}, **{"raise": ["remove"]}),
    "a field whose name is no reference": event({"_id": "a"}, **{"x[y": 1}),
    "no document": event(),
    "no field at all": {"@metadata": {"_id": "a", "action": "update", "seq": "1-a"}},
}


@pytest.mark.parametrize("hostile", UNSHAPEABLE.values(), ids=UNSHAPEABLE)
def test_what_cannot_be_shaped_leaves_without_its_document(hostile):
    (one,) = shaped(hostile)
    assert {name: one[name] for name in MEMBERS} == {"id": "a", "seq": "1-a", "deleted": False, "doc": None}
    assert one.get("tags") is None


def test_a_delete_that_cannot_be_shaped_stays_one():
    (one,) = shaped(event({"_id": "a"}, "delete", **{"raise": ["to_hash"]}))
    assert {name: one[name] for name in MEMBERS} == {"id": "a", "seq": "1-a", "deleted": True, "doc": None}


@pytest.mark.parametrize("id_", [None, 5, {"a": 1}, ["_design/x"]], ids=str)
def test_what_has_no_id_is_not_dropped(id_):
    assert shaped(event({"x": 1}, id_=id_)) == [{"id": None, "seq": "1-a", "deleted": False, "doc": {"x": 1}}]


def test_what_tells_nothing_of_itself_is_not_dropped():
    (one,) = shaped({"doc": {"_id": "a"}, "raise": ["get"]})
    assert one == {"id": None, "seq": None, "deleted": False, "doc": {"_id": "a"}}


@pytest.mark.parametrize("seq", ["", 7, None])
def test_the_position_is_handed_on_as_it_came(seq):
    assert shaped(event({"_id": "a"}, seq=seq))[0]["seq"] == seq
