# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a comparison asks about one source, and whom a repair calls."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import Any, Callable, Iterator, List, Optional, Tuple

from cht_engine import settings
from cht_engine.couchdb import CouchDB
from cht_engine.postgrest import PostgREST
from cht_engine.stalling import STALLED
from cht_engine.tokens import Tokens
from cht_relay.account import Account
from cht_relay.config import Config
from cht_relay.listing import Listing
from cht_relay.parity_config import ParityConfig
from cht_relay.patience import patiently
from cht_relay.warehouse import Server, Warehouse


class Peers:
    """The servers of one source. Reads the secrets: raises ConfigError.

    ``relay``: the source's relay, None on a Logstash site. ``runtime_dir``: where this
    program remembers a refused password.
    """

    def __init__(
        self, config: ParityConfig, relay: Optional[Config], runtime_dir: str
    ) -> None:
        self._config = config
        self._relay = relay
        self._password = settings.secret(
            "couchdb_password_file", config.couchdb_password_file
        )
        self._monitor = settings.secret(
            "postgresql_password_file", config.postgresql_password_file
        )
        told: List[Tuple[Optional[str], str]] = [(runtime_dir, self._monitor)]
        if relay is not None:
            self._jwt_secret = relay.secrets().jwt_secret
            told.append((relay.runtime_dir, self._jwt_secret))
        self._own_account, *self._relays_account = [
            Account(
                place, config.couchdb_url, config.couchdb_username, self._password, key
            )
            for place, key in told
        ]

    @contextmanager
    def compared(self) -> Iterator[Tuple[Listing, Warehouse]]:
        """Both sides. Raises Refused, above all where CouchDB shows a part only: all else
        would count as vanished."""
        config = self._config
        couchdb = CouchDB(
            config.couchdb_url,
            config.database,
            config.couchdb_username,
            self._password,
            config.couchdb_ca_file,
            STALLED,
            STALLED,
        )
        server = Server(
            config.postgresql_host,
            config.postgresql_port,
            config.postgresql_database,
            config.postgresql_user,
            config.postgresql_ssl_mode,
            config.postgresql_ca_file,
        )
        warehouse = Warehouse(server, self._monitor, config.source)
        with closing(couchdb), closing(warehouse):
            self._ask(couchdb.identity)
            yield Listing(couchdb, self._ask), warehouse

    @contextmanager
    def postgrest(self) -> Iterator[PostgREST]:
        """Where the relay writes; there must be one."""
        assert self._relay is not None
        target = PostgREST(
            self._relay.postgrest_url,
            self._config.source,
            "relay",
            Tokens(self._jwt_secret, self._relay.token_hours),
            self._relay.postgrest_ca_file,
            self._relay.call_timeout,
        )
        with closing(target):
            yield target

    def _ask(self, work: Callable[[], Any]) -> Any:
        """Ask CouchDB, unless it refused the account just now, here or to a relay. What
        the relays tell each other is only read: the directory is theirs."""

        def heeding() -> Any:
            for account in self._relays_account:
                account.check()
            return self._own_account.heeding(work)

        return patiently(heeding)
