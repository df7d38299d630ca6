# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release: directory trees that are deployed together, under a name made of their content."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from pathlib import Path

_IGNORED = ("__pycache__", ".egg-info", ".pyc", ".git/")  # what Python and git leave in a tree


def read_trees(directories: list[str]) -> dict[str, str]:
    """The files of the directories, by "<directory's name>/<path in it>", as base64.

    Raises ValueError for a directory that is not there or holds no file, and for two of one name.
    """
    files: dict[str, str] = {}
    for directory in directories:
        root = Path(directory)
        found = {f"{root.name}/{name}": content for name, content in _contents(root).items()}
        if not found:
            raise ValueError(f"{directory} is no directory with files in it")
        if any(name.startswith(f"{root.name}/") for name in files):
            raise ValueError(f"two directories are called {root.name}")
        files.update(found)
    return {name: base64.b64encode(content).decode() for name, content in files.items()}


def decoded(files: dict[str, str]) -> dict[str, bytes]:
    """The contents of what `read_trees` read."""
    return {name: base64.b64decode(content) for name, content in files.items()}


def digest(files: dict[str, bytes]) -> str:
    """12 hexadecimal digits that stand for names and contents."""
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()[:12]


class Releases:
    """The releases below `root` on this machine: `releases/<digest>`, and `current`, a link to the one in use."""

    def __init__(self, root: str) -> None:
        self.root = Path(root)
        self.link = self.root / "current"

    def path(self, files: dict[str, bytes]) -> Path:
        return self.root / "releases" / digest(files)

    def current(self) -> dict[str, bytes]:
        """Contents of the release in use; none where there is none."""
        return _contents(self.link)

    def is_deployed(self, files: dict[str, bytes]) -> bool:
        """Whether it is in use and as it was written."""
        return self.link.is_symlink() and self.link.resolve() == self.path(files).resolve() and self.current() == files

    def deploy(self, files: dict[str, bytes]) -> None:
        """Writes the release and makes it current; whoever looks meanwhile sees the old one or the new one, whole. (One that
        was changed by hand is away for a moment while it is put right.)

        Raises OSError.
        """
        os.umask(0o022)  # services read it that run as others
        path = self.path(files)
        if _contents(path) != files:
            written = path.with_name(f".{path.name}.new")
            old = path.with_name(f".{path.name}.old")
            for left in (written, old):
                _remove(left)
            for name, content in files.items():
                _write(written / name, content)
            if path.exists():  # somebody changed it
                path.rename(old)
            written.rename(path)
            _remove(old)
            os.sync()  # a power cut must not leave a link to files without content
        made = self.root / ".current.new"
        made.unlink(missing_ok=True)
        made.symlink_to(path)
        made.replace(self.link)


def difference(old: dict[str, bytes], new: dict[str, bytes]) -> list[dict[str, str]]:
    """What differs, as Ansible's --diff shows it: of a first release the names, else each file's text."""
    if not old:
        return [{"before": "", "after": "".join(f"{name}\n" for name in sorted(new)), "before_header": "no release", "after_header": "files"}]
    return [
        {"before_header": name, "after_header": name, "before": _text(old.get(name)), "after": _text(new.get(name))}
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _contents(root: Path) -> dict[str, bytes]:
    if not root.is_dir():
        return {}
    paths = (path for path in root.rglob("*") if path.is_file())
    names = ((path, str(path.relative_to(root))) for path in paths)
    return {name: path.read_bytes() for path, name in sorted(names) if not any(mark in name for mark in _IGNORED)}


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _text(content: bytes | None) -> str:
    return "" if content is None else content.decode(errors="replace")
