# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that belong together: compared, checked, and put in place as one set."""

from __future__ import annotations

import fnmatch
import os
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from typing import Any


class Refused(Exception):
    """The program that reads a file refuses the new one."""


@dataclass(frozen=True)
class File:
    """A file as it has to be."""

    path: str
    content: bytes
    is_secret: bool
    validate: str | None

    @classmethod
    def of(cls, options: dict[str, Any]) -> File:
        """From the module's options of a file."""
        is_secret = options["secret"] is not None
        text = options["secret"] if is_secret else options["content"]
        return cls(options["path"], text.encode(), is_secret, options["validate"])

    def present(self) -> bytes | None:
        """What is there; None for nothing."""
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def difference(self, before: bytes | None) -> dict[str, str]:
        """As Ansible's --diff shows it; of a secret only that it is another."""
        if self.is_secret:
            return {"prepared": f"{self.path}: {'a secret' if before is None else 'another secret'}\n"}
        texts = {"before": _text(before), "after": _text(self.content)}
        return {"before_header": self.path if before is not None else f"{self.path} (absent)", "after_header": self.path, **texts}

    def written_into(self, directory: str) -> str:
        """Writes it into a new file of this directory, which nobody else reads, and returns that one's path."""
        handle, path = tempfile.mkstemp(prefix=f".{os.path.basename(self.path)}.", suffix=".new", dir=directory)
        with os.fdopen(handle, "wb") as file:
            file.write(self.content)
            file.flush()
            os.fsync(file.fileno())
        return path


def validated(file: File, path: str, run) -> None:
    """Lets the program that reads the file say whether it takes what lies at `path`.

    `run` is AnsibleModule.run_command. Raises Refused.
    """
    if file.validate is None:
        return
    # As a list, so that no part of it is expanded; the name may be part of a word.
    command = [word.replace("%s", path) for word in shlex.split(file.validate)]
    if not can_validate(file):
        raise Refused(f"{file.path} was left as it is: {command[0]}, which checks the new one, is not there")
    status, output, errors = run(command)
    if status != 0:
        said = (errors.strip() or output.strip()).replace(path, file.path)
        raise Refused(f"{file.path} was left as it is: the new one is refused by {command[0]} (exit status {status}): {said}")


def can_validate(file: File) -> bool:
    """Whether the program is there; in check mode it may be yet to be installed."""
    return file.validate is not None and shutil.which(shlex.split(file.validate)[0]) is not None


def left_over(directory: str, patterns: list[str], files: list[str]) -> list[str]:
    """Files of the directory that match a pattern and are not among `files`."""
    try:
        names = sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
    matching = (name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns))
    paths = (os.path.join(directory, name) for name in matching)
    return [path for path in paths if path not in files and not os.path.isdir(path)]


def _text(content: bytes | None) -> str:
    return "" if content is None else content.decode(errors="replace")
