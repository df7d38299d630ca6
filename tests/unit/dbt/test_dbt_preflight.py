# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of base layer and packages: each mistake is told with its remedy, before anything changes."""

from pathlib import Path

import pytest
from playing import refusals

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
DIGEST = "sha256:" + "a" * 64


def package(**members):
    return {"dbt_packages": [{"name": "country", **members}]}


# By a name: what the inventory says, and words of the message.
MISTAKES = {
    "base_of_a_wrong_kind": ({"dbt_base": "upstream"}, ['dbt_base is "upstream"', "must be builtin, or name a project"]),
    "base_without_a_source": ({"dbt_base": {"revision": "v2"}}, ["dbt_base (of no place)", "either git and revision"]),
    "two_sources": (package(git="https://git.invalid/x", revision="v1", path="/x"), ["dbt_packages, country", "either git and revision"]),
    "name_with_a_slash": ({"dbt_packages": [{"name": "a/b", "path": "/x"}]}, ["dbt_packages, a/b", "small letters"]),
    "archive_without_checksum": (package(tarball="https://files.invalid/x.tgz"), ["country (https://files.invalid/x.tgz)", "give checksum"]),
    "archive_that_is_not_there": (package(tarball="/nonexistent/x.tgz", checksum=DIGEST), ["/nonexistent/x.tgz", "no such file on the controller"]),
    "archive_of_another_checksum": (package(tarball="/etc/hostname", checksum=DIGEST), ["/etc/hostname has checksum", "damaged or another one"]),
    "directory_that_is_no_package": (package(path="/usr"), ["country (/usr)", "no dbt_project.yml"]),
    "two_of_one_name": (
        {"dbt_packages": [{"name": "twin", "git": "https://git.invalid/x", "revision": "1"}] * 2}, ["two entries of one name", "twin, twin"],
    ),
    "package_named_base": ({"dbt_packages": [{"name": "base", "git": "https://git.invalid/x", "revision": "1"}]}, ["one named base"]),
    "vars_of_no_name": ({"dbt_vars": {"area_type": ["ward"]}}, ["dbt_vars has area_type, which is no variable", "area_types"]),
    "vars_text_for_a_list": ({"dbt_vars": {"area_types": "ward"}}, ['dbt_vars: area_types is "ward"', "a list of names", "[health_center]"]),
    "vars_quote_in_a_name": ({"dbt_vars": {"area_types": ["it's"]}}, ["dbt_vars: area_types is", "a list of names"]),
    "vars_empty_list": ({"dbt_vars": {"place_types": []}}, ["dbt_vars: place_types is []", "a list of names"]),
    "vars_text_for_a_number": ({"dbt_vars": {"silent_days": "soon"}}, ['dbt_vars: silent_days is "soon"', "a whole number above 0"]),
    "verify_timeout": ({"dbt_verify_timeout": "5min"}, ['dbt_verify_timeout is "5min"', "a whole number"]),
}  # fmt: skip
PASSWORD = "not-to-be-shown"
GIVEN = {"cht_sync_postgresql_host": "127.0.0.1", "cht_sync_database": "cht_sync", "cht_sync_timezone": "UTC", "cht_sync_dbt_password": "x"}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Plays the preflight once, for a host with each mistake and one with none; returns what each was told."""
    directory = tmp_path_factory.mktemp("preflight")
    # Nothing listens there, as before a first deployment: kinds of contact are not known.
    good = {"dbt_vars": {"area_types": ["ward"], "household_types": [], "silent_days": 45}, "dbt_db_port": 1, "dbt_base": {"git": "https://git.invalid/x", "revision": "v2"}, "dbt_packages": [{"name": "country", "path": f"{FIXTURES}/country-package"}]}
    with_password = package(git=f"https://user:{PASSWORD}@git.invalid/x", revision="v1")
    hosts = {name: {**GIVEN, **variables} for name, variables in
             {"none": good, "password": with_password, **{name: variables for name, (variables, _words) in MISTAKES.items()}}.items()}  # fmt: skip
    told, output = refusals(directory, hosts, [{"include_role": {"name": "cht.sync.dbt", "tasks_from": "preflight"}}], facts=True)
    assert "none" not in told, told["none"]
    return told, output


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(said, mistake):
    text = said[0].get(mistake, "nothing")
    for word in MISTAKES[mistake][1]:
        assert word in text, text


def test_a_password_in_an_address_is_refused(said):
    told, output = said
    assert "no password in the address of git" in told["password"]
    assert PASSWORD not in told["password"] and PASSWORD not in output
