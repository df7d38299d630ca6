# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
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
