# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit of memory for one process, kept by the kernel as it keeps systemd's MemoryMax= (cgroup v2, or v1)."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from servers import wait_until


class Cgroup:
    """A group of its own that may hold `limit` bytes and no swap. AssertionError with the reason where the machine
    cannot have one.
    """

    def __init__(self, limit: int) -> None:
        version, root = _hierarchy()
        self.path = root / f"cht-sync-test-{os.getpid()}-{secrets.token_hex(4)}"
        if version == 2:
            settings = {"memory.max": limit, "memory.swap.max": 0}
        else:  # memsw: memory and swap together
            settings = {"memory.limit_in_bytes": limit, "memory.memsw.limit_in_bytes": limit}
        self._events = "memory.events" if version == 2 else "memory.oom_control"
        try:
            self.path.mkdir()
            for name, value in settings.items():
                if "sw" not in name or (self.path / name).exists():  # a kernel without swap has no limit for it
                    (self.path / name).write_text(str(value), encoding="ascii")
        except OSError as error:
            self.remove()
            raise AssertionError(f"no limit of memory can be set below {root}: {error}") from error

    @property
    def prefix(self) -> list[str]:
        """What to put before a command so that it runs in here from its first byte."""
        return ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(self.path)]

    def processes(self) -> list[int]:
        return [int(pid) for pid in (self.path / "cgroup.procs").read_text(encoding="ascii").split()]

    def kills(self) -> int:
        """How many processes the kernel has ended because the limit was reached."""
        lines = (self.path / self._events).read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    def remove(self) -> None:
        """Gone, once its processes have ended."""
        with contextlib.suppress(FileNotFoundError):
            wait_until(lambda: not self.processes(), 10, "the end of the processes in the group")
            self.path.rmdir()


def _hierarchy() -> tuple[int, Path]:
    """The version of cgroups, and the directory of theirs that can limit memory."""
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _device, mount, kind, options, *_rest = line.split()
        root = Path(mount)
        if kind == "cgroup" and "memory" in options.split(","):
            return 1, root
        if kind == "cgroup2" and "memory" in (root / "cgroup.controllers").read_text(encoding="ascii").split():
            try:
                (root / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
            except OSError as error:
                raise AssertionError(f"{root} does not hand on its control of memory: {error}; root of a whole machine can") from error
            return 2, root
    raise AssertionError("/proc/mounts names no cgroup hierarchy with control of memory")
