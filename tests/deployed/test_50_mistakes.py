# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's mistakes: each is named with its remedy, before anything is changed.

Most are hosts of one play, each with the check it concerns; site.yml itself is run with a few. What the engines' and roles' own
checks refuse, tests/unit tries the same way.
"""

import re

import pytest
from playing import refusals as refused
from stack import INVENTORY, ROOT, group, playbook, secrets, source, sources

pytestmark = pytest.mark.one

CHECKS = {
    "inventory": {"ansible.builtin.include_tasks": f"{ROOT}/playbooks/tasks/check_inventory.yml"},
    "machine": {"ansible.builtin.include_role": {"name": "cht.sync.base", "tasks_from": "preflight"}},
    "postgrest": {"ansible.builtin.include_role": {"name": "cht.sync.postgrest", "tasks_from": "preflight"}},
    "source": {"ansible.builtin.include_tasks": f"{ROOT}/playbooks/tasks/check_source.yml", "vars": {"__source_index": 0}},
    "root": {"ansible.builtin.include_tasks": {"file": f"{ROOT}/playbooks/tasks/check_root.yml", "apply": {"become": True}}},
    "warehouse": {"ansible.builtin.include_role": {"name": "cht.sync.init_db", "tasks_from": "preflight"}},
}


def one(**changed):
    return {"cht_sync_sources": [source(**changed)]}


MISTAKES = {
    "wrong password": ("source", lambda: one(password="wrong"), ["refused the credentials of user medic", "correct username or password in cht_sync_sources"]),
    "unreachable CouchDB": ("source", lambda: one(url="http://127.0.0.1:9"), ["cannot be reached", "check url in cht_sync_sources"]),
    "https on the port for http": ("source", lambda: one(url=source()["url"].replace("http:", "https:")), ["does not speak https", "write http://"]),
    "missing database": ("source", lambda: one(databases=["medic", "medic_sentinel"]), ["no database", "/medic_sentinel (404)", "hyphens"]),
    "_users": ("inventory", lambda: one(databases=["_users"]), ["_users", "remove it from databases"]),
    "credentials in the URL": ("inventory", lambda: one(url="http://a:b@couchdb:5984"), ["must not hold credentials"]),
    "one source twice": (
        "inventory",
        lambda: {"cht_sync_sources": [source(), source(name="b", url=f"http://{group('couchdb_demo')}:5985")]},
        ["would both be source", "source_prefix"],
    ),
    "a source listed twice": ("inventory", lambda: {"cht_sync_sources": [source(), source(name="b")]}, ["stands twice in cht_sync_sources", "remove one"]),
    "the address of a page": ("inventory", lambda: one(url="https://cht.example.org/_utils/"), ["leave out /_utils"]),
    "a variable that is not there": (
        "inventory",
        lambda: one(password="{{ couchdb_password }}"),
        ["cht_sync_sources refers to couchdb_password", "`couchdb_password: ...` into <inventory>/group_vars/all/secrets.yml"],
    ),
    "a renamed host": ("warehouse", lambda: one(source_prefix="renamed.example.org"), ["is no longer in the inventory", "set source_prefix"]),
    "no sudo": ("root", lambda: {"ansible_user": "nobody"}, ["nobody cannot become root", "sudo: a password is required", "ansible_become_password"]),
    "an unknown engine": ("inventory", lambda: {"cht_sync_engine": "flume"}, ["must be logstash or relay"]),
    "missing variable": ("inventory", lambda: {"cht_sync_timezone": ""}, ["cht_sync_timezone is not set", "Africa/Nairobi"]),
    "missing secret": ("inventory", lambda: {"cht_sync_jwt_secret": ""}, ["cht_sync_jwt_secret is not set", "playbooks/secrets.yml"]),
    "short secret": ("inventory", lambda: {"cht_sync_jwt_secret": "x" * 31}, ["cht_sync_jwt_secret has fewer than 32", "playbooks/secrets.yml"]),
    "too small a machine": ("machine", lambda: {"base_min_memory_mb": 99999999}, ["MB of memory", "give the machine more"]),
    # As -e gives it: text.
    "too small a disk": ("machine", lambda: {"base_min_disk_mb": "99999999"}, ["MB free", "free some space"]),
    "no number": ("machine", lambda: {"base_min_memory_mb": "much"}, ['base_min_memory_mb is "much"', "a whole number"]),
    "no time zone": ("machine", lambda: {"cht_sync_timezone": "Mars/Olympus"}, ["which is no time zone", "timedatectl list-timezones"]),
    "no checksum": ("postgrest", lambda: {"postgrest_install_source": "url"}, ["needs a checksum"]),
    "another archive": (
        "postgrest",
        lambda: {"postgrest_install_source": "archive", "postgrest_artifacts": {"archive": {"path": "/etc/hostname", "checksum": "sha256:aa"}}},
        ["/etc/hostname has checksum", "damaged or another one"],
    ),
    "another program's port": ("postgrest", lambda: {"postgrest_port": 8088}, ["Port 8088", "gunicorn", "postgrest_port"]),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """Mistake -> what the check it concerns says."""
    directory = tmp_path_factory.mktemp("mistakes")
    (directory / "group_vars").symlink_to(INVENTORY / "group_vars")
    machine = {"ansible_connection": "community.docker.docker", "ansible_host": group("sync"), "ansible_python_interpreter": "/usr/bin/python3"}
    hosts = {mistake.replace(" ", "_"): {**machine, **variables(), "check": check} for mistake, (check, variables, _words) in MISTAKES.items()}
    tasks = [{**task, "when": f"check == '{check}'"} for check, task in CHECKS.items()]
    told, said = refused(directory, hosts, tasks, facts=True)
    print(said)
    assert secrets()["couchdb_demo_password"] not in said
    return {host.replace("_", " "): " ".join(text.split()) for host, text in told.items()}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_is_named_with_its_remedy(refusals, mistake):
    said = refusals[mistake.replace("_", " ")]
    for word in MISTAKES[mistake][2]:
        assert word in said, said


def stops(words, *arguments):
    done = playbook("site", *arguments)
    assert done.returncode != 0
    assert set(re.findall(r"changed=(\d+)", done.stdout.split("PLAY RECAP")[1])) == {"0"}, done.stdout[-3000:]
    said = " ".join(done.stdout.split())
    for word in words:
        assert word in said, said[-2000:]


@pytest.mark.parametrize("mistake", ["wrong password", "a renamed host"])
def test_stops_site_before_anything_is_changed(mistake):
    arguments, words = {
        "wrong password": (["-e", sources(password="wrong")], ["refused the credentials of user medic"]),
        "a renamed host": (["-e", sources(source_prefix="renamed.example.org")], ["is no longer in the inventory", "set source_prefix"]),
    }[mistake]
    stops(words, *arguments)


def test_relay_asks_for_root(vm):
    for command in ("status", "parity medic"):
        refused = vm.run(f"runuser -u nobody -- cht-relay {command}")
        assert (refused.rc, refused.stdout) == (1, "") and f"sudo cht-relay {command}" in refused.stderr, refused


def test_an_unsupported_distribution_stops_with_the_remedy(vm):
    vm.run("cp /usr/lib/os-release /tmp/os-release && sed -i 's/=debian/=slackware/; s/Debian/Slackware/' /usr/lib/os-release")
    vm.run("mv /etc/debian_version /etc/debian_version.away")
    try:
        stops(["Slackware", "Debian 12 and 13", "base_allow_untested"])
    finally:
        vm.run("mv /tmp/os-release /usr/lib/os-release; mv /etc/debian_version.away /etc/debian_version")


@pytest.mark.parametrize(
    ("name", "words"), [("preflight", ["Nothing was changed.", "are as site.yml needs them"]), ("verify", ["All 8 parts are well.", "sources, all copied"])]
)
def test_where_nothing_is_wrong_a_sentence_says_so(name, words):
    done = playbook(name)
    said = " ".join(done.stdout.split())
    assert done.returncode == 0 and all(word in said for word in words), said[-2000:]
