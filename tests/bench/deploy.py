# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long site.yml takes on a machine that is finished: the demo's, which has to be up.

CHT_BENCH_ROUNDS: how often it is run (3 by default). Prints what took longest, then one line of ratios.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("CHT_BENCH_ROUNDS", "3"))
MOST = 15


def run() -> tuple[float, int, list[tuple[float, str]]]:
    """Seconds, results of tasks (skipped ones too), and what each task took."""
    environment = {**os.environ, "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks", "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all", "ANSIBLE_NOCOLOR": "1"}
    started = time.monotonic()
    done = subprocess.run(
        ["ansible-playbook", "-i", "inventories/demo", "playbooks/site.yml"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - started
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-3000:]}\nsite.yml failed: is the demo up (make demo)?")
    recap, slow = done.stdout.split("PLAY RECAP")[1].split("TASKS RECAP")
    if set(re.findall(r"changed=(\d+)", recap)) != {"0"}:
        sys.exit(f"{recap}\nsite.yml changed something: this is no finished machine, run it again")
    machine = next(line for line in recap.splitlines() if line.startswith("cht-sync-demo "))
    results = sum(int(re.search(rf"{kind}=(\d+)", machine).group(1)) for kind in ("ok", "skipped"))
    return seconds, results, [(float(took), name) for name, took in re.findall(r"^(.+?) -+ +([\d.]+)s$", slow, re.MULTILINE)]


def main() -> None:
    rounds = [run() for _ in range(ROUNDS)]
    for took, name in sorted(rounds[-1][2], reverse=True)[:MOST]:
        print(f"{took:7.2f} s  {name}")
    seconds = [round(took, 1) for took, _results, _tasks in rounds]
    print(f"rounds: {seconds} s")
    print(f"ratio tasks={rounds[-1][1]} second_run_s={statistics.median(seconds):.1f}")


if __name__ == "__main__":
    main()
