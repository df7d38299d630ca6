# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's preflight on this machine: each mistake is named with its remedy, before anything changes."""

import socket
import sys

import pytest
from playing import refusals

# The demo, where it is up, has the usual one.
with socket.create_server(("127.0.0.1", 0)) as server:
    FREE_PORT = server.getsockname()[1]
GIVEN = {
    "cht_sync_database": "cht_sync", "cht_sync_timezone": "UTC", "cht_sync_postgresql_host": "127.0.0.1", "cht_sync_superset_password": "x",
    "cht_sync_superset_reader_password": "x", "cht_sync_superset_sqllab_password": "x", "superset_admin_password": "x", "superset_secret_key": "k" * 40, "superset_python": sys.executable, "superset_port": FREE_PORT,
}  # fmt: skip
# By a name: what the inventory says, and words of the message.
MISTAKES = {
    "settings_that_are_not_python": ({"superset_config_extra": "ROW_LIMIT = 5\nif True\n    pass"}, ["superset_config_extra is not valid", "line 2"]),
    "https_without_a_proxy": ({"superset_https": "yes"}, ["superset_https is for a gateway", "superset_proxies"]),
    "days_that_are_none": ({"superset_log_days": "0"}, ["superset_log_days is 0", "at least 1"]),
    "a_password_not_set": (
        {"superset_users": [{"username": "a", "password": "{{ wanjiru_password }}"}]}, ["superset_users refers to wanjiru_password", "secrets.yml"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    good = {"superset_config_extra": "SQLLAB_TIMEOUT = 7", "superset_https": "true", "superset_proxies": "1", "superset_min_memory_mb": "100"}
    hosts = {name: {**GIVEN, **changed} for name, changed in {"none": good, **{name: changed for name, (changed, _words) in MISTAKES.items()}}.items()}
    return refusals(tmp_path_factory.mktemp("preflight"), hosts, [{"include_role": {"name": "cht.sync.superset", "tasks_from": "preflight"}}], facts=True)[0]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(told, mistake):
    said = told.get(mistake, "nothing")
    assert all(word in said for word in MISTAKES[mistake][1]), said


def test_what_is_right_passes(told):
    assert "none" not in told, told["none"]
