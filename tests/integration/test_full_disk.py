# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL's disk runs full under load: engines are told to come again, and go on once there is room."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from random import Random

import pytest
from calls import SOURCES
from couch import Couch
from engine import Engine, Worker
from expected import holds, table
from servers import PostgreSQL, PostgREST, wait_until

pytestmark = pytest.mark.server

DISK, ROOM = 400, 40  # MB: its size, and what is left of it when the load begins
DOCUMENTS = 6000  # of 10 KB: more than there is room for


class Supervisor(Worker):
    """Starts PostgreSQL again whenever it has ended (a full disk of the write-ahead log ends it), as systemd does."""

    def __init__(self, postgresql):
        super().__init__()
        self.postgresql, self.over = postgresql, threading.Event()

    def work(self):
        while not self.over.wait(0.2):
            if not (self.postgresql.is_listening() or self.postgresql.is_running()):
                with contextlib.suppress(RuntimeError):  # no room yet
                    self.postgresql.start()


@pytest.fixture
def disk():
    """A small file system, mounted below a directory that PostgreSQL's user may enter."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    directory = Path(tempfile.mkdtemp(prefix="cht-pg-"))
    mount = directory / "small"
    mount.mkdir()
    subprocess.run([*as_root, "mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=0777", "tmpfs", mount], check=True)
    yield mount
    subprocess.run([*as_root, "umount", mount], check=True)
    shutil.rmtree(directory)


# The write-ahead log is never beside full data: which of the two meets the end of the disk first would be chance.
PLACES = {"data": {"data": "small/data", "wal": "wal"}, "wal": {"data": "data", "wal": "small/wal"}}


@pytest.fixture(params=PLACES)
def postgresql_on_small_disk(request, disk):
    postgresql = PostgreSQL(directory=disk.parent, **PLACES[request.param])
    yield postgresql
    postgresql.end()


@pytest.fixture
def supervisor(postgresql_on_small_disk):
    worker = Supervisor(postgresql_on_small_disk)
    yield worker
    worker.over.set()
    worker.finish(10)


@pytest.fixture
def postgrest(postgresql_on_small_disk):
    postgresql_on_small_disk.create("cht_sync", SOURCES)
    server = PostgREST(postgresql_on_small_disk)
    yield server
    server.stop()


def fill(disk) -> Path:
    """A file that leaves ROOM, to be removed."""
    ballast = disk / "ballast"
    state = os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - (ROOM << 20))
    return ballast


def test_delivery_goes_on_once_there_is_room(postgresql_on_small_disk, postgrest, supervisor, disk):
    postgresql, random = postgresql_on_small_disk, Random(0)
    couch, complete = Couch(), threading.Event()
    for number in range(DOCUMENTS):
        couch.put(f"doc-{number}", {"text": random.randbytes(5000).hex()})
    complete.set()
    ballast = fill(disk)
    engine = Engine(postgrest, "a/medic", "relay", couch, complete)
    for worker in (supervisor, engine):
        worker.start()

    def is_stopped():
        engine.check()
        return len(engine.answers) >= 10

    wait_until(is_stopped, 60, "a full disk")
    assert 0 < engine.landed < DOCUMENTS
    # Where the log has no room PostgreSQL ends, and mostly has no time to say why.
    reasons = {"53100"} if postgresql.data == disk / "data" else {"53100", "57P03", "PGRST000"}
    assert any(status == 503 and code in reasons for status, code in engine.answers), engine.answers
    ballast.unlink()
    engine.finish(60)

    connection = postgresql.connect()
    with connection.cursor() as cursor:
        rows = table(cursor)
        assert len(rows) == DOCUMENTS and all(holds(rows[change.id], change) for change in couch.changes(None))
        cursor.execute("SELECT seq, (SELECT count(*) FROM v1.quarantine) FROM v1.couchdb_progress")
        assert cursor.fetchall() == [(couch.changes(None)[-1].seq, 0)]
    connection.close()
