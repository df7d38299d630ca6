# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins end: after so many hours, with a logout, and with a changed password, for browsers and for the API's tokens.

What a browser has is a random name; what it stands for is in Redis, and a logout deletes it. (Superset's own sessions are in the
cookie itself, so one that was copied works until the key is changed.)
"""

from __future__ import annotations

import hmac
import time
from datetime import timedelta

import jwt
from flask import Flask, current_app, request, session
from flask_jwt_extended import JWTManager
from flask_login import current_user, logout_user, user_logged_in
from flask_session.base import ServerSideSession
from flask_session.redis import RedisSessionInterface
from redis import Redis, RedisError

_LOGIN = "cht_login"  # in a session: when it began, and with which password
_CLAIM = "cht_password"  # in a token
# Nobody has logged in: what a login form needs. Redis gives up first what ends soonest, so no crowd of these ends a login.
_ANONYMOUS = timedelta(minutes=30)


class _Sessions(RedisSessionInterface):
    """Cookies are for HTTPS only (SESSION_COOKIE_SECURE), but for calls that came past the gateway: those of what deploys
    dashboards, on this machine, which could not log in otherwise."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return super().get_cookie_secure(app) and "X-Forwarded-For" in request.headers

    def whose(self, cookie: str, authorization: str) -> str:
        """The account of a session or, without one, of a token that is ours: as Superset sees it. Empty for nobody."""
        try:
            stored = self._retrieve_session_data(self._get_store_id(cookie)) if cookie else None
            if account := (stored or {}).get("_user_id"):
                return str(account)
            token = authorization.removeprefix("Bearer ")
            return str(jwt.decode(token, self.app.config["SECRET_KEY"], algorithms=["HS256"])["sub"]) if token else ""
        except (jwt.InvalidTokenError, KeyError, RedisError):
            return ""

    def _upsert_session(self, session_lifetime: timedelta, session: ServerSideSession, store_id: str) -> None:  # pylint: disable=redefined-outer-name
        lifetime = session_lifetime if _LOGIN in session else min(session_lifetime, _ANONYMOUS)
        super()._upsert_session(lifetime, session, store_id)


def _password(user) -> str:
    """What changes with the password, and does not show it."""
    stored = getattr(user, "password", None) or ""
    return hmac.new(current_app.config["SECRET_KEY"].encode(), stored.encode(), "sha256").hexdigest()[:16]


def end_logins(app: Flask) -> None:
    """Superset's FLASK_APP_MUTATOR: keeps sessions in CHT_SESSION_REDIS, a URL, for PERMANENT_SESSION_LIFETIME.

    Gives the application whose(cookie, authorization), which names the account of a request before it is answered.
    """
    sessions = _Sessions(app, Redis.from_url(app.config["CHT_SESSION_REDIS"]), key_prefix="superset:session:", permanent=True)
    app.session_interface = sessions
    app.whose = sessions.whose

    @user_logged_in.connect_via(app)
    def begin(_app, user) -> None:
        # Somebody who knew the name of the session before does not share what follows.
        sessions.regenerate(session)
        session[_LOGIN] = {"at": int(time.time()), "password": _password(user)}

    @app.before_request
    def check() -> None:
        if request.path.startswith("/static/") or request.path == "/health" or "_user_id" not in session:
            return
        login = session.get(_LOGIN, {"at": 0})
        over = time.time() - login["at"] > app.permanent_session_lifetime.total_seconds()
        if over or (current_user.is_authenticated and login["password"] != _password(current_user)):
            logout_user()
            session.clear()

    tokens: JWTManager = app.appbuilder.sm.jwt_manager

    @tokens.additional_claims_loader
    def claims(identity) -> dict:
        user = app.appbuilder.sm.load_user(identity)
        return {_CLAIM: _password(user)} if user else {}

    @tokens.token_in_blocklist_loader
    def ended(_header, payload) -> bool:
        user = app.appbuilder.sm.load_user(payload["sub"])
        return user is None or payload.get(_CLAIM) != _password(user)
