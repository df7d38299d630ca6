# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the package cht_demo on the path and shares one generated instance."""

import sys
import time
from collections import namedtuple
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


Made = namedtuple("Made", "instance documents encoded seconds")


@pytest.fixture(scope="session")
def made():
    """An instance of the default size; by database, its first revisions and their bytes; the processor's time all that took."""
    from cht_demo import DATABASES, encode, generate

    begun = time.process_time()
    instance = generate(20000, "test", TODAY)
    documents = {database: list(instance.documents(database)) for database in DATABASES}
    encoded = {database: [encode(document) for document in found] for database, found in documents.items()}
    return Made(instance, documents, encoded, time.process_time() - begun)


@pytest.fixture(scope="session")
def instance(made):
    """An instance of the default size."""
    return made.instance


@pytest.fixture(scope="session")
def final(instance):
    """Per database, what remains, by id."""
    from cht_demo import DATABASES

    return {database: {document["_id"]: document for document in instance.final(database)} for database in DATABASES}


@pytest.fixture(scope="session")
def encoded_final(final):
    """Per database, what remains as bytes, by id."""
    from cht_demo import encode

    return {database: {doc_id: encode(document) for doc_id, document in documents.items()} for database, documents in final.items()}


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
