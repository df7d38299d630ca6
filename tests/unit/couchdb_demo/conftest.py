# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the package cht_demo on the path and shares one generated instance."""

import sys
from datetime import date
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[3] / "roles" / "couchdb_demo" / "files"
sys.path.insert(0, str(FILES))

TODAY = date(2026, 11, 24)


@pytest.fixture(scope="session")
def today():
    """The day the shared instance was made for."""
    return TODAY


@pytest.fixture(scope="session")
def instance():
    """An instance of the default size."""
    from cht_demo import generate

    return generate(20000, "test", TODAY)


@pytest.fixture(scope="session")
def final(instance):
    """Per database, what remains, by id."""
    from cht_demo import DATABASES

    return {database: {document["_id"]: document for document in instance.final(database)} for database in DATABASES}


@pytest.fixture(scope="session")
def medic(final):
    """What remains in medic, by id."""
    return final["medic"]


@pytest.fixture(scope="session")
def reports(medic):
    """The reports by form."""
    found = {}
    for document in medic.values():
        if document.get("type") == "data_record":
            found.setdefault(document["form"], []).append(document)
    return found
