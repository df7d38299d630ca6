# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""dbt from the role's lock, on the throwaway PostgreSQL of the integration tests."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import psycopg2
import psycopg2.extras
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from installed import ROOT, environment, installed  # noqa: E402

sys.path.insert(0, str(ROOT / "roles" / "couchdb_demo" / "files"))
sys.path.insert(0, str(Path(__file__).parent))

from cht_demo import DATABASES, generate  # noqa: E402
import hand_worked  # noqa: E402
from program import Program  # noqa: E402

SIZE = 3000


class Dbt:
    """dbt as the role installs it, started once; only its `executable` is a process a run."""

    def __init__(self, venv, server, target):
        self.executable = venv / "bin" / "dbt"
        self.environment = {**os.environ, **environment(server.port, target)}
        self._process = subprocess.Popen([venv / "bin" / "python", Path(__file__).parent / "serve_dbt.py"], env=self.environment,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, *arguments):
        return self._ask(arguments)

    def program(self, *arguments, **environment):
        """Runs the role's program, with its log in the output."""
        return self._ask({"arguments": [str(argument) for argument in arguments], "environment": environment})

    def _ask(self, request):
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def stop(self):
        self._process.stdin.close()
        self._process.wait(10)


class Warehouse:
    """One warehouse database: documents go in by api.ingest, and dbt models them."""

    def __init__(self, server, name, dbt=None):
        self.server = server
        self.name = name
        self._dbt = dbt
        self.connection = server.connect(name)

    @property
    def target(self):
        """dbt's directory of what it compiled."""
        return Path(self._dbt.environment["DBT_TARGET_PATH"])

    def document(self, uuid):
        """The stored document."""
        return self.value("SELECT doc FROM v1.couchdb WHERE _id = %s", uuid)

    def ingest(self, documents, database="medic", deleted=(), instance="cht.example.org", kept=()):
        """Stores documents, then tombstones of ids, as an engine does, in calls of 500. None is kept aside, but for the reasons `kept`."""
        source = f"{instance}/{database}"
        events = [{"id": document["_id"], "seq": "1", "deleted": False, "doc": document} for document in documents]
        events += [{"id": uuid, "seq": "1", "deleted": True, "doc": {"_id": uuid, "_deleted": True}} for uuid in deleted]
        lease = self.value("SELECT api.claim(%s, 'relay')", source)["lease"]
        headers = json.dumps({"x-cht-source": source, "x-cht-lease": lease})
        for start in range(0, len(events), 500):
            call = events[start:start + 500]
            self.query("SELECT set_config('request.headers', %s, false)", headers)
            counts = self.value("SELECT api.ingest(%s)", json.dumps(call))
            assert counts["quarantined"] == 0 or set(self.column("SELECT reason FROM v1.quarantine")) <= set(kept), counts

    def dbt(self, *arguments, check=True):
        """Runs dbt; its output is in the error when it fails unexpectedly."""
        run = self._dbt.run(*arguments)
        assert not check or run["success"], run["output"]
        return run

    def query(self, sql, *parameters):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else None

    def column(self, sql, *parameters):
        return [row[0] for row in self.query(sql, *parameters)]

    def value(self, sql, *parameters):
        return self.query(sql, *parameters)[0][0]

    def row(self, sql, *parameters):
        """The one row, as a dict."""
        with self.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(sql, parameters or None)
            rows = cursor.fetchall()
        assert len(rows) == 1, rows
        return dict(rows[0])


@pytest.fixture(scope="session")
def server(postgresql):
    return postgresql


@pytest.fixture(scope="session")
def dbt(server, tmp_path_factory):
    """dbt in an environment named by the lock, which is made where it is not there."""
    running = Dbt(installed(), server, tmp_path_factory.mktemp("dbt"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def instance():
    """The demo's documents."""
    return generate(SIZE, "dbt", date(2026, 11, 24))


@pytest.fixture(scope="session")
def empty(server):
    """Name of a database as init_db leaves it, to copy."""
    server.create("empty", [{"source": f"cht.example.org/{database}", "engine": "relay"} for database in DATABASES])
    return "empty"


@pytest.fixture(scope="session")
def copy(server, dbt):
    """Makes the database `warehouse` anew from another one, if one is given. Always by one name, else dbt parses its project
    again.
    """

    def copy(template):
        if template:
            server.execute("DROP DATABASE IF EXISTS warehouse WITH (FORCE)")
            server.execute(f"CREATE DATABASE warehouse OWNER cht_owner TEMPLATE {template}")
        return Warehouse(server, "warehouse", dbt)

    return copy


@pytest.fixture(scope="session")
def modelled(server, copy, empty, instance):
    """Name of a database with the demo's documents, modelled by a first run."""
    warehouse = copy(empty)
    for database in DATABASES:
        warehouse.ingest(instance.final(database), database)
    warehouse.dbt("run")
    warehouse.connection.close()
    server.execute("ALTER DATABASE warehouse RENAME TO modelled")
    return "modelled"


@pytest.fixture(scope="session")
def hand_worked_database(server, copy, empty):
    """Name of a database with the hand-worked instance, modelled."""
    warehouse = copy(empty)
    for database, documents in hand_worked.documents().items():
        warehouse.ingest(documents, database)
    warehouse.dbt("run")
    warehouse.connection.close()
    server.execute("ALTER DATABASE warehouse RENAME TO hand_worked")
    return "hand_worked"


@pytest.fixture
def warehouse(copy, modelled):
    """The modelled demo, for one test."""
    fresh = copy(modelled)
    yield fresh
    fresh.connection.close()


@pytest.fixture(scope="session")
def first(server, copy, empty, dbt, instance, tmp_path_factory):
    """A program whose first run, in several rounds, has modelled the demo with the country's package."""
    warehouse = copy(empty)
    for database in DATABASES:
        warehouse.ingest(instance.final(database), database)
    program = Program(tmp_path_factory.mktemp("program"), dbt)
    made = program.assemble(program.package("country-package"))
    assert made["success"], made["output"]
    program.first = program.update(batch_size=1500)
    warehouse.connection.close()
    server.execute("ALTER DATABASE warehouse RENAME TO first")
    return program


@pytest.fixture
def program(first, copy, tmp_path):
    """The same, on a copy of its warehouse, with the state of its first run."""
    mine = first.copy(tmp_path)
    mine.warehouse = copy("first")
    yield mine
    mine.warehouse.connection.close()
