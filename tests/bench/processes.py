# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What processes cost, as the kernel counts it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Seconds from start to end, seconds of CPU by program, and the most memory by program, in MB."""

    wall: float
    cpu: dict[str, float]
    peak: dict[str, float]


def cpu(pid: int) -> float:
    """Seconds a process, its children and their children have used, those that ended and were waited for included."""
    parents = _parents()
    members = {pid}
    while new := {child for child, parent in parents.items() if parent in members} - members:
        members |= new
    return sum(_own(member) for member in members)


def shared(pid: int) -> float:
    """MB of a process and its children, what they share counted once."""
    members = [pid, *(child for child, parent in _parents().items() if parent == pid)]
    return sum(_kilobytes(member, "smaps_rollup", "Pss:") for member in members) / 1024


def peak(pid: int) -> float:
    """The most memory a process ever held, in MB."""
    return _kilobytes(pid, "status", "VmHWM:") / 1024


def finished(command: list[str], environment: dict[str, str], log: Path, limit: float) -> tuple[float, float, float]:
    """Runs a program to its good end, within `limit` seconds: its seconds, its seconds of CPU, and the most memory it
    held, in MB. AssertionError where it ends otherwise.
    """
    start = time.perf_counter()
    with open(log, "wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    ended, peaks = threading.Event(), [0.0]

    def watch() -> None:  # what wait4 tells of memory counts this process's own too
        while not ended.wait(0.1):
            peaks.append(peak(process.pid))
            if time.perf_counter() - start > limit:
                process.kill()

    watcher = threading.Thread(target=watch)
    watcher.start()
    _pid, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command[0]} ended with {process.returncode}: {log.read_text(errors='replace')[-500:]}"
    return seconds, used.ru_utime + used.ru_stime, max(peaks)


def _own(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:  # it has just ended
        return 0.0
    return sum(map(int, fields[11:15])) / _TICK


def _parents() -> dict[int, int]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
    return found


def _kilobytes(pid: int, file: str, key: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8").splitlines()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)
