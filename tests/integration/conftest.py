# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# pylint: disable=wrong-import-position
from calls import SOURCES, Source, empty  # noqa: E402
from servers import PostgREST, PostgreSQL  # noqa: E402


@pytest.fixture(scope="session")
def postgresql():
    server = PostgreSQL()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def postgrest(postgresql):
    postgresql.create("cht_sync", SOURCES)
    server = PostgREST(postgresql)
    yield server
    server.stop()


@pytest.fixture
def cursor(postgresql, postgrest):
    """The superuser's, on an empty warehouse whose sources nobody has claimed."""
    connection = postgresql.connect()
    with connection.cursor() as cursor:
        empty(cursor)
        yield cursor
    connection.close()


@pytest.fixture
def source(postgrest, cursor):
    return Source(postgrest, cursor)
