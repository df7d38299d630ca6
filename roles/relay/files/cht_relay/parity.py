# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cht-relay parity``: what differs between sources and the warehouse, and its cure."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Collection, Dict, Optional, Tuple

from cht_engine.errors import LeaseLost, Problem, Refused
from cht_engine.sizing import PageSize
from cht_relay import parity_config
from cht_relay.compare import VANISHED, Finding
from cht_relay.comparison import ASKED, Comparison
from cht_relay.config import Config
from cht_relay.listing import Listing
from cht_relay.parity_config import ParityConfig
from cht_relay.parity_peers import Peers
from cht_relay.parity_report import Report
from cht_relay.repair import Repair
from cht_relay.unit import Unit

EXIT_EQUAL = 0
EXIT_PROBLEM = 1
EXIT_DIFFERENT = 4

_WITH_RELAY = "--repair fetches and flags what differs"
_WITH_LOGSTASH = (
    "playbooks/resync.yml fetches what is missing, outdated or undeleted; for what was"
    " deleted or vanished set cht_sync_engine to relay, run site.yml, repair, and set it"
    " back"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """What was asked for. ``sources``: their names, none for all. ``sample``: about how
    many documents, None for all. ``most_vanished``: more of them are not flagged.
    ``settle``: seconds. ``runtime_dir``: made, and written to, by this command only."""

    sources: Tuple[str, ...]
    sample: Optional[int]
    repair: bool
    most_vanished: int
    settle: float
    config_dir: str
    runtime_dir: str


def run(options: Options, say: Callable[[str], None]) -> int:
    """Compare, and repair if that was asked for; the exit code is returned. A source
    that cannot be compared does not keep the others from it.

    Raises ConfigError before anything is done.
    """
    configs = parity_config.load(options.config_dir, options.sources)
    os.makedirs(options.runtime_dir, mode=0o700, exist_ok=True)
    code = EXIT_EQUAL
    for source in [_Source(config, options, say) for config in configs]:
        try:
            if source.differs() and code == EXIT_EQUAL:
                code = EXIT_DIFFERENT
        except Problem as problem:
            log.error("%s: %s", source.name, problem)
            code = EXIT_PROBLEM
    return code


class _Source:
    """One source, to be compared and perhaps repaired. Raises ConfigError."""

    def __init__(
        self, config: ParityConfig, options: Options, say: Callable[[str], None]
    ) -> None:
        self.name = config.source
        self._couchdb_url = config.couchdb_url
        self._options = options
        self._relay = config.relay()
        self._peers = Peers(config, self._relay, options.runtime_dir)
        remedy = _WITH_LOGSTASH if self._relay is None else _WITH_RELAY
        self._report = Report(self.name, say, remedy)
        unit = f"cht-sync-relay@{Path(config.relay_config or '').stem}.service"
        self._unit = Unit(unit, options.runtime_dir)

    def differs(self) -> bool:
        """Tell what differs, repair it if that was asked for, and return whether
        anything differs in the end. Raises Problem."""
        options, relay = self._options, self._relay
        if options.repair and relay is None:
            raise Refused(f"on a Logstash site parity only reports: {_WITH_LOGSTASH}")
        with self._peers.compared() as (listing, warehouse):
            skipped = () if relay is None else relay.skip_id_prefixes
            compared = Comparison(self.name, listing, warehouse, skipped)
            self._report.state(warehouse.delivered(), self._unit.left_stopped)
            found = compared.differences(options.settle, options.sample)
            self._report.compared(found, compared, options.sample)
            if (
                options.repair
                and relay is not None
                and (found or self._unit.left_stopped)
            ):
                found = self._repaired(relay, listing, compared, found)
        return bool(found)

    def _repaired(
        self,
        relay: Config,
        listing: Listing,
        compared: Comparison,
        found: Dict[str, Finding],
    ) -> Dict[str, Finding]:
        """What differs after the repair. The relay stands still only as long as that
        takes; so what was found is asked for again before anything is written."""
        if not self._unit.left_stopped:  # else it is to be started in any case
            self._limit(found.values())
        with self._unit.stopped(), self._peers.postgrest() as postgrest:
            now = {f.id: f for f in compared.ask(found) if f.differs}
            self._limit(now.values())
            size = PageSize(ASKED, relay.page_bytes, relay.max_document_bytes)
            repair = Repair(listing, postgrest, size, relay.page_rows)
            try:
                repair.fetch(f.id for f in now.values() if f.kind != VANISHED)
                repair.flag(f.id for f in now.values() if f.kind == VANISHED)
            except LeaseLost as problem:
                raise Refused(f"another process took the source: {problem}") from None
            left = compared.still(now)
        self._report.repaired(found, left, compared)
        return left

    def _limit(self, found: Collection[Finding]) -> None:
        """A wrong or half restored database must not empty the warehouse."""
        vanished = sum(finding.kind == VANISHED for finding in found)
        if vanished > self._options.most_vanished:
            raise Refused(
                f"{vanished} documents vanished, more than --most-vanished"
                f" {self._options.most_vanished}: nothing was repaired. If"
                f" {self._couchdb_url} is the right CouchDB, and whole, go on with"
                f" --repair --most-vanished {vanished}"
            )
