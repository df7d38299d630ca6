# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL's programs: this machine's, or another major version's from an image (CHT_TEST_POSTGRESQL=17)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")


def programs(directory: Path) -> Installed | Contained:
    """What runs PostgreSQL's programs as user postgres on files below `directory`, which must exist."""
    version = os.environ.get("CHT_TEST_POSTGRESQL")
    return Contained(directory, version) if version else Installed(directory)


class Installed:
    """The newest version installed here."""

    def __init__(self, directory: Path):
        self.bin = max(DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name))
        directory.chmod(0o777)

    def run(self, program: str, *arguments) -> None:
        # initdb and pg_ctl refuse to run as root.
        prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        _call([*prefix, _located(self.bin, program), *arguments])

    def close(self) -> None:
        """Nothing to end."""


class Contained:
    """Version `version` in a container that shares this machine's network and process ids; see tests/testbed/postgresql.sh."""

    def __init__(self, directory: Path, version: str):
        self.bin = DEBIAN / version / "bin"
        self.directory = directory
        directory.chmod(0o777)
        self.container = _call(
            ["docker", "run", "--detach", "--network", "host", "--pid", "host", "--volume", f"{directory}:{directory}",
             f"cht-sync-postgresql:{version}", "sleep", "infinity"]
        ).strip()  # fmt: skip

    def run(self, program: str, *arguments) -> None:
        _call(["docker", "exec", "--user", "postgres", self.container, _located(self.bin, program), *arguments])

    def close(self) -> None:
        # Else only the container's users could remove the files.
        _call(["docker", "exec", self.container, "chown", "-R", os.geteuid(), self.directory])
        _call(["docker", "rm", "--force", self.container])


def _located(directory: Path, program: str) -> str | Path:
    return program if program == "kill" else directory / program


def _call(command: list) -> str:
    done = subprocess.run(list(map(str, command)), check=False, cwd="/", stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}")
    return done.stdout
