# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cht.sync.plugins.modules.superset_database import canonical


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql+psycopg2://reader@db:5432/cht?sslmode=verify-full&sslrootcert=/etc/cht-sync/postgresql.crt",
        "postgresql+psycopg2://reader@db:5432/cht?sslmode=verify-full&sslrootcert=%2Fetc%2Fcht-sync%2Fpostgresql.crt",
        "postgresql+psycopg2://reader@db:5432/cht?sslrootcert=/etc/cht-sync/postgresql.crt&sslmode=verify-full",
    ],
)
def test_the_same_options_are_the_same_uri(uri):
    assert canonical(uri) == (
        "postgresql+psycopg2://reader@db:5432/cht?sslmode=verify-full&sslrootcert=%2Fetc%2Fcht-sync%2Fpostgresql.crt"
    )


def test_another_option_is_another_uri():
    assert canonical("postgresql://reader@db/cht?sslmode=prefer") != canonical("postgresql://reader@db/cht?sslmode=require")


def test_a_uri_without_options_stays():
    assert canonical("postgresql://reader@db/cht") == "postgresql://reader@db/cht"
