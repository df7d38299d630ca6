# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed task is summed up with."""

import pytest

from ansible_collections.cht.sync.plugins.filter.problem import LONGEST, problem

TASK = {"name": "cht.sync.dbt : Run it", "no_log": False}


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"failed": True, "msg": "the disk is\n  full"}, "the disk is full"),
        ({"failed": True, "rc": 3, "msg": "non-zero return code", "stderr": "no such model", "stdout": "noise"}, "non-zero return code: no such model"),
        ({"failed": True, "rc": 3, "msg": "non-zero return code", "stderr": "", "stdout": "said here"}, "non-zero return code: said here"),
        ({"failed": True}, 'the task "cht.sync.dbt : Run it" failed'),
        (
            {"failed": True, "msg": "One or more items failed", "results": [
                {"failed": False, "msg": "fine"}, {"failed": True, "msg": "b is not well"}, {"failed": True, "msg": "b is not well"},
                {"failed": True, "msg": "c is not well"}]},
            "b is not well; c is not well",
        ),
    ],
    ids=["message", "command", "command that writes to stdout", "silent", "loop"],
)  # fmt: skip
def test_the_message_is_one_line(result, text):
    assert problem(result, TASK) == text


@pytest.mark.parametrize(
    ("result", "task"), [({"failed": True, "msg": "secret"}, {**TASK, "no_log": True}), ({"failed": True, "censored": "hidden", "msg": "secret"}, TASK)]
)
def test_nothing_hidden_is_said(result, task):
    assert "secret" not in problem(result, task).replace("may hold secrets", "") and "Run it" in problem(result, task)


def test_a_long_message_is_cut():
    assert len(problem({"failed": True, "msg": "x" * 10_000}, TASK)) < LONGEST + 10
