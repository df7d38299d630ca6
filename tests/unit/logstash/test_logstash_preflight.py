# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's preflight on this machine: each mistake is told with its remedy, before anything changes."""

import tarfile

import pytest
from playing import evaluated, refusals
from rendering import SECRET, source, variables

DIGEST = "a" * 128


def archive(**changed):
    return {"logstash_install_source": "archive", "logstash_artifacts": {"archive": changed}}


def apt(**changed):
    return {"logstash_install_source": "apt", "logstash_artifacts": {"apt": changed}}


# By a name: what the inventory says, and words of the message.
MISTAKES = {
    "no_source": ({"cht_sync_sources": []}, ["names no database to copy"]),
    "path_behind_ipv6": ({"cht_sync_sources": [source(url="https://[2001:db8::1]/couch")]}, ["https://[2001:db8::1]/couch", "cht_sync_engine to relay"]),
    "path_in_url": ({"cht_sync_sources": [source(url="https://cht.example.org/couch")]}, ["https://cht.example.org/couch", "cht_sync_engine to relay"]),
    "ca_file_not_there": ({"cht_sync_sources": [source(ca_file="/nonexistent/a.pem")]}, ["entry 1 (district)", "ca_file names /nonexistent/a.pem"]),
    "authority_not_there": ({"logstash_postgrest_ca_file": "/nonexistent/a.pem"}, ["logstash_postgrest_ca_file names /nonexistent/a.pem", "on the controller"]),
    "credentials_in_postgrest": ({"logstash_postgrest_url": "http://a:b@api"}, ["logstash_postgrest_url", "without credentials"]),
    "version_9_4": ({"logstash_version": "9.4.0"}, ["File.exists?", "JRuby 10", "set it to 8.19.20"]),
    "version_8_18": ({"logstash_version": "8.18.0"}, ["Only 8.19 was tested", "set it to 8.19.20"]),
    "heap_without_unit": ({"logstash_heap": "2048"}, ["logstash_heap", "1g or 1536m"]),
    "small_heap": ({"logstash_heap": "512m"}, ["at least 1g"]),
    "more_than_there_is": ({"logstash_heap": "9999g"}, ["MB of memory", "give the machine more", "relay"]),
    "short_token": ({"logstash_token_hours": 24}, ["logstash_token_hours is 24", "longer"]),
    "no_fingerprint": (apt(), ["key_fingerprint", "40 digits"]),
    "url_without_checksum": ({"logstash_artifacts": {"url": {"url": "https://m/l.tar.gz"}}}, ["checksum", ".sha512 added"]),
    "url_that_is_none": ({"logstash_artifacts": {"url": {"url": "/srv/l.tar.gz", "checksum": f"sha512:{DIGEST}"}}}, ["install_source to archive"]),
    "archive_without_checksum": (archive(path="/nonexistent/l.tar.gz"), ["checksum", "none if you trust"]),
    "archive_missing_on_controller": (archive(path="/nonexistent/l.tar.gz", checksum="none"), ["/nonexistent/l.tar.gz", "the controller"]),
    "archive_of_another_checksum": (archive(path="/etc/hostname", checksum=f"sha512:{DIGEST}"), ["/etc/hostname has checksum", "damaged or another one"]),
    "remote_of_another_checksum": (archive(path="/etc/hostname", checksum=f"sha512:{DIGEST}", remote=True), ["has checksum", "damaged or another one"]),
    "archive_missing_on_target": (archive(path="/nonexistent/l.tar.gz", checksum="none", remote=True), ["no such file on archive_missing_on_target"]),
    "java_home_without_java": ({"logstash_java_home": "/nonexistent"}, ["logstash_java_home is /nonexistent", "Java 17 or 21"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    directory = tmp_path_factory.mktemp("preflight")
    base = {"cht_sync_sources": [source()], "cht_sync_jwt_secret": SECRET}
    hosts = {name: {**base, **changed} for name, (changed, _words) in MISTAKES.items()}
    # All else is right, but for what comes after the addresses.
    hosts["ipv6"] = {**base, "cht_sync_sources": [source(url="https://[2001:db8::1]:5984")], "logstash_postgrest_url": "http://[::1]:3000", "logstash_version": "9.4.0"}
    preflight = [{"import_role": {"name": "cht.sync.logstash", "tasks_from": "preflight"}}]
    told, said = refusals(directory, hosts, preflight, facts=True)
    print(said)
    assert SECRET not in said
    return told


@pytest.mark.parametrize("mistake", MISTAKES)
def test_tells_the_remedy(told, mistake):
    said = " ".join(told[mistake].split())
    for word in MISTAKES[mistake][1]:
        assert word in said, said


def test_an_ipv6_address_is_none(told):
    assert "logstash_version" in told["ipv6"]  # what is looked at next


@pytest.fixture(scope="module")
def java_found(tmp_path_factory):
    """By what the archive holds, what the role finds in it."""
    directory, hosts = tmp_path_factory.mktemp("archives"), {}
    for outcome, inside in {"yes": ["jdk/bin/java"], "no": []}.items():
        path = directory / f"{outcome}.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            for name in ["bin/logstash", *inside]:
                tar.addfile(tarfile.TarInfo(f"logstash-8.19.20/{name}"))
        hosts[outcome] = variables(archive(path=str(path), checksum="none"))
    return evaluated(directory, hosts, "lookup('ansible.builtin.pipe', __logstash_find_java)")


@pytest.mark.parametrize("outcome", ["yes", "no"])
def test_knows_whether_an_archive_brings_java(java_found, outcome):
    assert java_found[outcome] == outcome
