# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import jwt as pyjwt
import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.cht.sync.plugins.filter.jwt import jwt

SECRET = "0123456789" * 4


def test_the_same_input_gives_the_same_token():
    token = jwt({"role": "sync_writer"}, SECRET)
    assert token == jwt({"role": "sync_writer"}, SECRET)
    assert pyjwt.decode(token, SECRET, algorithms=["HS256"]) == {"role": "sync_writer"}


def test_a_short_secret_is_refused():
    with pytest.raises(AnsibleFilterError, match="32 characters"):
        jwt({}, "short")
