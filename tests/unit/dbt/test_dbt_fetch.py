# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages arrive from git, an archive and a directory; what is not as named is refused and told."""

import hashlib
import subprocess
import tarfile
from pathlib import Path

import pytest
from playing import refusals

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures/country-package"
GIVEN = {"cht_sync_postgresql_host": "127.0.0.1", "cht_sync_database": "cht_sync", "cht_sync_timezone": "UTC", "cht_sync_dbt_password": "x"}


def git(directory, *arguments):
    subprocess.run(["git", "-C", directory, "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """By the name of a host, what it was told, or nothing; and where the packages came to be."""
    directory = tmp_path_factory.mktemp("fetch")
    repository, archive, checkout = directory / "repository", directory / "country.tar.gz", directory / "checkout"
    subprocess.run(["cp", "-r", FIXTURE, repository], check=True)
    git(repository, "init", "-q")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    git(repository, "tag", "v1")
    subprocess.run(["cp", "-r", repository, checkout], check=True)
    (checkout / "logo.png").write_bytes(b"\xff\x00")
    (repository / "later.sql").write_text("select 1")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "second")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(FIXTURE, "country-v1")
    checksum = f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
    packages = {
        "from_git": {"git": str(repository), "revision": "v1"},
        "from_archive": {"tarball": str(archive), "checksum": checksum},
        "from_directory": {"path": f"{checkout}/"},
        "unknown_revision": {"git": str(repository), "revision": "v9"},
        "other_archive": {"tarball": str(archive), "checksum": "sha256:" + "a" * 64},
    }
    fetch = {
        "include_role": {"name": "cht.sync.dbt", "tasks_from": "fetch"},
        "vars": {"__dbt_fetched": str(directory / "fetched"), "__dbt_package": "{{ dbt_packages[0] | combine(__dbt_fetched_packages[0]) }}"},
    }
    (directory / "fetched").mkdir()
    hosts = {name: {**GIVEN, "dbt_packages": [{"name": name, **package}]} for name, package in packages.items()}
    told, output = refusals(directory, hosts, [fetch])
    print(output)
    return told, directory / "fetched"


@pytest.mark.parametrize("name", ["from_git", "from_archive", "from_directory"])
def test_a_package_arrives(outcome, name):
    told, fetched = outcome
    assert name not in told, told[name]
    (project,) = [path.parent for path in (fetched / name).glob("**/dbt_project.yml")]
    wanted = {path.relative_to(FIXTURE) for path in FIXTURE.rglob("*") if path.is_file()}
    arrived = {path.relative_to(project) for path in project.rglob("*") if path.is_file()}
    if name == "from_git":
        arrived = {path for path in arrived if path.parts[0] != ".git"}
    assert arrived == wanted | ({Path("logo.png")} if name == "from_directory" else set())


def test_an_unknown_revision_is_told(outcome):
    assert "Package unknown_revision: revision v9 of" in outcome[0]["unknown_revision"]
    assert "left as it is" in outcome[0]["unknown_revision"]


def test_another_archive_is_told(outcome):
    assert "not sha256:aaaa" in outcome[0]["other_archive"] and "damaged or another one" in outcome[0]["other_archive"]
    assert not list(outcome[1].glob("other_archive/**/dbt_project.yml"))
