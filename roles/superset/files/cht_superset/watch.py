# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gunicorn's configuration: tells systemd that Superset answers. Where that stays away, systemd starts the service anew.

Gunicorn itself ends a worker that hangs as a whole, not one whose threads all wait for something.
"""

from __future__ import annotations

import http.client
import os
import threading
import time

from gunicorn.systemd import sd_notify


def when_ready(server) -> None:
    """Gunicorn's hook: its sockets are open. Does nothing where the unit has no WatchdogSec."""
    if seconds := int(os.environ.get("WATCHDOG_USEC", 0)) / 1_000_000:
        address = server.LISTENERS[0].getsockname()[:2]
        threading.Thread(target=_watch, args=(address, seconds / 3, server.log), daemon=True).start()


def _watch(address: tuple[str, int], seconds: float, log) -> None:
    while True:
        if _answers(address, seconds):
            sd_notify("WATCHDOG=1", log)
        time.sleep(seconds)


def _answers(address: tuple[str, int], seconds: float) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=seconds)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
