# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the browser shows of a time such as "Last year"."""

from __future__ import annotations

from functools import partial

from flask import Flask
from superset.views import api


def name_the_days(app: Flask) -> None:
    """The days that the browser names are those that the charts ask for. Superset 6.1 names them without regard to its settings."""
    api.get_since_until = partial(
        api.get_since_until,
        relative_start=app.config["DEFAULT_RELATIVE_START_TIME"],
        relative_end=app.config["DEFAULT_RELATIVE_END_TIME"],
    )
