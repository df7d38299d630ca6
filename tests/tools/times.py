#!/usr/bin/env python3
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what took longest in the last `make test`: tasks, plays and tests, from what Ansible and pytest measured.

usage: times.py [DIRECTORY]   (.cache/times, one directory a target, with the JUnit files of both)
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
MOST = 20
# As ansible.builtin.junit names a task: [machine] play: task
TASK = re.compile(r"\[(?P<machine>[^]]*)] (?P<play>.*?): (?P<task>.*)", re.DOTALL)


def main() -> int:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".cache/times"
    reports = sorted(directory.glob("*/*.xml"))
    if not reports:
        print(f"{directory} holds no times: run make test first", file=sys.stderr)
        return 1
    tasks, plays, tests = [], defaultdict(float), []
    for report in reports:
        target, playbook = report.parent.name, re.sub(r"-[\d.]+$", "", report.stem)
        for case in ElementTree.parse(report).iter("testcase"):
            seconds, name = float(case.get("time", 0)), case.get("name")
            task = TASK.fullmatch(name) if playbook != "pytest" else None
            if task is None:
                tests.append((seconds, f"{target}: {case.get('classname')}.{name}"))
                continue
            # Without its arguments, which stand behind its name.
            name = re.split(r" \w+=", task["task"])[0]
            tasks.append((seconds, f"{target}: {playbook}: {name} [{task['machine']}]"))
            plays[f"{target}: {playbook}: {task['play']} [{task['machine']}]", report] += seconds
    show("tasks", tasks)
    show("plays", [(seconds, name) for (name, _report), seconds in plays.items()])
    show("tests", tests)
    return 0


def show(kind: str, rows: list[tuple[float, str]]) -> None:
    print(f"\nThe slowest of {len(rows)} {kind}, {sum(seconds for seconds, _name in rows):.0f} s in all")
    for seconds, name in sorted(rows, reverse=True)[:MOST]:
        print(f"{seconds:8.1f} s  {name}")


if __name__ == "__main__":
    sys.exit(main())
