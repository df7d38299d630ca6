# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts on the path what several directories of tests share, and offers the engines' two peers."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / path) for path in ("collections", "tests", "tests/unit", "tests/unit/engine", "roles/base/files")]

from cht_front import Authority  # noqa: E402
from engine_peers import CouchDBPeer, PostgRESTPeer  # noqa: E402


@pytest.fixture
def couchdb():
    """A server that answers as CouchDB did when it was recorded."""
    with CouchDBPeer() as peer:
        yield peer


@pytest.fixture
def postgrest():
    """A server that keeps the ingest contract."""
    with PostgRESTPeer() as peer:
        yield peer


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """An authority of certificates that nobody trusts by himself."""
    return Authority(tmp_path_factory.mktemp("authority"))
