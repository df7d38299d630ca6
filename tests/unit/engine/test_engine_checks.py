# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reads a configuration says whether it can, before that one is put in place; its secrets may be yet to come."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROLES = Path(__file__).resolve().parents[3] / "roles"
COUCHDB = {
    "source": "cht.example.org/medic",
    "couchdb_url": "https://cht.example.org",
    "database": "medic",
    "couchdb_username": "analytics",
    "couchdb_password_file": "/nowhere/password",
}
RELAY = {**COUCHDB, "postgrest_url": "http://127.0.0.1:3000", "jwt_secret_file": "/nowhere/jwt-secret", "page_rows": 400}
PARITY = {
    **COUCHDB,
    "postgresql_host": "127.0.0.1",
    "postgresql_port": 5432,
    "postgresql_database": "cht_sync",
    "postgresql_user": "monitor",
    "postgresql_password_file": "/nowhere/password",
}
LAUNCHER = {
    **{key: "/nowhere" for key in ("logstash_home", "settings_dir", "pipelines_dir", "state_dir", "runtime_dir", "jwt_secret_file")},
    "heap": "1g",
    "api_port": 9600,
    "postgrest_url": "http://127.0.0.1:3000",
    "feeds": [{**COUCHDB, "number": 1, "pipeline": "district.medic"}],
}
DBT = {"state": "/nowhere", "builtin": True, "batch_size": 0, "select": [], "exclude": ["tag:slow"]}
CASES = {
    "relay": (["cht_relay", "check", "--config"], RELAY, {"page_rows": "400"}, "key page_rows: must be a whole number from 1 on"),
    "parity": (["cht_relay", "check", "--parity-config"], PARITY, {"postgresql_port": "5432"}, "key postgresql_port: must be a whole number"),
    "launcher": (["cht_logstash", "check-config", "--config"], LAUNCHER, {"api_port": "9600"}, "key api_port: must be a whole number"),
    "dbt": (["cht_dbt", "check", "--config"], DBT, {"batch_size": "500"}, "key batch_size: must be a whole number from 0 on"),
}


def checked(tmp_path, command, values):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    roles = ("base", "relay", "logstash", "dbt")
    environment = {**os.environ, "PYTHONPATH": ":".join(str(ROLES / role / "files") for role in roles)}
    return subprocess.run([sys.executable, "-m", *command, str(path)], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", CASES)
def test_what_can_be_used_is_taken_without_a_word(tmp_path, program):
    command, good, _change, _words = CASES[program]
    done = checked(tmp_path, command, good)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("program", CASES)
def test_what_cannot_is_refused_in_a_line(tmp_path, program):
    command, good, change, words = CASES[program]
    done = checked(tmp_path, command, {**good, **change})
    assert done.returncode == 78 and words in done.stderr and done.stderr.count("\n") == 1
