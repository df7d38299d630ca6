# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launcher with the double: what stops Logstash, or delays it, stops no feed."""

import pytest
from double_site import DoubleSite, Feed, Warehouse, row
from engine_harness import until

LONG_KEY = f'{{"{"k" * 50_001}":1}}'
DEEP = '{"a":' * 950 + "1" + "}" * 950


@pytest.fixture
def feed():
    with Feed() as peer:
        yield peer


@pytest.fixture
def warehouse():
    with Warehouse() as peer:
        yield peer


@pytest.fixture
def double(tmp_path, feed, warehouse):
    feed.rows = {"medic": [row(1)], "other": [row(1)]}
    return DoubleSite(tmp_path, feed, warehouse, feed.rows)


def arrived(warehouse, database, count):
    return until(lambda: len(warehouse.came.get(database, {})) == count and warehouse.came[database], 30)


@pytest.mark.parametrize("value", [LONG_KEY, DEEP], ids=["its input ends", "all of it ends"])
def test_a_change_that_logstash_cannot_read_is_carried_past_it(double, feed, warehouse, value):
    with double.start() as program:
        arrived(warehouse, "medic", 1)
        feed.rows["medic"] += [row(2), row(3, value), row(4)]
        feed.rows["other"] += [row(2)]
        came = arrived(warehouse, "medic", 4)
        assert came["doc:1"] == "event" and came["doc:3"] == "page"
        arrived(warehouse, "other", 2)
        until(lambda: double.state["phase"] == "running" and not double.feed("medic")["problem"])
        feed.rows["medic"] += [row(5)]
        assert arrived(warehouse, "medic", 5)["doc:5"] == "event"
        assert "changes of localhost/medic past Logstash" in program.output and "k" * 100 not in program.output


def test_one_that_cannot_be_carried_either_is_left_out_and_the_others_run(double, feed, warehouse):
    feed.rows["medic"] += [row(2, LONG_KEY)]
    with double.start(DOCUMENT_BYTES=10_000, PAGE_BYTES=10_000) as program:
        until(lambda: double.feed("medic").get("state") == "refused", 30)
        assert "localhost/medic, and one there is larger than 10000 bytes" in double.feed("medic")["problem"]
        feed.rows["other"] += [row(2)]
        assert arrived(warehouse, "other", 2)["doc:2"] == "event"
        assert program.process.poll() is None and program.output.count("Logstash again") == 1


def test_an_end_like_that_without_a_change_is_no_reason_to_go_on(double, feed, warehouse):
    """What made it end is gone from the feed."""
    with double.start() as program:
        arrived(warehouse, "medic", 1)
        arrived(warehouse, "other", 1)
        feed.live_only = row(2, DEEP)
        assert program.exit_code() == 1
    assert program.output.endswith("ERROR Logstash ended with status 126, and no change waits for it\n")


def test_a_slow_start_is_waited_for(double, warehouse):
    (double.directory / "state/slow-start").write_text("2")
    with double.start(PATIENCE=1.0, WORKS=0.05) as program:
        until(lambda: double.state["phase"] == "running" or program.process.poll() is not None, 60)
        arrived(warehouse, "medic", 1)
        assert program.output.count("TEST DOUBLE") == 1


def test_a_changed_password_is_tried_once_by_all_together(tmp_path, feed, warehouse):
    feed.rows = {f"medic{number}": [row(1)] for number in range(6)}
    double = DoubleSite(tmp_path, feed, warehouse, feed.rows, faster=20)
    with double.start() as program:
        for database in feed.rows:
            arrived(warehouse, database, 1)
        feed.password_changed = True
        feed.cut.set()
        assert program.exit_code(15) == 77
    assert len(feed.refused) == 1


class FeedOfIPv6(Feed):
    ADDRESS = "::1"


def test_a_couchdb_at_an_ipv6_address_is_read(tmp_path, warehouse):
    with FeedOfIPv6() as feed:
        feed.rows = {"medic": [row(1)]}
        with DoubleSite(tmp_path, feed, warehouse, feed.rows).start():
            assert arrived(warehouse, "medic", 1) == {"doc:1": "event"}
