# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long Logstash is waited for, in minutes that a test need not wait."""

import pytest

from cht_logstash.signs import PATIENCE, START_TAKES, Signs


def lives_for(signs, minutes, used=lambda minute: None, read=lambda minute: None, also=lambda minute: None):
    """The minute after which it counts as dead; None if it does not until the last."""
    for minute in range(1, minutes + 1):
        also(minute)
        signs.looked(60.0 * minute, used(minute), read(minute))
        if signs.silent(60.0 * minute):
            return minute
    return None


def test_a_start_that_computes_slowly_is_waited_for():
    assert lives_for(Signs(0.0), 20, used=lambda minute: 6.0 * minute) is None


@pytest.mark.parametrize(
    "used",
    [lambda minute: None, lambda minute: 9.0, lambda minute: 0.3 * minute, lambda minute: 60.0 * minute],
    ids=["unknown", "waits", "idles", "in circles"],
)
def test_a_start_that_comes_to_nothing_is_not(used):
    assert lives_for(Signs(0.0), 20, used) is not None


def test_one_that_goes_round_in_circles_may_take_what_a_start_takes():
    assert lives_for(Signs(0.0), 20, used=lambda minute: 60.0 * minute) > START_TAKES / 60


def test_a_busy_one_whose_api_is_late_is_alive_while_it_reads():
    signs = Signs(0.0)
    signs.answered(0.0)
    assert lives_for(signs, 20, read=lambda minute: minute) is None


def test_a_deaf_one_that_ran_is_not_saved_by_words_or_by_the_processor():
    """A full heap: Java clears it all the time, and nothing comes of it."""
    signs = Signs(0.0)
    signs.answered(0.0)
    dead = lives_for(signs, 20, used=lambda minute: 60.0 * minute, also=lambda minute: signs.said(60.0 * minute))
    assert dead == PATIENCE // 60 + 1
