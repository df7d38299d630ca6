# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""npm's couch2pg, what cht.sync's upstream grew from, as a peer of the relay."""

from __future__ import annotations

import json
from pathlib import Path

from processes import finished
from servers import ROOT, PostgreSQL, node, npm

NAME, VERSION = "couch2pg", "0.7.1"
# Its migrations bring a pg of 2016, which on today's Node.js ends without a word; the rest of it has pg 8.
MANIFEST = {"private": True, "dependencies": {NAME: VERSION}, "overrides": {"postgrator": {"pg": "8.8.0"}}}
LIMIT = 600  # seconds


class Peer:
    """couch2pg between `source` (a database's URL, its credentials included) and a database of its own."""

    def __init__(self, postgresql: PostgreSQL, source: str, log: Path) -> None:
        self.postgresql, self.source, self.log = postgresql, source, log
        self.directory = ROOT / ".cache" / f"{NAME}-{VERSION}"
        self.program = self.directory / "node_modules/couch2pg/cli.js"
        if not self.program.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            (self.directory / "package.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
            npm("install", "--prefix", self.directory, "--ignore-scripts", "--no-audit", "--no-fund")

    def installed(self) -> bool:
        return self.program.exists()

    def clear(self) -> None:
        self.postgresql.execute("DROP DATABASE IF EXISTS peer")
        self.postgresql.execute("CREATE DATABASE peer")

    def run(self) -> tuple[float, float, float]:
        """As processes.finished. AssertionError where it does not run to its end."""
        target = f"postgres://postgres@127.0.0.1:{self.postgresql.port}/peer"
        environment = {"PEER_SOURCE": self.source, "PEER_TARGET": target, "PEER_PROGRAM": str(self.program)}
        script = Path(__file__).with_name("couch2pg.js")
        return finished([str(node() / "bin/node"), str(script)], environment, self.log, LIMIT)

    def stored(self) -> int:
        return self.postgresql.execute("SELECT count(*) FROM couchdb", "peer")[0][0]
