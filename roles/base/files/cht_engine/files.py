# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that others read, or that a power cut may meet."""

from __future__ import annotations

import os


def write(path: str, text: str, mode: int = 0o600, suffix: str = ".new") -> None:
    """Put ``text`` into ``path``, all or nothing, safely on disk. Raises OSError.

    ``suffix``: of the file it is made in; each writer's own where there are several.
    """
    made = path + suffix
    with open(made, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(made, path)
    sync(os.path.dirname(path))


def sync(directory: str) -> None:
    """Make sure that what was renamed or removed in ``directory`` is so on disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
