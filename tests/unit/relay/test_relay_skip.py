# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents that are not copied: by the row's own id, in any layout, the position moving on."""

import json

import pytest
from engine_harness import until
from engine_peers import Reply, reply
from engine_recordings import pouchdb
from test_relay_pages import layouts, rows_of

from cht_engine.pages import cut

IDS = ["task~1", "a", "x task~", "task", "ta\"sk~", "task~é", "tásk~1", "\\task~", "", "t"]


def change(doc_id, **doc):
    doc = {"_id": doc_id, "_rev": "1-a", "id": "task~no", "v": '"id":"task~x"', **doc}
    return {"seq": None, "id": doc_id, "changes": [{"rev": "1-a"}], "doc": doc}


def test_by_the_rows_id_in_every_layout():
    results = [change(i) for i in IDS] + [{**change("task~gone"), "deleted": True}]
    left = [r for r in results if not r["id"].startswith(("task~", "tá"))]
    for name, text in layouts(results):
        page = cut(text.encode()).without(["task~", "tá"])
        assert [json.loads(r) for r in rows_of(page)] == left, name
        assert (page.last_seq, page.pending) == ("9-abc", 3), name


@pytest.mark.parametrize(
    "row, skipped",
    [
        ('{"seq":1,"id":"\\u0074ask~1","doc":{}}', True),
        ('{"doc":{"id":"task~1"},"id":"a","seq":1}', False),
        ('{"id":"a","seq":1,"changes":[],"doc":{},"id":"task~1"}', True),
        ('{"seq":[1,"a"],"id":"task~1","doc":{}}', True),
        ('{"seq":"1-x","id":5,"doc":{"_id":"task~1"}}', False),
        ('{"seq":"1-x","doc":{"_id":"task~1"}}', False),
    ],
)
def test_other_legal_rows(row, skipped):
    page = cut(('{"results":[%s],"last_seq":"1-x"}' % row).encode())
    assert page.without(["task~"]).rows == (0 if skipped else 1)


def test_the_position_moves_on(couchdb, postgrest, relay):
    relay.settings["skip_id_prefixes"] = ("",)
    relay.start()
    until(lambda: postgrest.seq == couchdb.end)
    assert not postgrest.documents and {h["rows"] for h in postgrest.headers} == {0}
    relay.says("caught up at seq 59-")


def test_a_whole_page_skipped_is_not_the_end_where_pending_is_not_known(couchdb, postgrest, relay):
    relay.settings.update(skip_id_prefixes=("task~",), page_rows=2)
    full = {"results": [change("task~1"), change("task~2")], "last_seq": couchdb.end}
    couchdb.fail("medic", Reply(pouchdb("db-info").raw, close=True))
    couchdb.fail("_look", Reply(pouchdb("changes-empty").raw, close=True))
    couchdb.fail("_changes", reply(200, full))
    relay.start()
    relay.says("caught up")
    assert couchdb.asked("_changes")[1].query["feed"] == "normal"
