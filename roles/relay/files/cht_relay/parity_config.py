# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that ``cht-relay parity`` reads: one a source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from cht_engine import settings
from cht_engine.settings import ConfigError
from cht_relay import config


@dataclass(frozen=True)
class ParityConfig:
    """One source. The field names are the keys of the file.

    ``source``, ``couchdb_*``, ``database``: as in the relay's own configuration.
    ``postgresql_*``: the warehouse, and who reads it.
    ``relay_config``: the relay's own configuration, which is named as its unit is;
    None where another engine copies.
    """

    source: str
    couchdb_url: str
    database: str
    couchdb_username: str
    couchdb_password_file: str
    postgresql_host: str
    postgresql_port: int
    postgresql_database: str
    postgresql_user: str
    postgresql_password_file: str
    postgresql_ssl_mode: str = "prefer"
    postgresql_ca_file: Optional[str] = None
    couchdb_ca_file: Optional[str] = None
    relay_config: Optional[str] = None

    def relay(self) -> Optional[config.Config]:
        """The relay's own configuration. Raises ConfigError."""
        return None if self.relay_config is None else config.load(self.relay_config)


_CHECKS: Dict[str, settings.Check] = {
    "source": settings.header_text,
    "couchdb_url": settings.url,
    "postgresql_port": settings.positive_int,
    "postgresql_ca_file": settings.optional_text,
    "couchdb_ca_file": settings.optional_text,
    "relay_config": settings.optional_text,
}


def read(path: str) -> ParityConfig:
    """Read the JSON file at ``path``; raises ConfigError."""
    return settings.load(path, ParityConfig, _CHECKS)


def load(directory: str, sources: Sequence[str]) -> List[ParityConfig]:
    """The files of ``sources``, in that order, or of all if there are none.

    Raises ConfigError.
    """
    try:
        paths = sorted(p for p in Path(directory).iterdir() if p.suffix == ".json")
    except OSError as error:
        raise ConfigError(
            f"{directory}: {error.strerror}: run site.yml, and this as root"
        ) from None
    known: Dict[str, ParityConfig] = {}
    for path in paths:
        loaded = read(str(path))
        known[loaded.source] = loaded
    if not known:
        raise ConfigError(f"{directory}: no source is there: run site.yml")
    for source in sources:
        if source not in known:
            raise ConfigError(f"no source {source}: known are {', '.join(known)}")
    return [known[source] for source in dict.fromkeys(sources)] or list(known.values())
