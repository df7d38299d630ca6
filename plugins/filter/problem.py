# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rescued task failed with, in one line."""

from __future__ import annotations

LONGEST = 800  # characters


def problem(result: dict, task: dict) -> str:
    """What went wrong, from ansible_failed_result and ansible_failed_task. Nothing of a task whose output is hidden."""
    if task.get("no_log") or result.get("censored"):
        return f'the task "{task.get("name", "")}" failed, and its output may hold secrets: run it with -vvv where nobody looks on'
    failed = [item for item in result.get("results") or [result] if item.get("failed") or item.get("unreachable")]
    said = dict.fromkeys(" ".join(_message(item).split()) for item in failed or [result])
    text = "; ".join(filter(None, said)) or f'the task "{task.get("name", "")}" failed'
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _message(result: dict) -> str:
    """The module's message; of a command its own words."""
    message = str(result.get("msg") or "")
    own = str(result.get("stderr") or result.get("stdout") or "").strip()
    return f"{message}: {own}" if "rc" in result and own and own not in message else message


class FilterModule:
    def filters(self):
        return {"problem": problem}
