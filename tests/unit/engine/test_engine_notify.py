# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told."""

import os
import socket
import threading
import time

import pytest
from engine_harness import until

from cht_engine import notify
from cht_engine.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def listener(request, tmp_path):
    name = str(tmp_path / "notify")
    if request.param == "abstract":
        name = f"@cht-relay-test-{os.getpid()}-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name.replace("@", "\0"))
        sock.settimeout(5)
        yield name, lambda: sock.recv(4096).decode()


def test_messages(listener):
    name, received = listener
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.ready()
    notifier.status("caught up é\nx")
    notifier.status("caught up é\nx")
    notifier.stopping()
    assert [received() for _ in range(3)] == [
        "READY=1",
        "STATUS=caught up é x",
        "STOPPING=1",
    ]


@pytest.mark.parametrize("name", ["", "/nowhere/socket", "@nobody-listens"])
def test_nobody_listens(name):
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.ready()
    notifier.status("x")


class Feeds(Notifier):
    """Counts signs of life."""

    count = 0

    def _send(self, message):
        self.count += message == "WATCHDOG=1"


def test_the_watchdog_is_fed_while_the_promise_holds(monkeypatch):
    monkeypatch.setattr(notify, "SLACK", 0.0)
    notifier = Feeds({"WATCHDOG_USEC": "20000"})
    notifier.expect(0.2)
    notifier.ready()
    until(lambda: notifier.count >= 3)
    until(lambda: time.monotonic() > notifier._alive_until)
    time.sleep(0.05)
    stuck = notifier.count
    time.sleep(0.1)
    assert notifier.count == stuck, "fed although the loop is stuck"
    notifier.expect(5)
    until(lambda: notifier.count > stuck)


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}],
)
def test_no_watchdog_is_wanted(environment):
    before = threading.active_count()
    Feeds(environment).ready()
    assert threading.active_count() == before
