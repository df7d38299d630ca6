# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

# pylint: disable=wrong-import-position
from calls import SOURCES, Source, empty, page  # noqa: E402
from couch import Couch  # noqa: E402
from couch_documents import CouchServer  # noqa: E402
from parity_harness import Parity  # noqa: E402
from servers import ROOT, PostgREST, PostgreSQL  # noqa: E402
from upstream import Upstream  # noqa: E402

MARKS = {"server", "once"}


def pytest_collection_modifyitems(items):
    """Each test of this directory says whether it is for every version of PostgreSQL, so that none is forgotten."""
    for item in items:
        if Path(__file__).parent in item.path.parents and len(MARKS & {mark.name for mark in item.iter_markers()}) != 1:
            raise pytest.UsageError(f"{item.nodeid}: must have one of the markers {', '.join(sorted(MARKS))} (pytest.ini)")


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


@pytest.fixture
def old(postgresql, postgrest):
    """An empty database "old" in which upstream's tables can be made. Roles exist, for another database has them."""
    postgresql.execute("DROP DATABASE IF EXISTS old WITH (FORCE)")
    postgresql.create_empty("old")
    upstream = Upstream(postgresql, "old")
    yield upstream
    upstream.connection.close()


@pytest.fixture
def playbook(postgresql, postgrest, tmp_path):
    """Runs a playbook; returns exit code, and the output with its white space made one."""
    entry = {"name": "a", "url": "http://a", "username": "u", "password": "p", "databases": ["medic"]}
    inventory = {
        "cht_sync_engine": "relay",
        "cht_sync_database": "cht_sync",
        "cht_sync_sources": [entry, {**entry, "name": "b", "url": "http://b"}],
        "init_db_login_host": "127.0.0.1",
        "init_db_login_port": postgresql.port,
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
    }
    hosts = tmp_path / "hosts.json"
    hosts.write_text(json.dumps({"all": {"children": {"sync": {"hosts": {"localhost": inventory}}}}}))

    def run(name, *arguments):
        print(name, *arguments)
        done = subprocess.run(
            ["ansible-playbook", "-i", hosts, ROOT / f"playbooks/{name}.yml", *arguments],
            cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        print(done.stdout)
        assert "Amina" not in done.stdout and "\x1b" not in done.stdout
        return done.returncode, " ".join(done.stdout.split())

    return run


@pytest.fixture
def couch():
    """Ten documents and a design document."""
    couch = Couch()
    for number in range(10):
        couch.put(f"doc-{number}", {"n": 1})
    couch.put("_design/medic", {})
    return couch


@pytest.fixture
def server(couch):
    with CouchServer(couch) as server:
        yield server


@pytest.fixture
def parity(tmp_path, postgresql, postgrest, server, cursor):
    parity = Parity(tmp_path, postgresql, postgrest)
    parity.add(server.url)
    return parity


@pytest.fixture
def copied(parity, source, couch):
    """Everything is copied; returns what copies what came since."""

    def copy(ids=None):
        changes = [change for change in couch.changes(None) if ids is None or change.id in ids]
        source.lands(page(*(change.row() for change in changes), last_seq="7-x"))

    copy()
    return copy
