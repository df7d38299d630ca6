# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told."""

import contextlib
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


@pytest.fixture
def full(listener):
    """A socket that takes no more, as of a systemd that is busy; how to free it."""
    name, received = listener
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                sender.sendto(b"x", name.replace("@", "\0"))
                count += 1
    return name, received, lambda: [received() for _ in range(count)]


def test_a_full_socket_holds_nothing_up_and_what_was_lost_is_told_again(full):
    name, received, free = full
    notifier = Notifier({"NOTIFY_SOCKET": name})
    telling = threading.Thread(target=notifier.status, args=("behind",), daemon=True)
    telling.start()
    telling.join(5)
    assert not telling.is_alive(), "it waits for somebody to read"
    free()
    notifier.status("behind")
    assert received() == "STATUS=behind"


def test_readiness_waits_for_a_full_socket(full):
    name, received, free = full
    ready = threading.Thread(target=Notifier({"NOTIFY_SOCKET": name}).ready, daemon=True)
    ready.start()
    ready.join(0.2)
    assert ready.is_alive()
    free()
    assert received() == "READY=1"
    ready.join(5)
    assert not ready.is_alive()


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
