# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the relay's package on the path, and offers the engine between the two peers."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "roles/relay/files"))

from engine_peers import PASSWORD, SECRET  # noqa: E402
from relay_harness import Relay  # noqa: E402


@pytest.fixture
def settings(tmp_path, couchdb, postgrest):
    """The keys of a configuration file for the two peers."""
    (tmp_path / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    (tmp_path / "jwt-secret").write_text(SECRET + "\n", encoding="utf-8")
    return {
        "source": "localhost/medic",
        "couchdb_url": couchdb.url,
        "database": "medic",
        "couchdb_username": "analytics",
        "couchdb_password_file": str(tmp_path / "password"),
        "couchdb_ca_file": None,
        "postgrest_url": postgrest.url,
        "jwt_secret_file": str(tmp_path / "jwt-secret"),
        "postgrest_ca_file": None,
        "page_rows": 10,
        "read_timeout": 5,
        "call_timeout": 5,
        "poll_timeout": 5,
    }


@pytest.fixture
def relay(settings):
    """The engine in a thread, not started yet."""
    running = Relay(settings)
    yield running
    running.stop()
