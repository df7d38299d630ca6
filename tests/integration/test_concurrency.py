# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources delivered at once, each by two processes that take it from one another, while a reader follows the stamps."""

import threading
from random import Random

import pytest
from calls import Source, empty, page
from couch import Couch
from engine import Engine, Reader
from expected import holds, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import wait_until

pytestmark = pytest.mark.server

ENGINES = {"a/medic": "relay", "b/medic": "relay", "c/medic": "logstash"}
SHARED = "settings"


def edit(couch, name, random):
    for _change in range(random.randint(1, 8)):
        number = random.randint(0, 12)
        id_ = f"{name}:{number}" if number else SHARED
        generation = random.choice([None, None, None, 1, 5])
        couch.put(id_, {"x": random.randint(0, 10**9)}, random.random() < 0.2, generation)


@settings(max_examples=25, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 7), min_size=6, max_size=6), limit=st.integers(1, 9),
       forms=st.lists(st.sampled_from(["page", "events"]), min_size=6, max_size=6))  # fmt: skip
def test_the_table_holds_what_the_sources_hold_and_a_reader_misses_nothing(postgresql, postgrest, cursor, seed, sizes, forms, limit):
    empty(cursor)
    random = Random(seed)
    couches = {name: Couch() for name in ENGINES}
    complete, all_read = threading.Event(), threading.Event()
    engines = [
        Engine(postgrest, name, ENGINES[name], couches[name], complete, form, size, contended=True, seed=seed)
        for name, form, size in zip(list(ENGINES) * 2, forms, sizes)
    ]
    reader = Reader(postgresql, all_read, limit)
    for worker in (reader, *engines):
        worker.start()
    sleepers = {}  # a third process of each source: claims, reads, and comes to send it when all is over
    for round_ in range(10):
        landed = sum(engine.landed for engine in engines)
        for name, couch in couches.items():
            edit(couch, name, random)
        if round_ == 5:
            for name, couch in couches.items():
                sleepers[name] = (Source(postgrest, cursor, name, ENGINES[name]), page(*(change.row() for change in couch.changes(None))))
        wait_until(lambda: sum(engine.landed for engine in engines) > landed, 20, "a delivery")  # noqa: B023
    complete.set()
    for engine in engines:
        engine.finish(60)
    for sleeper, body in sleepers.values():
        sleeper.refuses(body, 409, "lease")
    all_read.set()
    reader.finish(60)

    rows = table(cursor)
    held = {(name, change.id): change for name, couch in couches.items() for change in couch.changes(None)}
    assert rows.keys() == {id_ for _name, id_ in held}
    for id_, row in rows.items():
        assert holds(row, held[row.source, id_]), "the table lags behind its source"
    assert reader.seen == {id_: (row.rev, row.deleted) for id_, row in rows.items()}
    cursor.execute("SELECT DISTINCT source FROM v1.quarantine WHERE doc_id = %s", (SHARED,))
    losers = {name for name, id_ in held if id_ == SHARED} - ({rows[SHARED].source} if SHARED in rows else set())
    assert {source for (source,) in cursor.fetchall()} == losers
