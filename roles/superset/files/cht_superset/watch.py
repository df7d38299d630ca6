# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gunicorn's configuration: tells systemd that Superset answers. Where that stays away, systemd starts the service anew.

Gunicorn itself ends a worker that hangs as a whole, not one whose threads all wait for something.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time


def when_ready(server) -> None:
    """Gunicorn's hook: its sockets are open. Does nothing where the unit has no WatchdogSec.

    A process of its own: a thread of gunicorn's may hold a lock when a worker is forked, which then waits for it for ever.
    """
    if seconds := int(os.environ.get("WATCHDOG_USEC", 0)) / 1_000_000:
        host, port = server.LISTENERS[0].getsockname()[:2]
        subprocess.Popen([sys.executable, "-m", "cht_superset.watch", host, str(port), str(seconds / 3)])  # pylint: disable=consider-using-with


def watch(host: str, port: int, seconds: float) -> None:
    """Asks for /health every so many seconds, and tells systemd of each answer. Does not return."""
    while True:
        if _answers(host, port, seconds):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
                systemd.sendto(b"WATCHDOG=1", os.environ["NOTIFY_SOCKET"])
        time.sleep(seconds)


def _answers(host: str, port: int, seconds: float) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    watch(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
