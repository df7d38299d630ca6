# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens of the engines: what is in them, and when another one is signed."""

import time
from types import SimpleNamespace

import jwt
import pytest
from engine_peers import SECRET, reply

from cht_engine import tokens as module
from cht_engine.errors import Refused
from cht_engine.postgrest import PostgREST
from cht_engine.tokens import Tokens


@pytest.fixture
def clock(monkeypatch):
    """Sets the engine's clock so many hours from the right time."""
    return lambda hours: monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: time.time() + hours * 3600))


@pytest.fixture
def target(postgrest):
    return PostgREST(postgrest.url, "localhost/medic", "relay", Tokens(SECRET, 1), None, 5)


def test_a_token_as_a_library_reads_it():
    token = Tokens("ü" + SECRET, 3).current()
    said = jwt.decode(token.text, "ü" + SECRET, algorithms=["HS256"], audience="cht-sync")
    assert sorted(said) == ["aud", "exp", "role"] and said["role"] == "sync_writer"
    assert 0 <= time.time() + 3 * 3600 - said["exp"] < 30
    assert jwt.get_unverified_header(token.text) == {"alg": "HS256", "typ": "JWT"}
    assert token.text not in repr(token)


@pytest.mark.parametrize("hours, same", [(0, True), (0.8, True), (0.92, False), (100, False), (-0.05, True), (-100, False)])
def test_another_one_is_signed_before_the_end_whatever_the_clock_does(clock, hours, same):
    tokens = Tokens(SECRET, 1)
    first = tokens.current()
    clock(hours)
    assert (tokens.current() is first) is same
    assert tokens.current() is tokens.current()


def test_a_call_brings_a_token_that_has_not_ended(postgrest, target, clock):
    target.claim(None)
    target.claim(None)
    clock(0.95)
    target.claim(None)
    assert len(postgrest.tokens) == 3 and len(set(postgrest.tokens)) == 2


def test_a_token_that_has_ended_for_postgrest_is_replaced_once(postgrest, clock):
    clock(-2)
    target = PostgREST(postgrest.url, "localhost/medic", "relay", Tokens(SECRET, 1), None, 5)
    with pytest.raises(Refused, match="401 PGRST301: no good token. If it stays: run site.yml.*compare the clocks"):
        target.claim(None)
    assert len(postgrest.tokens) == 2
    # As when the clock is set at that very moment.
    postgrest.fail("claim", lambda request: clock(0) or reply(401, {"code": "PGRST301", "message": "JWT expired"}))
    assert target.claim(None).lease
