# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop: claim the source, then carry page after page until something stops it."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from typing import Any, Callable, NoReturn, Optional

from cht_engine.backoff import Backoff
from cht_engine.couchdb import CouchDB
from cht_engine.delivery import Delivery
from cht_engine.errors import Problem, Refused, TooLong, Transient
from cht_engine.notify import Notifier
from cht_engine.pages import Page
from cht_engine.postgrest import PostgREST
from cht_engine.sizing import PageSize
from cht_engine.stopping import Stopped
from cht_engine.tokens import Tokens
from cht_relay.account import Account
from cht_relay.ahead import Ahead
from cht_relay.calls import Calls
from cht_relay.config import Config
from cht_relay.limits import too_large
from cht_relay.progress import Progress

log = logging.getLogger(__name__)

TELL_EVERY = 20.0  # seconds; with nothing new, so that the stored time shows a live sync


class _Source:
    """The feed of changes, read in the thread of ``ahead``. What was asked last:
    ``since``, ``longpoll``, and when (``asked``). ``more``: whether changes
    wait for certain after the page that came."""

    def __init__(
        self,
        couchdb: CouchDB,
        ahead: Ahead[Any],
        config: Config,
        size: PageSize,
        account: Account,
    ) -> None:
        self._account = account
        self._couchdb = couchdb
        self._ahead = ahead
        self._config = config
        self._size = size
        self.more = False
        self.since = "0"
        self.longpoll = False
        self.asked = 0.0

    def ask(self, since: str, longpoll: bool) -> None:
        """Begin to fetch the page after ``since``."""
        self.since, self.longpoll, self.asked = since, longpoll, time.monotonic()
        self._ahead.ask(
            lambda: self._account.heeding(lambda: self._fetch(since, longpoll))
        )

    def take(self, waiting: Callable[[], None]) -> Optional[Page]:
        """The page asked for; None after a longpoll without an end."""
        return self._ahead.take(waiting)

    def _fetch(self, since: str, longpoll: bool) -> Optional[Page]:
        try:
            found = self._size.page(self._couchdb, since, longpoll)
        except TooLong:
            what = f"the next change of {self._config.source}, {_place(since)},"
            raise too_large(what, self._size.document_bytes) from None
        if found is None:
            return None
        page, asked = found
        self.more = _more(page, asked)
        return page.without(self._config.skip_id_prefixes)


class Engine:
    """Serves one source until it loses it or ``stop`` is set."""

    def __init__(
        self, config: Config, notifier: Notifier, stop: threading.Event
    ) -> None:
        self._config = config
        self._notifier = notifier
        self._stop = stop
        self._backoff = Backoff()
        self._delivery = Delivery(config.page_rows)
        self._size = PageSize(
            config.page_rows, config.page_bytes, config.max_document_bytes
        )
        self._progress = Progress(config.source, config.runtime_dir)
        self._problem: Optional[str] = None  # what is being waited for
        self._warning: Optional[str] = None  # of the last claim
        self._caught_up = False

    def run(self) -> NoReturn:
        """Work. Ends by exception only.

        Raises LeaseLost when the source is somebody else's, Stopped when asked to end,
        ConfigError when a secret file cannot be read any more.
        """
        while True:
            try:
                self._serve()
            except Refused as problem:
                self._pause(problem, problem.wait)
            except Transient as problem:
                self._pause(problem, self._backoff.next(problem.retry_after))

    def _serve(self) -> NoReturn:
        """Claim the source and follow it. Ends by exception only.

        Whatever goes wrong with a write ends up here again: after a failure nobody
        knows whether the call still runs, and only a new lease makes sure that it
        cannot write once newer rows have been sent. A page fetched ahead is thrown
        away with it.
        """
        config = self._config
        secrets = config.secrets()
        ahead: Ahead[Any] = Ahead()
        calls = Calls(self._late)

        def begun(seconds: float) -> None:
            self._notifier.expect(seconds)
            calls.begun()

        couchdb = CouchDB(
            config.couchdb_url,
            config.database,
            config.couchdb_username,
            secrets.password,
            config.couchdb_ca_file,
            config.read_timeout,
            config.poll_timeout,
            ahead.expect,
        )
        postgrest = PostgREST(
            config.postgrest_url,
            config.source,
            "relay",
            Tokens(secrets.jwt_secret, config.token_hours),
            config.postgrest_ca_file,
            config.call_timeout,
            begun,
        )
        account = Account(
            config.runtime_dir,
            config.couchdb_url,
            config.couchdb_username,
            secrets.password,
            secrets.jwt_secret,
        )
        with closing(ahead), closing(couchdb), closing(postgrest):
            with account.first_try(self._wait):
                ahead.ask(lambda: account.heeding(couchdb.identity))
                identity = ahead.take(self._waiting)
            claim = calls.make("claiming", lambda: postgrest.claim(identity))
            if claim.warning not in (None, self._warning):
                log.warning("%s", claim.warning)
            self._warning = claim.warning
            if self._problem is None:
                log.info("claimed %s, going on %s", config.source, _place(claim.seq))
            source = _Source(couchdb, ahead, config, self._size, account)

            def write(page: Page) -> None:
                calls.make(
                    "writing", lambda: self._delivery.deliver(postgrest, claim.lease, page)
                )

            self._follow(source, write, claim.seq)

    def _follow(
        self, source: _Source, write: Callable[[Page], None], seq: Optional[str]
    ) -> NoReturn:
        pending: Optional[int] = None  # as stored last
        longpoll = False
        told = 0.0  # when the last call was made
        source.ask(seq or "0", longpoll)
        while True:
            page = self._arrival(source)
            if page is None:
                source.ask(seq or "0", False)  # was it silence or deafness?
                continue
            longpoll, more = source.longpoll, source.more
            beside = more and not self._size.worth_waiting(len(page.body))
            if beside:
                source.ask(page.last_seq, False)  # comes while this one is written
            moved = page.rows or (page.last_seq, page.pending) != (seq, pending)
            if moved or time.monotonic() - told >= TELL_EVERY:
                write(page)
                seq, pending = page.last_seq, page.pending
                told = time.monotonic()
            self._good(page, more)
            self._progress.page(page.rows, page.pending, more)
            if more and not beside:
                source.ask(page.last_seq, False)
            elif not more:
                if longpoll and not page.rows and time.monotonic() - source.asked < 1.0:
                    self._wait(1.0)  # a server that does not hold longpolls back
                self._waiting()
                source.ask(page.last_seq, True)

    def _arrival(self, source: _Source) -> Optional[Page]:
        """The page asked for; None after a longpoll without an end. Tries until it
        comes."""
        while True:
            try:
                return source.take(self._waiting)
            except Transient as problem:
                self._pause(problem, self._backoff.next(problem.retry_after))
                source.ask(source.since, False)  # to learn at once if it works again

    def _waiting(self) -> None:
        self._notifier.expect(0)
        if self._stop.is_set():
            raise Stopped

    def _good(self, page: Page, more: bool) -> None:
        """A page has arrived where it belongs; ``more`` follow for certain."""
        self._backoff.reset()
        if self._problem is not None:
            log.info("going on %s", _place(page.last_seq))
            self._problem = None
        pending = "not reported" if page.pending is None else page.pending
        if more:
            self._caught_up = False
            self._notifier.status(f"behind, pending {pending}")
            return
        text = f"caught up {_place(page.last_seq)}, pending {pending}"
        if not self._caught_up:
            self._caught_up = True
            log.info("%s", text)
        self._notifier.status(text)

    def _late(self, text: str, news: bool) -> None:
        """A call takes long. The log need not hear of each in a row of them."""
        unanswered = "no answer of PostgREST yet"
        self._notifier.status(f"{text}: {unanswered}")
        self._progress.late(text, unanswered)
        if news:
            self._problem = f"{text}: {unanswered}"
            log.warning("%s", self._problem)

    def _pause(self, problem: Problem, seconds: float) -> None:
        """Say once what is wrong, then wait."""
        text = str(problem)
        if text != self._problem:
            self._problem = text
            level = logging.ERROR if isinstance(problem, Refused) else logging.WARNING
            log.log(level, "%s; next try in %.1f s", text, seconds)
        self._notifier.status(f"waiting: {text}")
        self._progress.problem(text)
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        self._notifier.expect(seconds)
        if self._stop.wait(seconds):
            raise Stopped


def _more(page: Page, asked: int) -> bool:
    """Whether more changes wait for certain after ``page``, of ``asked`` rows."""
    if page.pending is None:
        return page.rows >= asked
    return page.rows > 0 and page.pending > 0


def _place(seq: Optional[str]) -> str:
    """A position in words. Seqs run to hundreds of characters: the start will do."""
    if seq is None:
        return "from the start"
    return f"at seq {seq if len(seq) <= 24 else seq[:23] + '…'}"
