# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/couchdb_account.yml, as it says what it would do, and what it is not given."""

import json
import os
import subprocess
import sys

import pytest
from couchdb_recorded import ADMIN, PASSWORD, Recorded
from playing import ROOT

SECRET = "geheim-pässword:1"


def played(directory, url, *arguments, names=("district",), password=PASSWORD):
    """Exit code, and the output with its white space made one."""
    entry = {"url": url, "username": "analytics", "password": SECRET, "databases": ["medic", "medic-sentinel"]}
    sources = [{**entry, "name": name, "source_prefix": name} for name in names]
    host = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable, "cht_sync_sources": sources}
    (directory / "hosts.json").write_text(json.dumps({"all": {"children": {"sync": {"hosts": {"localhost": host}}}}}))
    (directory / "admin.json").write_text(json.dumps({"couchdb_account_admin": ADMIN, "couchdb_account_admin_password": password}))
    done = subprocess.run(
        ["ansible-playbook", "-i", directory / "hosts.json", ROOT / "playbooks/couchdb_account.yml", "--diff", *arguments],
        cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    print(done.stdout)
    assert SECRET not in done.stdout and password not in done.stdout
    return done.returncode, " ".join(done.stdout.split())


def test_it_says_what_it_would_do(tmp_path):
    with Recorded("test_it_says_what_it_would_do") as couchdb:
        for database in ("medic", "medic-sentinel"):
            couchdb.given("DELETE", f"/{database}")
            couchdb.given("PUT", f"/{database}")
        couchdb.forget("/_users/org.couchdb.user:analytics")
        code, said = played(tmp_path, couchdb.url, "--check", "-e", f"@{tmp_path}/admin.json")
        assert code == 0 and couchdb.changes() == [] and couchdb.left == []
        assert "'district: would:' - '- write _design/cht-sync-read-only to medic: it refuses writes of analytics'" in said
        assert f"- '- make analytics a member of medic-sentinel' - It is for CouchDB itself at {couchdb.url}" in said
        assert "+ password: right" in said and "changed=1" in said


def test_a_refused_password_is_tried_once_for_all_entries(tmp_path):
    with Recorded("test_a_refused_password_is_tried_once_for_all_entries") as couchdb:
        code, said = played(tmp_path, couchdb.url, "-e", f"@{tmp_path}/admin.json", names=("district", "county"), password="mistyped")
        assert code == 2 and "refused the credentials of user admin" in said
        # Of these the first goes without the password.
        assert couchdb.asked == ["GET /api/info", "GET /medic/", "GET /_session"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((), "The administrator of CouchDB is not given. Type it where it is asked for"),
        (("couchdb_account_source=distrct",), 'The inventory has no entry "distrct" in cht_sync_sources: leave couchdb_account_source out, or give one of district'),
        (("couchdb_account_state=gone",), 'couchdb_account_state is "gone": it must be present or absent'),
        (("couchdb_account_online=maybe",), 'couchdb_account_online is "maybe": it must be true or false'),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_named(tmp_path, given, words):
    admin = ["-e", f"@{tmp_path}/admin.json"] if given else []
    code, said = played(tmp_path, "http://127.0.0.1:9", *admin, *(word for one in given for word in ("-e", one)))
    assert code == 2 and words in said
