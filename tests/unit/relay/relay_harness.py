# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine in a thread, and the program as a process."""

import json
import threading
from pathlib import Path

from engine_harness import Process, Told, until

from cht_relay.config import Config
from cht_relay.engine import Engine, Stopped

ROLES = Path(__file__).resolve().parents[3] / "roles"
AS_INSTALLED = Path(__file__).resolve().parents[1] / "engine/fixtures/as_installed"
PYTHONPATH = f"{AS_INSTALLED}:{ROLES / 'base/files'}:{ROLES / 'relay/files'}"


class Relay:
    """An Engine in a thread. ``ended``: the exception it ended with."""

    def __init__(self, settings):
        self.settings = settings
        self.told = Told()
        self.ended = None
        self.engine = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.engine = Engine(Config(**self.settings), self.told, self._stop)
        self._thread.start()
        return self

    def _run(self):
        try:
            self.engine.run()
        except Stopped:
            pass
        except BaseException as error:  # pylint: disable=broad-except
            self.ended = error

    def stop(self):
        self._stop.set()

    def says(self, text):
        """Wait until the status line holds ``text``."""
        return until(lambda: text in self.told.last_status)

    def end(self):
        """Wait for the end: the exception it ended with."""
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.ended


class Program(Process):
    """``python3 -m cht_relay run``."""

    def __init__(self, directory, settings, environment=(), prefix=()):
        path = directory / "relay.json"
        if settings is not None:
            path.write_text(json.dumps(settings), encoding="utf-8")
        arguments = ["-m", "cht_relay", "run", "--config", str(path)]
        # As its unit has it.
        environment = {"PYTHONPATH": PYTHONPATH, "MALLOC_MMAP_THRESHOLD_": "262144", **dict(environment)}
        super().__init__(directory, arguments, environment, prefix)
