# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program as a process, what systemd is told, and waiting for what must come."""

import os
import socket
import subprocess
import sys
import time

from cht_engine.notify import Notifier


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


class Process:
    """``python3`` with ``arguments`` as systemd would start it, ``prefix`` before it."""

    def __init__(self, directory, arguments, environment=(), prefix=()):
        self._log = directory / "stderr"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(directory / "notify"))
        self._socket.setblocking(False)
        self._messages = []
        # What one start has compiled is there for the next, of all tests of this run.
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(directory.parent / "compiled")}
        notify = {"NOTIFY_SOCKET": str(directory / "notify")}
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, *arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **compiled, **notify, **dict(environment)},
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

    @property
    def peak(self):
        """The most memory the process ever held, in MB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            (line,) = [text for text in status if text.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024

    def exit_code(self, seconds=10.0):
        return self.process.wait(seconds)
