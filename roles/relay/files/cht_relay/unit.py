# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A systemd unit that stands still for a while."""

from __future__ import annotations

import fcntl
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from cht_engine import stopping
from cht_engine.errors import Refused


class Unit:
    """``name`` with its suffix. ``directory``: one that only this program writes, gone
    after a restart of the machine."""

    def __init__(self, name: str, directory: str) -> None:
        self._name = name
        self._lock = Path(directory) / f"{name}.lock"
        # There while the unit is to be started again: one that was killed cannot do it.
        self._owed = Path(directory) / f"{name}.stopped"

    @property
    def left_stopped(self) -> bool:
        """Whether one that was killed has not started the unit again."""
        return self._owed.exists()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Around what must not happen beside the unit. If it ran before, or one that
        was killed had stopped it, it runs again after, however that ends.

        Raises Refused where systemd does not do it, or another one is at it.
        """
        with open(self._lock, "a", encoding="ascii") as lock:
            try:
                fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused(
                    f"another one has stopped {self._name}: wait for its end"
                ) from None
            if self._runs():
                self._owed.touch()
            try:
                self._systemctl("stop")
                yield
            finally:
                if self._owed.exists():
                    with stopping.held():
                        self._systemctl("start")
                        self._owed.unlink()

    def _runs(self) -> bool:
        state = self._systemctl("show", "--property=ActiveState", "--value")
        return state in ("active", "activating", "reloading")

    def _systemctl(self, *command: str) -> str:
        try:
            done = subprocess.run(
                ["systemctl", *command, self._name],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise Refused(f"systemctl cannot be run: {error.strerror}") from None
        said = " ".join(done.stdout.split())
        if done.returncode:
            raise Refused(f"systemctl {command[0]} {self._name} failed: {said}")
        return said
