# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources before Logstash reads them: looked at with the credentials, and claimed.

The input tries refused credentials again and again, and CouchDB locks an account after
five. So they are tried here first, once.
"""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional

from cht_engine.couchdb import CouchDB
from cht_engine.errors import Problem, Refused, Transient
from cht_engine.notify import Notifier
from cht_engine.postgrest import Claim, PostgREST
from cht_engine.tokens import Tokens
from cht_logstash import files, unreadable
from cht_logstash.config import Config, Feed
from cht_logstash.unreadable import Unreadable

log = logging.getLogger(__name__)

RUNNING, STARTING, MISSING, UNREACHABLE, UNREADABLE, REFUSED = (
    "running",
    "starting",
    "missing",
    "unreachable",
    "unreadable",
    "refused",
)
_MAY_COME_BACK = (MISSING, UNREACHABLE, UNREADABLE)
# Changes waiting at the start that make it a first load: after it Logstash is started
# again, since it would read all of them again whenever its connection breaks.
FIRST_LOAD = 1000
_PARTLY = ("offline", "partial")
_PATIENCE = 30.0  # seconds without a byte of CouchDB's
_CALL_PATIENCE = 300.0  # until an answer of PostgREST begins: as long as its work may take


class BadCredentials(Problem):
    """CouchDB refused an account: end, and do not try it again."""


@dataclass
class Source:
    """A feed and how it stands. Those with a ``lease`` take part in this start.

    ``state``: one of the words above. ``problem``: what is wrong, in one line.
    ``waiting``: changes that waited for it at the start, as far as CouchDB said.
    ``warning``: what its last claim was answered with.
    """

    feed: Feed
    state: str = STARTING
    problem: Optional[str] = None
    identity: Optional[str] = None
    lease: Optional[str] = field(default=None, repr=False)
    waiting: int = 0
    warning: Optional[str] = None

    def leave_out(self, state: str, problem: Problem) -> None:
        """It takes no part in this start."""
        self.state, self.problem, self.lease = state, str(problem), None


class Sources:
    """All of them."""

    def __init__(self, config: Config, notifier: Notifier) -> None:
        self._config = config
        self._notifier = notifier
        self.all = [Source(feed) for feed in config.feeds]

    @property
    def taking_part(self) -> List[Source]:
        """Those that Logstash reads in this start."""
        return [source for source in self.all if source.lease is not None]

    @property
    def left_out(self) -> List[Source]:
        """Those it does not."""
        return [source for source in self.all if source.lease is None]

    @property
    def left_out_by_couchdb(self) -> List[Source]:
        """Those that may be readable by now."""
        return [s for s in self.left_out if s.state in _MAY_COME_BACK]

    def look(self, sources: Iterable[Source]) -> List[Source]:
        """Ask CouchDB for each of ``sources``; those that answer are returned. Of an
        instance that is away only the first is asked.

        Raises BadCredentials, or ConfigError if a password's file cannot be used.
        """
        away: Dict[object, Transient] = {}
        found = []
        for source in sources:
            account = source.feed.account
            try:
                if account in away:
                    raise away[account]
                with closing(self._couchdb(source.feed)) as couchdb:
                    source.identity = couchdb.identity()
                found.append(source)
            except Transient as problem:
                away[account] = problem
                source.leave_out(UNREACHABLE, problem)
            except Refused as problem:
                _mind_credentials(problem)
                missing = problem.kind == "missing"
                source.leave_out(MISSING if missing else UNREADABLE, problem)
        return found

    def claim(
        self, sources: Iterable[Source], tokens: Tokens, unreadable_: Unreadable
    ) -> None:
        """Take ``sources`` for this start, and let each begin where the database stands;
        what Logstash stopped at is carried past it before.

        Raises BadCredentials, LeaseLost, or another Problem, which may pass.
        """
        for source in sources:
            feed = source.feed
            postgrest = PostgREST(
                self._config.postgrest_url,
                feed.source,
                "logstash",
                tokens,
                self._config.postgrest_ca_file,
                _CALL_PATIENCE,
                self._notifier.expect,
            )
            with closing(postgrest):
                claim = postgrest.claim(source.identity)
                if claim.warning not in (None, source.warning):
                    log.warning("%s", claim.warning)
                source.state, source.problem = STARTING, None
                source.warning = claim.warning
                source.lease = claim.lease
                seq = claim.seq
                if feed.pipeline in unreadable_.stuck:
                    seq = self._carry(source, postgrest, claim, unreadable_)
            if source.lease is None:
                continue
            files.write_sequence(self._config, feed, seq)
            self._ask_what_waits(source, seq)

    def _carry(
        self, source: Source, postgrest: PostgREST, claim: Claim, unreadable_: Unreadable
    ) -> Optional[str]:
        """Bring what Logstash stopped at where it belongs: the position after it."""
        seq, count, name = claim.seq, 0, source.feed.source
        try:
            with closing(self._couchdb(source.feed)) as couchdb:
                seq, count = unreadable.carry(couchdb, postgrest, claim, name)
        except Refused as problem:
            _mind_credentials(problem)
            source.leave_out(REFUSED, problem)
        unreadable_.carried(source.feed.pipeline, count)
        if count:
            log.info("carried %d changes of %s past Logstash", count, name)
        return seq

    def behind(self, source: Source) -> Optional[int]:
        """How many changes Logstash has not read yet; None where nobody says.

        Raises BadCredentials.
        """
        seq = files.read_sequence(self._config, source.feed)
        try:
            with closing(self._couchdb(source.feed)) as couchdb:
                return couchdb.pending(seq or "0", FIRST_LOAD)
        except Problem as problem:  # the input meets it too, and its log tells
            _mind_credentials(problem)
            return None

    def news(self, source: Source) -> Optional[str]:
        """Why Logstash must not go on with this database: it is another one of the same
        name by now, or the account sees a part of it only. None if it may.

        Raises BadCredentials.
        """
        try:
            with closing(self._couchdb(source.feed)) as couchdb:
                identity = couchdb.identity()
        except Problem as problem:
            _mind_credentials(problem)
            partly = isinstance(problem, Refused) and problem.kind in _PARTLY
            return "can be read in part only" if partly else None
        replaced = None not in (identity, source.identity) and identity != source.identity
        return "is another database now" if replaced else None

    def _ask_what_waits(self, source: Source, seq: Optional[str]) -> None:
        try:
            with closing(self._couchdb(source.feed)) as couchdb:
                source.waiting = couchdb.pending(seq or "0", FIRST_LOAD)
        except Transient:
            source.waiting = 0
        except Refused as problem:  # the input would meet the same for ever
            _mind_credentials(problem)
            source.leave_out(REFUSED, problem)

    def _couchdb(self, feed: Feed) -> CouchDB:
        return CouchDB(
            feed.couchdb_url,
            feed.database,
            feed.couchdb_username,
            feed.password(),
            feed.couchdb_ca_file,
            _PATIENCE,
            _PATIENCE,
            self._notifier.expect,
        )


def _mind_credentials(problem: Problem) -> None:
    """Whoever asks: a refused account is not tried twice."""
    if isinstance(problem, Refused) and problem.credentials:
        raise BadCredentials(str(problem)) from None
