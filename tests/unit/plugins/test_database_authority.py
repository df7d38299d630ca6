# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cht.sync.plugins.filter.database_authority import database_authority

OWN, EXTERNAL = {"all": ["db", "app"], "postgresql": ["db"]}, {"all": ["app"], "postgresql": []}


@pytest.mark.parametrize(
    ("ca_cert", "ssl_mode", "groups", "group_names", "expected"),
    [
        ("/srv/ca.pem", "verify-full", OWN, ["dbt"], "/etc/cht-sync/dbt/postgresql.crt"),
        ("/srv/ca.pem", "require", EXTERNAL, ["dbt"], "/etc/cht-sync/dbt/postgresql.crt"),
        ("", "verify-full", OWN, ["dbt"], "/etc/cht-sync/postgresql.crt"),
        ("", "verify-ca", OWN, ["dbt", "postgresql"], "/etc/cht-sync/postgresql/server.crt"),
        ("", "verify-full", EXTERNAL, ["dbt"], "/etc/ssl/certs/ca-certificates.crt"),
        ("", "verify-full", {"all": ["app"]}, ["dbt"], "/etc/ssl/certs/ca-certificates.crt"),
        ("", "require", EXTERNAL, ["dbt"], ""),
        ("", "prefer", OWN, ["dbt"], ""),
    ],
)
def test_which_file_of_the_machine(ca_cert, ssl_mode, groups, group_names, expected):
    assert database_authority(ca_cert, ssl_mode, "/etc/cht-sync/dbt", groups, group_names) == expected
