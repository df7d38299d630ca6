# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limit of failed logins. Superset's own setting, AUTH_RATE_LIMIT, limits a view that never sees a password."""

from __future__ import annotations

import time

from flask import Flask, Response, jsonify, request
from flask_limiter import RateLimitExceeded
from flask_login import current_user

# Wherever a password is taken: the form, by kind of authentication, and the API.
_API = "SecurityApi.login"
_VIEWS = ("AuthDBView.login", "AuthLDAPView.login", _API)


def limit_failed_logins(app: Flask) -> None:
    """Superset's FLASK_APP_MUTATOR: lets each client fail to log in CHT_LOGIN_RATE_LIMIT times, by form and API together.

    KeyError where Superset has no view that takes a password: then the limit would be none.
    """
    limiter = app.appbuilder.sm.limiter
    limit = limiter.shared_limit(
        app.config["CHT_LOGIN_RATE_LIMIT"],
        scope="login",
        methods=["POST"],
        deduct_when=_failed,
        error_message="too many failed logins from your address. Wait, then try again.",
        override_defaults=False,
    )
    views = [name for name in _VIEWS if name in app.view_functions]
    if not views:
        raise KeyError(f"none of {', '.join(_VIEWS)}")
    for name in views:
        app.view_functions[name] = limit(app.view_functions[name])

    def refuse(error: RateLimitExceeded) -> Response:
        message = f"{error.name}: {error.description}"
        answer = jsonify(message=message) if request.path.startswith("/api/") else Response(message, mimetype="text/plain")
        answer.status_code = error.code
        if breached := limiter.current_limit:
            answer.headers["Retry-After"] = str(max(1, round(breached.reset_at - time.time())))
        return answer

    app.register_error_handler(RateLimitExceeded, refuse)


def _failed(answer: Response) -> bool:
    """Whether a password was refused. The form answers by a redirect either way."""
    return answer.status_code == 401 if request.endpoint == _API else not current_user.is_authenticated
