# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the launcher's package on the path."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "roles/logstash/files"))
from engine_peers import PostgRESTPeer  # noqa: E402
from launcher_harness import CouchDB, Site  # noqa: E402


@pytest.fixture
def couch():
    """CouchDB with three databases."""
    with CouchDB() as peer:
        yield peer


@pytest.fixture
def rest():
    """PostgREST."""
    with PostgRESTPeer("logstash") as peer:
        yield peer


@pytest.fixture
def site(tmp_path, couch, rest):
    """What a launcher needs."""
    return Site(tmp_path, couch.url, rest.url)
