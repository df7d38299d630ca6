# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd hears of Superset for as long as it answers, and no longer."""

import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[3] / "roles" / "superset" / "files"
SECONDS = 0.2


class Superset(ThreadingHTTPServer):
    """Answers /health by a status, or takes the connection and says nothing."""

    daemon_threads = True

    def __init__(self):
        self.status, self.asked, self.hangs, self.released = 200, threading.Event(), False, threading.Event()
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/health"
            hangs = self.server.hangs
            self.server.asked.set()
            if hangs:
                self.server.released.wait(60)
            else:
                self.send_response(self.server.status)
                self.end_headers()

        def log_message(self, *_):
            pass


@pytest.fixture
def superset():
    with Superset() as server:
        yield server
        server.released.set()
        server.shutdown()


@pytest.fixture
def systemd(tmp_path, superset):
    """What systemd hears: with its socket, while the watch runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        host, port = superset.server_address
        with subprocess.Popen(
            [sys.executable, "-m", "cht_superset.watch", host, str(port), str(SECONDS)],
            env={**os.environ, "PYTHONPATH": str(FILES), "NOTIFY_SOCKET": str(tmp_path / "notify")},
        ) as watch:
            yield heard
            watch.kill()


def silent_after(systemd, superset) -> bool:
    """Whether nothing is heard from the second question on."""
    for _ in range(2):
        superset.asked.clear()
        assert superset.asked.wait(20)
    systemd.setblocking(False)
    while True:  # what was said before
        try:
            systemd.recv(100)
        except BlockingIOError:
            break
    systemd.settimeout(5 * SECONDS)
    try:
        return not systemd.recv(100)
    except TimeoutError:
        return True


def test_answers_are_told_one_after_the_other(systemd):
    systemd.settimeout(20)
    assert [systemd.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3


@pytest.mark.parametrize("trouble", [{"hangs": True}, {"status": 500}])
def test_what_is_no_answer_is_not_told(systemd, superset, trouble):
    systemd.settimeout(20)
    systemd.recv(100)
    vars(superset).update(trouble)
    assert silent_after(systemd, superset)
    vars(superset).update({"hangs": False, "status": 200})
    superset.released.set()
    systemd.settimeout(20)
    assert systemd.recv(100) == b"WATCHDOG=1"  # it went on asking
