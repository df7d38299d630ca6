# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import threading

import pytest

from stack import CouchDB, Warehouse, machine


@pytest.fixture(scope="session")
def couchdb():
    return CouchDB()


@pytest.fixture(scope="session")
def warehouse():
    return Warehouse()


@pytest.fixture(scope="session")
def vm():
    """The machine that syncs."""
    return machine("sync")


@pytest.fixture
def writer(couchdb):
    """Writes and deletes reports all the while; the test sees which it wrote."""
    stop, ids = threading.Event(), []

    def write():
        while not stop.is_set():
            ids.append(couchdb.write())
            if len(ids) % 10 == 0:
                couchdb.delete(ids[-5])
            stop.wait(0.02)

    thread = threading.Thread(target=write)
    thread.start()
    yield ids
    stop.set()
    thread.join()
