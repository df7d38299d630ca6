# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Superset's settings without Superset, which takes seconds to load.

python -m cht_superset.settings: a line for each key that could be guessed.
"""

from __future__ import annotations

import os
import runpy


def read() -> dict[str, object]:
    """The settings of the file that SUPERSET_CONFIG_PATH names, the operator's own included."""
    return {name: value for name, value in runpy.run_path(os.environ["SUPERSET_CONFIG_PATH"]).items() if name.isupper()}


def guessable(settings: dict[str, object]) -> list[str]:
    """The keys that sign or encrypt and are short, missing (then Superset takes a default), or one for two purposes."""
    keys = {name: str(settings.get(name, "")) for name in ("SECRET_KEY", "GUEST_TOKEN_JWT_SECRET", "GLOBAL_ASYNC_QUERIES_JWT_SECRET")}
    return [name for name, key in keys.items() if len(key) < 32 or list(keys.values()).count(key) > 1]


if __name__ == "__main__":
    for found in guessable(read()):
        print(found)
