# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lock for all that writes, and no call that outlives its client."""

import re
import threading

import pytest
from calls import page, row
from servers import ROOT, wait_until

READ_TIMEOUT = 300  # s, of the engines


@pytest.fixture
def lock(postgresql, cursor):
    """A transaction that holds the lock until the test commits it."""
    connection = postgresql.connect()
    connection.autocommit = False
    with connection.cursor() as holder:
        holder.execute("SELECT v1.lock_stamp()")
    yield connection
    connection.close()


def waiting(cursor):
    cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'authenticator' AND wait_event_type = 'Lock'")
    return cursor.fetchone()[0]


@pytest.mark.parametrize("call", ["claim", "ingest"])
def test_claim_and_ingest_wait_for_one_lock(source, cursor, lock, call):
    thread = threading.Thread(target=source.claim if call == "claim" else lambda: source.lands(page(row("a", "1-a"))))
    lease = source.lease
    thread.start()
    wait_until(lambda: waiting(cursor), 10, "a wait for the lock")
    assert source.lease == lease and source.stored("a") is None
    lock.commit()
    thread.join(10)
    assert not thread.is_alive() and (source.lease != lease if call == "claim" else source.stored("a"))


def test_a_stamp_is_taken_after_the_lock_was_waited_for(source, cursor, lock):
    """Else who waited would stamp earlier than who wrote meanwhile, and a reader would pass its rows by."""
    thread = threading.Thread(target=lambda: source.lands(page(row("a", "1-a"))))
    thread.start()
    wait_until(lambda: waiting(cursor), 10, "a wait for the lock")
    with lock.cursor() as holder:
        holder.execute("UPDATE v1.stamp SET last = clock_timestamp() AT TIME ZONE 'UTC' + interval '1 hour' RETURNING last")
        (last,) = holder.fetchone()
    lock.commit()
    thread.join(10)
    cursor.execute("SELECT saved_timestamp > %s FROM v1.couchdb", (last,))
    assert cursor.fetchall() == [(True,)]


def test_no_call_outlives_an_engines_patience(cursor):
    cursor.execute("SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = 'authenticator'")
    (seconds,) = (int(re.fullmatch(r"statement_timeout=(\d+)s", setting)[1]) for (setting,) in cursor.fetchall())
    template = (ROOT / "roles/postgrest/templates/postgrest.conf.j2").read_text()
    pool_wait = int(re.search(r"^db-pool-acquisition-timeout = (\d+)$", template, re.M)[1])
    assert seconds + pool_wait < READ_TIMEOUT
