# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each of an operator's mistakes stops site.yml before anything is changed, with a message that names the remedy."""

import json
import re

import pytest
from stack import group, playbook, source

pytestmark = pytest.mark.life


def logstash(**changed) -> str:
    return json.dumps({"cht_sync_engine": "logstash", **changed})


MISTAKES = {
    "wrong password": (lambda: source(password="wrong"), ["refused the password of medic", "Correct password in cht_sync_sources"]),
    "unreachable CouchDB": (lambda: source(url="http://127.0.0.1:9"), ["cannot be reached", "Check url in cht_sync_sources"]),
    "missing database": (lambda: source(databases=["medic", "medic_sentinel"]), ["no database medic_sentinel", "hyphens"]),
    "_users": (lambda: source(databases=["_users"]), ["_users", "remove it from databases"]),
    "credentials in the URL": (lambda: source(url="http://a:b@couchdb:5984"), ["must not hold credentials"]),
    "one source twice": (
        lambda: json.dumps({"cht_sync_sources": json.loads(source())["cht_sync_sources"] + json.loads(source(name="b", url=f"http://{group('couchdb_demo')}:5985"))["cht_sync_sources"]}),
        ["would both be source", "source_prefix"],
    ),
    "a renamed host": (lambda: source(source_prefix="renamed.example.org"), ["is no longer in the inventory", "set source_prefix"]),
    "an unknown engine": (lambda: '{"cht_sync_engine": "flume"}', ["must be logstash or relay"]),
    "Logstash 9.4": (lambda: logstash(logstash_version="9.4.0"), ["File.exists?", "set it to 8.19.20"]),
    "a small heap": (lambda: logstash(logstash_heap="512m"), ["at least 1g"]),
    "a heap larger than the machine": (lambda: logstash(logstash_heap="9999g"), ["MB of memory", "give the machine more"]),
    "no fingerprint": (lambda: logstash(logstash_install_source="apt"), ["key_fingerprint", "40 digits"]),
    "no such archive": (
        lambda: logstash(logstash_install_source="archive", logstash_artifacts={"archive": {"path": "/nonexistent/l.tar.gz", "checksum": "none"}}),
        ["/nonexistent/l.tar.gz", "no such file on the controller"],
    ),
    "too small a machine": (lambda: '{"base_min_memory_mb": 99999999}', ["MB of memory", "give the machine more"]),
    "too small a disk": (lambda: '{"base_min_disk_mb": 99999999}', ["MB free", "free some space"]),
    "missing variable": (lambda: '{"cht_sync_timezone": ""}', ["cht_sync_timezone is not set", "Africa/Nairobi"]),
    "missing secret": (lambda: '{"cht_sync_jwt_secret": ""}', ["cht_sync_jwt_secret is not set", "playbooks/secrets.yml"]),
    "wrong time zone": (lambda: '{"cht_sync_timezone": "Mars/Olympus"}', ["no time zone", "timedatectl list-timezones"]),
    "no checksum": (lambda: '{"postgrest_install_source": "url"}', ["needs a checksum"]),
}


def stops(words, *arguments):
    done = playbook("site", *arguments)
    assert done.returncode != 0
    assert set(re.findall(r"changed=(\d+)", done.stdout.split("PLAY RECAP")[1])) == {"0"}, done.stdout[-3000:]
    said = " ".join(done.stdout.split())
    for word in words:
        assert word in said, said[-2000:]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_stops_with_the_remedy(mistake):
    variables, words = MISTAKES[mistake]
    stops(words, "-e", variables())


def test_an_unsupported_distribution_stops_with_the_remedy(vm):
    vm.run("cp /usr/lib/os-release /tmp/os-release && sed -i 's/=debian/=slackware/; s/Debian/Slackware/' /usr/lib/os-release")
    vm.run("mv /etc/debian_version /etc/debian_version.away")
    try:
        stops(["Slackware", "Debian 12 and 13", "base_allow_untested"])
    finally:
        vm.run("mv /tmp/os-release /usr/lib/os-release; mv /etc/debian_version.away /etc/debian_version")
