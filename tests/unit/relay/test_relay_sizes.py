# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages bounded by bytes, and the memory that takes."""

import pytest
from engine_harness import until
from relay_feed import couchdb, postgrest  # noqa: F401 (fixtures)
from relay_harness import Program

from cht_engine.sizing import PageSize

MB = 1 << 20


@pytest.fixture
def settings(settings):
    return {**settings, "page_rows": 500, "read_timeout": 30}


@pytest.mark.parametrize(
    "lengths, limit",
    [
        ([8 * MB] * 30, 100),
        ([MB] * 120, 100),
        ([2_000] * 3000 + [8 * MB] * 10 + [500_000] * 100 + [8 * MB] * 10, 100),
        ([2_000] * 100 + [20 * MB] * 3 + [2_000] * 100, 200),
        ([20 * MB, 60 * MB, 60 * MB, 8 * MB, 60 * MB], 256),
    ],
    ids=["8 MB", "1 MB", "mixed", "20 MB", "60 MB"],
)
def test_memory(couchdb, postgrest, settings, tmp_path, lengths, limit):
    couchdb.database.lengths = lengths
    with Program(tmp_path, settings) as program:
        end = f"{len(lengths)}-x"
        until(lambda: program.messages and postgrest.seq == end, 60)
        assert program.peak <= limit, program.peak
    assert postgrest.count == len(lengths)
    assert sum(lengths) < postgrest.bytes < sum(lengths) + 200 * len(lengths)


def test_rows_follow_the_length_of_the_documents(couchdb, postgrest, relay):
    relay.settings["page_bytes"] = 100_000
    couchdb.database.lengths = [100] * 2000 + [9_000] * 100 + [100] * 2000
    relay.start()
    until(lambda: postgrest.seq == "4100-x", 30)
    assert postgrest.count == 4100 and postgrest.longest <= 125_000
    assert [page["limit"] for page in couchdb.pages[:3]] == ["64", "128", "256"]
    assert max(h["rows"] for h in postgrest.headers) > 256


def test_one_change_that_is_too_large_stops_the_source(couchdb, postgrest, relay):
    relay.settings.update(page_bytes=10_000, max_document_bytes=50_000)
    couchdb.database.lengths = [100, 49_000, 60_000, 100]
    relay.start()
    relay.says("waiting: the next change of localhost/medic, at seq 2-x, is larger than")
    assert "relay_max_document_bytes (50000)" in relay.told.last_status
    assert postgrest.seq == "2-x" and postgrest.count == 2
    assert len(couchdb.pages) <= 8 and couchdb.pages[-1]["limit"] == "1"


def test_a_page_given_up_asks_for_less_until_one_row_is_left():
    size = PageSize(500, 1000, 5000)
    seen = []
    while size.rows > 1:
        seen.append(size.rows)
        size.given_up(400)
    assert seen == [64, 32, 16, 8, 4, 2] and size.most_bytes > 5000
    size.arrived(1, 10)
    assert size.rows == 2
    size.arrived(0, 60)
    assert size.rows == 2, "an empty page tells nothing"
