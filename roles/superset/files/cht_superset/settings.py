# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Superset's settings without Superset, which takes seconds to load.

python -m cht_superset.settings: a line for each key that could be guessed. With "-" the settings on standard input are run instead:
it fails where Superset would, and says why.
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback


def read() -> dict[str, object]:
    """The settings of the file that SUPERSET_CONFIG_PATH names, the operator's own included."""
    return {name: value for name, value in runpy.run_path(os.environ["SUPERSET_CONFIG_PATH"]).items() if name.isupper()}


def problem(text: str) -> str:
    """What goes wrong when Superset reads these settings: line, error and what stands there. Empty for nothing."""
    try:
        exec(compile(text, "superset_config.py", "exec"), {"__name__": "superset_config"})  # pylint: disable=exec-used
    except Exception as error:  # pylint: disable=broad-except  # it is anybody's Python
        frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "superset_config.py"]
        line = error.lineno if isinstance(error, SyntaxError) else frames[-1]
        return f"line {line}: {type(error).__name__}: {getattr(error, 'msg', error)}: {text.splitlines()[line - 1].strip()}"
    return ""


def guessable(settings: dict[str, object]) -> list[str]:
    """The keys that sign or encrypt and are short, missing (then Superset takes a default), or one for two purposes."""
    keys = {name: str(settings.get(name, "")) for name in ("SECRET_KEY", "GUEST_TOKEN_JWT_SECRET", "GLOBAL_ASYNC_QUERIES_JWT_SECRET")}
    return [name for name, key in keys.items() if len(key) < 32 or list(keys.values()).count(key) > 1]


if __name__ == "__main__":
    if sys.argv[1:] == ["-"]:
        sys.exit(problem(sys.stdin.read()) or 0)
    for found in guessable(read()):
        print(found)
