# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One account's slow requests hold up neither /health nor another account. A real gunicorn, with an application that waits."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from engine_harness import until

FILES = Path(__file__).resolve().parents[3] / "roles" / "superset" / "files"
THREADS = 4
APPLICATION = """
import threading
gate, running, lock = threading.Event(), [], threading.Lock()

def application(environ, start):
    path, account = environ["PATH_INFO"], application.whose(environ.get("HTTP_COOKIE", "").partition("=")[2], "")
    if path == "/open":
        gate.set()
    elif path == "/slow":
        with lock:
            running.append(account)
        gate.wait(60)
    body = ",".join(running).encode() if path == "/health" else environ["wsgi.input"].read() or path.encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

application.whose = lambda cookie, authorization: cookie or authorization
"""


@pytest.fixture
def url(tmp_path):
    (tmp_path / "waits.py").write_text(APPLICATION)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", str(THREADS), "--graceful-timeout", "1",
               "--worker-class", "cht_superset.worker.Worker", "waits:application"]  # fmt: skip
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": f"{FILES}:{tmp_path}"}, stderr=subprocess.DEVNULL) as server:
        address = f"http://127.0.0.1:{port}"
        until(lambda: answers(address), 30)
        yield address
        server.terminate()


def answers(url) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def ask(url, path, account="", body=b"", timeout=30):
    return requests.post(url + path, data=body, cookies={"session": account} if account else None, timeout=timeout).text


def holds(url, accounts: list[str]) -> None:
    """Waits until the requests of these accounts run, told by /health, which needs no thread of theirs."""
    until(lambda: sorted(ask(url, "/health").split(",")) == accounts, 30)


def test_one_account_has_half_of_the_threads_and_the_others_the_rest(url):
    with ThreadPoolExecutor(20) as viewers:
        greedy = [viewers.submit(ask, url, "/slow", "greedy", timeout=60) for _ in range(10)]
        holds(url, ["greedy"] * (THREADS // 2))
        assert ask(url, "/chart", "other") == "/chart"
        holds(url, ["greedy"] * (THREADS // 2))
        ask(url, "/open", "other")
        assert [done.result() for done in greedy] == ["/slow"] * 10


def test_health_is_answered_while_all_threads_are_held(url):
    viewers = ThreadPoolExecutor(20)  # its threads end with the server
    held = [viewers.submit(ask, url, "/slow", account, timeout=60) for account in "abcd"]
    holds(url, list("abcd"))
    waiting = viewers.submit(ask, url, "/chart", "e", timeout=60)
    # A client that sends half a request holds none of them up.
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: ")
        for _ in range(3):
            assert sorted(ask(url, "/health", timeout=10)) == sorted("a,b,c,d")
    assert not waiting.done() and not any(done.done() for done in held)


def test_a_connection_is_used_again_and_a_body_is_read(url):
    with requests.Session() as session:
        session.cookies["session"] = "one"
        for text in (b"first", b"x" * 200_000, b""):
            answer = session.post(f"{url}/echo", data=text, timeout=30)
            assert answer.content == (text or b"/echo")
