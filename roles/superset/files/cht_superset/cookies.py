# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cookies behind a gateway with HTTPS."""

from __future__ import annotations

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface


class _Sessions(SecureCookieSessionInterface):
    """Cookies are for HTTPS only (SESSION_COOKIE_SECURE), but for calls that came past the gateway: those of what deploys
    dashboards, on this machine, which could not log in otherwise."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return super().get_cookie_secure(app) and "X-Forwarded-For" in request.headers


def allow_deployment(app: Flask) -> None:
    """Where sessions are not in cookies (superset_config_extra) this changes nothing."""
    if app.session_interface.__class__ is SecureCookieSessionInterface:
        app.session_interface = _Sessions()
