# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How soon a change arrives once everything has been read."""

import time
from functools import partial
from statistics import median

from engine_harness import until
from relay_feed import couchdb, postgrest, row  # noqa: F401 (fixtures)


def test_a_change_arrives_within_half_a_second(couchdb, postgrest, relay):
    couchdb.rows = [partial(row, n, 2000) for n in range(1, 101)]
    relay.start()
    relay.says("caught up at seq 100-x")
    took = []
    for number in range(101, 122):
        if number % 2:  # every other one right after the one before
            until(lambda: couchdb.requests[-1].longpoll)
        began = time.monotonic()
        couchdb.add(partial(row, number, 2000))
        until(lambda: postgrest.count == number)
        took.append(postgrest.arrived[-1] - began)
    assert median(took) < 0.5 and max(took) < 2
