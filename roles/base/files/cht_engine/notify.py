# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told: readiness, a status line, and that the process is alive."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Mapping, Optional

# Seconds the work between two waits may take before the process counts as stuck.
SLACK = 60.0

# Seconds readiness is tried for while systemd reads too slowly: without it the start fails.
READY_WITHIN = 5.0


class Notifier:
    """Speaks the sd_notify protocol; silent where nobody listens."""

    def __init__(self, environment: Optional[Mapping[str, str]] = None) -> None:
        environment = os.environ if environment is None else environment
        self._address = environment.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        self._interval = _watchdog_seconds(environment) / 2
        self._alive_until = 0.0
        self._status = ""
        self.expect(0)

    def ready(self) -> None:
        """The process has what it needs; from now on the watchdog counts."""
        end = time.monotonic() + READY_WITHIN
        while self._send("READY=1") and time.monotonic() < end:
            time.sleep(0.05)
        if self._interval:
            threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def status(self, text: str) -> None:
        """Show ``text`` in ``systemctl status``."""
        if text != self._status:
            full = self._send("STATUS=" + text.replace("\n", " "))
            self._status = "" if full else text

    def stopping(self) -> None:
        """The process is about to end in good order."""
        self._send("STOPPING=1")

    def expect(self, seconds: float) -> None:
        """Promise that the main loop calls this again within ``seconds``, give or take
        SLACK. The watchdog is fed for as long as the last promise holds."""
        self._alive_until = time.monotonic() + seconds + SLACK

    def _watch(self) -> None:
        while True:
            if time.monotonic() < self._alive_until:
                self._send("WATCHDOG=1")
            time.sleep(self._interval)

    def _send(self, message: str) -> bool:
        """Tell it, without waiting for anybody; whether it was lost because too much
        is waiting to be read."""
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(
                    message.encode("utf-8"), socket.MSG_DONTWAIT, self._address
                )
        except BlockingIOError:
            return True
        except OSError:
            pass  # Telling is a courtesy: no reason to stop the work.
        return False


def _watchdog_seconds(environment: Mapping[str, str]) -> float:
    """The time within which systemd wants a sign of life; 0.0 if it wants none."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    try:
        return max(0, int(environment.get("WATCHDOG_USEC", "0"))) / 1e6
    except ValueError:
        return 0.0
