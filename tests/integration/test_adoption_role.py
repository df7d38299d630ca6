# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of upstream's cht-sync taken over by the role init_db, as an operator sees it."""

import json
import os
import random
import subprocess
import sys

import pytest
from servers import ROOT, PostgreSQL
from test_adoption import LOGSTASH, V2, documents, v2
from upstream import Upstream, doc

pytestmark = pytest.mark.once

LOGINS = ("authenticator", "monitor", "dbt", "superset", "superset_reader")


def play(postgresql, tmp_path, *arguments, tasks="warehouse", **variables):
    """Plays the role's part that sets the warehouse up; returns its output."""
    book = tmp_path / "play.yml"
    book.write_text(f"""
- hosts: localhost
  gather_facts: false
  module_defaults:
    cht.sync.init_db: {{login_host: 127.0.0.1, login_port: {postgresql.port}}}
  tasks:
    - ansible.builtin.include_role:
        name: cht.sync.init_db
        tasks_from: {tasks}
""")
    variables = {
        "cht_sync_database": "old", "cht_sync_engine": "relay", "ansible_python_interpreter": sys.executable,
        "cht_sync_sources": [{"name": host, "url": f"http://{host}", "username": "u", "password": "p", "databases": ["medic"]} for host in "ab"],
        **variables,
    }  # fmt: skip
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", book, "-e", json.dumps(variables), *arguments],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(tmp_path)},
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_role_says_how_far_it_is_and_ends_unchanged(postgresql, old, tmp_path):
    padding = random.Random(4)
    old.logstash("medic", *(doc(f"d{n}", "1-a", x=padding.randbytes(3000).hex()) for n in range(2000)))
    old.cursor.execute("ALTER TABLE v1.medic ALTER doc SET STORAGE PLAIN")
    adoption = {"init_db_adopt": LOGSTASH[:1], "__init_db_adopt_seconds": 0}
    assert "v1.medic: 0 of about" in (output := play(postgresql, tmp_path, "--check", "--diff", **adoption))
    assert "adoption of v1.medic (logstash, about" in output and "changed=1" in output
    old.cursor.execute("SELECT to_regclass('v1.adoption')")
    assert old.cursor.fetchone() == (None,)

    output = play(postgresql, tmp_path, **adoption)
    assert "v1.medic: 2000 of about" in output and "100 %" in output
    assert len(documents(old.cursor)) == 2000
    assert "changed=0" in play(postgresql, tmp_path, **adoption)
    assert "changed=1" in play(postgresql, tmp_path, **adoption, init_db_drop_adopted=True)
    assert "changed=0" in play(postgresql, tmp_path, **adoption, init_db_drop_adopted=True)
    old.cursor.execute("SELECT to_regclass('v1.medic')")
    assert old.cursor.fetchone() == (None,)


def test_check_mode_gets_to_the_answer_on_a_server_that_knows_nothing_of_us(tmp_path):
    server = PostgreSQL()
    try:
        server.execute("CREATE DATABASE old")
        v2(Upstream(server, "old"))
        output = play(
            server, tmp_path, "--check", "--diff", tasks="configure", init_db_adopt=V2, init_db_login_host="127.0.0.1",
            init_db_login_port=server.port, ansible_become=False, **{f"cht_sync_{name}_password": "p" for name in LOGINS},
        )  # fmt: skip
        assert "adoption of v1.couchdb (v2, about 14 rows) for a/medic, b/medic" in output
        assert "would let authenticator become sync_writer" in output
        assert server.execute("SELECT count(*) FROM pg_roles WHERE NOT starts_with(rolname, 'pg_')") == [(1,)]
        assert server.execute("SELECT count(*), to_regclass('v1.adoption') FROM v1.couchdb", "old") == [(14, None)]
    finally:
        server.remove()
