# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of roles and accounts: each mistake is told with its remedy, and without a password."""

import pytest
from playing import refusals

PASSWORD = "not-to-be-shown"
AREA = "7d1b2b8e-6a0e-4b7e-9a3b-1f3c8f2f0a11"


def user(**more):
    return {"superset_users": [{"username": "wanjiru", "password": PASSWORD, "roles": ["data_officer"], **more}]}


def supervisor(**more):
    return {"superset_supervisors": [{"username": "otieno", "password": PASSWORD, "areas": [AREA], **more}]}


# By a name: what the inventory says, and words of the message.
MISTAKES = {
    "no_password": (user(password=""), ["wanjiru in superset_users", "has no password"]),
    "supervisor_without_password": (supervisor(password=None), ["otieno in superset_users or superset_supervisors", "has no password"]),
    "two_of_a_name": ({**user(username="Otieno"), **supervisor()}, ["otieno, otieno", "names of their own"]),
    "administrator": (user(username="Admin"), ["superset_admin_username"]),
    "public_role": ({"superset_roles": [{"name": "Public", "permissions": []}]}, ["superset_roles names Admin or Public"]),
    "no_area": (supervisor(areas=[]), ["otieno: areas must be", "not none"]),
    "area_that_is_a_name": (supervisor(areas=[AREA, "Kisumu"]), ["otieno: areas must be the uuids", "Kisumu"]),
    "area_with_a_quote": (supervisor(areas=[f"{AREA}' OR '1"]), ["otieno: areas must be the uuids"]),
    "area_in_capitals": (supervisor(areas=[AREA.upper()]), ["in small letters"]),
}  # fmt: skip
GOOD = {
    "none": {},
    "users": {**user(), **supervisor()},
    "gone": {"superset_users": [{"username": "a", "state": "absent"}], "superset_supervisors": [{"username": "b", "state": "absent"}]},
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Plays the checks once, for a host with each mistake and some with none; returns what each was told."""
    directory = tmp_path_factory.mktemp("preflight")
    hosts = {**GOOD, **{name: variables for name, (variables, _words) in MISTAKES.items()}}
    return refusals(directory, hosts, [{"include_role": {"name": "cht.sync.superset", "tasks_from": "preflight_access"}}], arguments=("-v",))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(said, mistake):
    text = said[0].get(mistake, "nothing")
    assert all(word in text for word in MISTAKES[mistake][1]), text


def test_what_is_right_passes(said):
    assert not set(GOOD) & set(said[0])


def test_no_password_is_shown(said):
    assert PASSWORD not in said[1] + "".join(said[0].values())
