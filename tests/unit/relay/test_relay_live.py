# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How soon a change arrives once everything has been read."""

import time
from statistics import median

from engine_harness import until
from relay_feed import couchdb, postgrest  # noqa: F401 (fixtures)


def test_a_change_arrives_within_half_a_second(couchdb, postgrest, relay):
    couchdb.database.lengths = [2000] * 100
    relay.start()
    relay.says("caught up at seq 100-x")
    took = []
    for number in range(101, 122):
        if number % 2:  # every other one right after the one before
            until(lambda: couchdb.pages[-1]["feed"] == "longpoll")
        began = time.monotonic()
        couchdb.database.lengths.append(2000)
        couchdb.changed()
        until(lambda: postgrest.count == number)
        took.append(postgrest.arrived[-1] - began)
    assert median(took) < 0.5 and max(took) < 2
