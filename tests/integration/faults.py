# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests that kill have in common: how often, and a good moment.

CHT_TEST_KILLS: how often the relay is killed (5 by default); servers are about as often.
"""

from __future__ import annotations

import os

import psycopg2
from servers import PostgreSQL

KILLS = int(os.environ.get("CHT_TEST_KILLS", "5"))


def ingesting(postgresql: PostgreSQL, waiting: bool = False) -> int | None:
    """Process id of a backend that is in the middle of a call, `waiting` for a lock."""
    found = "SELECT pid FROM pg_stat_activity WHERE usename = 'authenticator' AND state = 'active' AND query ~ 'ingest'"
    try:
        rows = postgresql.execute(found + (" AND wait_event_type = 'Lock'" if waiting else ""))
    except psycopg2.Error:
        return None
    return rows[0][0] if rows else None
