# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One start of Logstash, from the claim of its sources to the reason it ends for."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timezone
from typing import Any, Dict, Optional, Tuple

import requests

from cht_engine import stopping
from cht_engine.backoff import Backoff
from cht_engine.errors import LeaseLost, Refused, TooMuch, Transient
from cht_engine.notify import Notifier
from cht_engine.tokens import Token, Tokens
from cht_logstash import files, logs, signs, sources, unreadable
from cht_logstash.config import Config
from cht_logstash.logs import Line
from cht_logstash.process import HALTED, Logstash
from cht_logstash.signs import Signs
from cht_logstash.sources import BadCredentials, Source, Sources
from cht_logstash.unreadable import Unreadable

log = logging.getLogger(__name__)

LOOK_EVERY = 15.0  # seconds between two looks at Logstash's API
ASK_EVERY = 60.0  # seconds between two looks for what was left out
COMPARE_EVERY = 300.0  # seconds between two looks whether a database was replaced
# Seconds a problem is shown for after it was logged last: longer than the output's
# longest pause (60) and the input's (93).
PROBLEM_LASTS = 100.0
NEARLY = 100  # changes left to read with which a first load counts as done


class Died(Exception):
    """Logstash is gone, or deaf: start it again."""


class Launcher:
    """Ends by returning (time for another start) or by an exception. ``unreadable_``
    goes from one start to the next."""

    def __init__(
        self, config: Config, notifier: Notifier, unreadable_: Unreadable
    ) -> None:
        self._unreadable = unreadable_
        self._config = config
        self._notifier = notifier
        self._sources = Sources(config, notifier)
        self._problems: Dict[str, Tuple[float, str]] = {}
        self._sent: Dict[str, int] = {}  # events a pipeline has sent
        self._state: Dict[str, Any] = {}  # as told last
        self._loading = False
        self._refused = False  # its token, by PostgREST
        self._reads = False  # an input has begun

    def run(self) -> bool:
        """Returns when another start is due, and whether it is due in this process.

        Raises BadCredentials, LeaseLost, Died, ConfigError.
        """
        signed = self._prepare()
        logstash = None
        try:
            with stopping.held():  # no process without somebody who ends it
                logstash = Logstash(self._config, self._sources.taking_part, signed)
            reason = self._watch(logstash, signed)
        except BadCredentials:
            if logstash is not None:
                logstash.stop(0)  # before another input tries them
            raise
        finally:
            if logstash is not None:
                logstash.stop()
        log.info("starting Logstash again: %s", reason)
        return bool(self._unreadable.stuck)

    def _prepare(self) -> Token:
        """Take what can be taken, however long that takes."""
        backoff = Backoff()
        said = None
        if self._unreadable.stuck:
            self._tell("starting")  # what follows may take its time
        while True:
            tokens = Tokens(self._config.jwt_secret(), self._config.token_hours)
            try:
                found = self._sources.look(self._sources.all)
                self._sources.claim(found, tokens, self._unreadable)
                if self._sources.taking_part:
                    break
                problem = "; ".join(
                    source.problem or "" for source in self._sources.all
                )
                pause = backoff.next()
            except Refused as refused:
                problem, pause = str(refused), refused.wait
            except Transient as transient:
                problem, pause = str(transient), backoff.next(transient.retry_after)
            except TooMuch as slow:  # the call waited for one of an older process
                problem, pause = str(slow), backoff.next()
            if problem != said:
                log.error("waiting: %s", problem)
                said = problem
            self._tell("waiting", problem)
            self._notifier.expect(pause)
            time.sleep(pause)
        if self._unreadable.halted_in_vain():
            raise Died(f"Logstash ended with status {HALTED}, and no change waits for it")
        for source in self._sources.left_out:
            log.error("left out %s: %s", source.feed.source, source.problem)
        names = ", ".join(source.feed.source for source in self._sources.taking_part)
        log.info("claimed %s", names)
        self._loading = any(
            source.waiting >= sources.FIRST_LOAD for source in self._sources.taking_part
        )
        self._tell("starting")
        return tokens.current()

    def _watch(self, logstash: Logstash, signed: Token) -> str:
        """Until there is a reason for another start, which is returned."""
        started = time.monotonic()
        alive = Signs(started)
        due = started + self._config.restart_hours * 3600
        look = started
        ask = started + ASK_EVERY
        compare = started + COMPARE_EVERY
        while True:
            self._notifier.expect(5.0)
            for line in logstash.lines(1.0):
                alive.said(time.monotonic())
                self._heed(line)
            if logstash.ended() is not None:
                for line in logstash.lines(1.0):  # why, as a rule
                    self._heed(line)
                return self._end(logstash.ended())
            if logstash.silent:
                raise Died("Logstash has closed its output")
            if self._unreadable.stuck:
                names = ", ".join(sorted(self._unreadable.stuck))
                return f"it cannot read a change ({names}), which is carried past it"
            now = time.monotonic()
            if now >= due:
                return f"it has run for {self._config.restart_hours:g} hours"
            if signed.is_due:
                return "its token needs renewal"
            if self._refused:
                return "PostgREST refuses its token"
            if now >= look:
                look = now + (LOOK_EVERY if self._running else min(LOOK_EVERY, 2.0))
                self._look_for_signs(logstash, alive, now - started)
                if self._caught_up():
                    return (
                        "the first load has caught up, and would be read again"
                        " whenever a connection breaks"
                    )
            if now >= ask:
                ask = now + ASK_EVERY
                back = self._sources.look(self._sources.left_out_by_couchdb)
                if back:
                    return f"{back[0].feed.source} can be read now"
            if now >= compare:
                compare = now + COMPARE_EVERY
                for source in self._sources.taking_part:
                    news = self._sources.news(source)
                    if news:
                        return f"{source.feed.source} {news}"

    def _end(self, status: Optional[int]) -> str:
        """What follows from its end. Of one that its stack had no room for a change the
        same would come of each start, and for all databases.

        Raises Died where it did not end by a change.
        """
        if status != HALTED or not self._reads:
            raise Died(f"Logstash ended with status {status}")
        taking_part = self._sources.taking_part
        self._unreadable.halted([source.feed.pipeline for source in taking_part])
        return f"it ended with status {status} at a change, which is carried past it"

    def _look_for_signs(self, logstash: Logstash, alive: Signs, age: float) -> None:
        """Raises Died where it shows none for too long."""
        read = [
            files.read_sequence(self._config, source.feed)
            for source in self._sources.taking_part
        ]
        alive.looked(time.monotonic(), logstash.used(), read)
        if self._look_at_api(age):
            alive.answered(time.monotonic())
        elif alive.silent(time.monotonic()):
            raise Died(f"Logstash's API has been silent for {signs.PATIENCE:g} s")

    def _heed(self, line: Line) -> None:
        """Pass a line on, and do what it asks for."""
        if line.text:
            log.log(line.level, "%s", line.text)
        if line.refused:
            raise BadCredentials(
                f"CouchDB refused the credentials for {line.pipeline} ({line.status}):"
                " playbooks/preflight.yml says why, and what to do"
            )
        lease_lost = line.status == 409 and not line.code.startswith("23")
        if line.logger == logs.OUTPUT and lease_lost:
            raise LeaseLost(f"another process has taken the source of {line.pipeline}")
        self._reads |= line.logger == logs.INPUT
        self._refused |= line.logger == logs.OUTPUT and line.status == 401
        for source in self._sources.taking_part:
            if line.unreadable and source.feed.pipeline == line.pipeline:
                position = files.read_sequence(self._config, source.feed)
                self._unreadable.met(line.pipeline, position)
        problem = self._meaning(line)
        if line.pipeline and problem:
            self._problems[line.pipeline] = time.monotonic(), problem

    def _meaning(self, line: Line) -> Optional[str]:
        if line.logger == logs.OUTPUT and line.status is not None:
            return f"PostgREST answers {line.status} {line.code}".rstrip()
        if line.logger == logs.OUTPUT and line.level >= logging.ERROR:
            return "PostgREST does not answer"
        if line.logger == logs.INPUT and line.status == 400:
            return (
                "CouchDB refuses the position (400): playbooks/resync.yml reads the"
                " source again from the start"
            )
        if line.logger == logs.INPUT and line.status is not None:
            return f"CouchDB answers {line.status}"
        if line.logger == logs.INPUT and line.level >= logging.ERROR:
            return "CouchDB does not answer"
        if line.unreadable and line.pipeline:
            if self._unreadable.times(line.pipeline) < unreadable.TIMES:
                return None  # it may be a line that a lost connection cut
            return "Logstash cannot read what CouchDB sends: read the journal"
        if line.failed:
            return f"its input fails again and again ({line.failed})"
        return None

    def _look_at_api(self, age: float) -> bool:
        """Learn from Logstash how its pipelines are; whether it answered."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(
                    f"http://127.0.0.1:{self._config.api_port}/_node/stats/pipelines",
                    timeout=5,
                )
            pipelines = answer.json()["pipelines"]
        except (OSError, ValueError, KeyError, TypeError):
            self._tell(None)
            return False
        for source in self._sources.taking_part:
            stats = pipelines.get(source.feed.pipeline) or {}
            sent = (stats.get("events") or {}).get("out", 0)
            if sent > self._sent.get(source.feed.pipeline, 0):
                self._problems.pop(source.feed.pipeline, None)
            self._sent[source.feed.pipeline] = sent
            problem = self._last_problem(source)
            if stats.get("events") is not None:
                source.state, source.problem = sources.RUNNING, problem
            elif (stats.get("reloads") or {}).get("last_error") or age > signs.PATIENCE:
                source.state = sources.STARTING
                source.problem = "its pipeline does not run: read the journal"
        running = all(s.state == sources.RUNNING for s in self._sources.taking_part)
        self._tell("running" if running else None)
        return True

    @property
    def _running(self) -> bool:
        return self._state.get("phase") == "running"

    def _last_problem(self, source: Source) -> Optional[str]:
        when, problem = self._problems.get(source.feed.pipeline, (0.0, ""))
        return problem if problem and time.monotonic() - when < PROBLEM_LASTS else None

    def _caught_up(self) -> bool:
        """Whether this start is a first load, and all of it was read."""
        return self._loading and all(map(self._has_read, self._sources.taking_part))

    def _has_read(self, source: Source) -> bool:
        position = files.read_sequence(self._config, source.feed)
        if self._unreadable.holds(source.feed.pipeline, position):
            return False
        count = self._sources.behind(source)
        return count is not None and count <= NEARLY

    def _tell(self, phase: Optional[str], problem: Optional[str] = None) -> None:
        """Let state.json and systemd know, if there is news. None: the same phase."""
        phase = phase or self._state.get("phase", "starting")
        feeds = {
            source.feed.pipeline: {
                "source": source.feed.source,
                "state": source.state,
                "problem": source.problem,
            }
            for source in self._sources.all
        }
        state = {"phase": phase, "problem": problem, "feeds": feeds}
        if state == self._state:
            return
        self._state = state
        since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        files.write_state(self._config, {**state, "since": since})
        troubles = [problem] if problem else []
        troubles += [
            f"{feed['source']}: {feed['problem']}"
            for feed in feeds.values()
            if feed["problem"]
        ]
        count = len(self._sources.taking_part)
        self._notifier.status(
            f"{phase}, {count} of {len(feeds)} databases"
            + ("".join(f"; {trouble}" for trouble in troubles))
        )
