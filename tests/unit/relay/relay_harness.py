# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine in a thread, the program as a process, and waiting for what must come."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from cht_relay.config import Config
from cht_relay.engine import Engine, Stopped
from cht_engine.notify import Notifier

ROLES = Path(__file__).resolve().parents[3] / "roles"
PYTHONPATH = f"{ROLES / 'base/files'}:{ROLES / 'relay/files'}"


def until(condition, seconds=10.0):
    """Wait until ``condition()`` is true and return what it gave; fail after a limit."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


class Told(Notifier):
    """Keeps what systemd would be told."""

    def __init__(self):
        self.messages = []
        super().__init__({})

    def _send(self, message):
        self.messages.append(message)

    @property
    def last_status(self):
        told = [m[7:] for m in list(self.messages) if m.startswith("STATUS=")]
        return told[-1] if told else ""


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


class Program:
    """``python3 -m cht_relay run`` as systemd would start it."""

    def __init__(self, directory, settings, environment=()):
        self._log = directory / "stderr"
        path = directory / "relay.json"
        if settings is not None:
            path.write_text(json.dumps(settings), encoding="utf-8")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(directory / "notify"))
        self._socket.setblocking(False)
        self._messages = []
        env = {
            **os.environ,
            "PYTHONPATH": PYTHONPATH,
            "NOTIFY_SOCKET": str(directory / "notify"),
            **dict(environment),
        }
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cht_relay", "run", "--config", str(path)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=env,
                cwd="/",
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.messages  # pylint: disable=pointless-statement
        self._socket.close()

    @property
    def output(self):
        return self._log.read_text(encoding="utf-8")

    @property
    def messages(self):
        """Everything systemd has been told so far."""
        try:
            while True:
                self._messages.append(self._socket.recv(65536).decode())
        except OSError:  # nothing more, or closed
            return self._messages

    def says(self, text):
        """Wait until systemd has been told a message with ``text``."""
        return until(lambda: any(text in m for m in self.messages))

    def exit_code(self, seconds=10.0):
        return self.process.wait(seconds)
