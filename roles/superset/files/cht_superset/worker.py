# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gunicorn's worker with threads, but nobody's requests hold up another's: each account has at most half of the threads.

A few threads of their own read requests and answer those that need no account, so /health is answered whatever queries run.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from http.cookies import CookieError, SimpleCookie

from gunicorn.workers.gthread import TConn, ThreadWorker

from cht_superset.fair import FairPool

_FRONT = 4  # threads
_AT_ONCE = ("/health", "/static/")
# Seconds for which a client may send or take nothing.
_PATIENCE = 30


class _Later(BaseException):
    """A request that was read, and is answered when its account's turn comes."""

    def __init__(self, request) -> None:
        super().__init__()
        self.request = request


class Worker(ThreadWorker):
    """--threads is how many requests are answered at once, without those that are answered at once in front."""

    def init_process(self) -> None:
        self.fair = FairPool(self.cfg.threads, max(1, self.cfg.threads // 2))
        self.turn = threading.local()
        self.answers: dict[Future, None] = {}
        super().init_process()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=_FRONT)

    def enqueue_req(self, conn: TConn) -> None:
        conn.init()
        conn.sock.settimeout(_PATIENCE)
        self._wrap_future(self.tpool.submit(self.handle, conn), conn)

    def handle_request(self, req, conn: TConn) -> bool:
        if getattr(self.turn, "has_come", False) or req.path.startswith(_AT_ONCE):
            return super().handle_request(req, conn)
        raise _Later(req)

    def finish_request(self, fs: Future) -> None:
        later = None if fs.cancelled() else fs.exception()
        if isinstance(later, _Later):
            answer = self.fair.submit(self._account(later.request), self._answer, later.request, fs.conn)
            answer.conn = fs.conn
            self.answers[answer] = None
            answer.add_done_callback(self.finish_request)
        else:
            self.answers.pop(fs, None)
            super().finish_request(fs)

    def run(self) -> None:
        super().run()
        # The worker ends: it has waited for what was being read.
        wait(list(self.answers), timeout=self.cfg.graceful_timeout)

    def _answer(self, request, conn: TConn) -> tuple[bool, TConn]:
        parser, conn.parser = conn.parser, iter([request])
        self.turn.has_come = True
        try:
            return self.handle(conn)
        finally:
            conn.parser = parser

    def _account(self, request) -> str:
        headers = dict(request.headers)
        try:
            cookie = SimpleCookie(headers.get("COOKIE", "")).get("session")
        except CookieError:
            cookie = None
        return self.wsgi.whose(cookie.value if cookie else "", headers.get("AUTHORIZATION", ""))
