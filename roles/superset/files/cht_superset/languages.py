# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address that changes the language."""

from __future__ import annotations

from flask import Flask, abort


def refuse_unknown(app: Flask) -> None:
    """A language that Superset does not speak is not found. Superset 6.1 itself calls that an error of the server."""
    (name,) = [name for name in app.view_functions if name.endswith(".patch_flask_locale")]
    change = app.view_functions[name]

    def checked(locale: str):
        if locale not in app.appbuilder.bm.languages:
            abort(404)
        return change(locale=locale)

    app.view_functions[name] = checked
