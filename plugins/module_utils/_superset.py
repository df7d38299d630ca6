# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Superset's HTTP API, as far as the modules need it."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Mapping

from ansible_collections.cht.sync.plugins.module_utils._requests import requests

# Superset while it starts, or a gateway in front of it: not an answer to the request.
NOT_THERE_YET = (502, 503, 504)
# A limit on requests, or on failed logins: it passes.
LIMITED = 429
TRIES = 6
# seconds
PAUSE = 2
PAUSE_LIMITED = 15
LONGEST_PAUSE = 60
# Superset gives no more at once, whatever it is asked for.
PAGE_SIZE = 100


class SupersetError(Exception):
    """What Superset refused, in its own words, or why it cannot be asked."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def connection_argument_spec() -> dict:
    """Options of the doc fragment C(cht.sync.superset)."""
    return {
        "url": {"type": "str", "required": True},
        "username": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "timeout": {"type": "int", "default": 60},
    }


class Visitor:
    """A session without an account. Every answer is either what was asked for, or a SupersetError."""

    def __init__(self, params: dict) -> None:
        self.url = params["url"].rstrip("/")
        self.timeout = params["timeout"]
        self.verify = (params["ca_path"] or True) if params["validate_certs"] else False
        self.session = self._new_session()

    def look(self, path: str) -> tuple[int, Mapping[str, str]]:
        """Status and headers of the answer, whatever it is."""
        response = self._send("GET", path)
        return response.status_code, response.headers

    def _new_session(self):
        session = requests.Session()
        # Neither a proxy nor a .netrc of the environment is meant for this server.
        session.trust_env = False
        session.verify = self.verify
        # Under HTTPS a request that changes something must name the page it comes from.
        session.headers.update({"Accept": "application/json", "Referer": self.url + "/"})
        return session

    def _token(self, username: str, password: str) -> str:
        body = {"username": username, "password": password, "provider": "db"}
        return self._json("POST", "/api/v1/security/login", json=body)["access_token"]

    def _json(self, method: str, path: str, **kwargs) -> dict:
        return self._request(method, path, expected="application/json", **kwargs).json()

    def _request(self, method: str, path: str, expected: str, **kwargs):
        response = self._send(method, path, **kwargs)
        content_type = response.headers.get("Content-Type", "")
        if response.status_code >= 400:
            raise SupersetError(
                f"Superset answered {method} {path} with {response.status_code}: {_message(response)}",
                response.status_code,
            )
        # A failed check of the session ends at the login page, which would otherwise look like success.
        if response.status_code >= 300 or not content_type.startswith(expected):
            raise SupersetError(
                f"Superset answered {method} {path} with {response.status_code} and {content_type or 'no content'} in place "
                f"of {expected}: check that {self.url} is Superset itself, not another site or a login page",
                response.status_code,
            )
        return response

    def _send(self, method: str, path: str, **kwargs):
        for attempt in range(1, TRIES + 1):
            pause = PAUSE
            try:
                response = self.session.request(
                    method, self.url + path, timeout=self.timeout, allow_redirects=False, **kwargs
                )
            except requests.exceptions.SSLError as error:
                raise SupersetError(
                    f"The certificate of {self.url} is not trusted: {error}. Give its authority as ca_path."
                ) from error
            except requests.exceptions.ConnectionError as error:
                if attempt == TRIES:
                    raise SupersetError(
                        f"Superset at {self.url} cannot be reached: {error}. Check url, and that its service runs."
                    ) from error
            except requests.exceptions.RequestException as error:
                raise SupersetError(f"Superset did not answer {method} {path}: {error}") from error
            else:
                if response.status_code not in (*NOT_THERE_YET, LIMITED) or attempt == TRIES:
                    return response
                if response.status_code == LIMITED:
                    pause = _pause(response)
            time.sleep(pause)
        raise AssertionError("unreachable")


class Superset(Visitor):
    """The same, logged in."""

    def __init__(self, params: dict) -> None:
        super().__init__(params)
        self.username = params["username"]
        self._log_in(params["password"])

    def get(self, path: str, query: dict | None = None) -> dict:
        """The JSON object at `path`; `query` becomes the parameter `q`."""
        return self._json("GET", path, params={"q": json.dumps(query)} if query else None)

    def post(self, path: str, body: dict) -> dict:
        """Posts JSON."""
        return self._json("POST", path, json=body)

    def put(self, path: str, body: dict) -> dict:
        """Puts JSON."""
        return self._json("PUT", path, json=body)

    def delete(self, path: str) -> dict:
        """Deletes what is at `path`."""
        return self._json("DELETE", path)

    def get_all(self, path: str, order_column: str) -> list[dict]:
        """All objects of a list, page by page; `order_column` must tell each from the others."""
        found: list[dict] = []
        while True:
            query = {"page": len(found) // PAGE_SIZE, "page_size": PAGE_SIZE}
            answer = self.get(path, {**query, "order_column": order_column, "order_direction": "asc"})
            found += answer["result"]
            if len(answer["result"]) < PAGE_SIZE:
                return found

    def export_assets(self) -> bytes:
        """All databases, datasets, charts and dashboards, as a ZIP file."""
        return self._request("GET", "/api/v1/assets/export/", expected="application/zip").content

    def import_assets(self, bundle: bytes, passwords: dict) -> None:
        """Creates and overwrites what the ZIP file holds; what it only refers to is found by its uuid."""
        self._json(
            "POST",
            "/api/v1/assets/import/",
            files={"bundle": ("bundle.zip", bundle, "application/zip")},
            data={"sparse": "true", "passwords": json.dumps(passwords)},
        )

    def dashboard_url(self, name: str) -> str:
        """Where people look at the dashboard of this slug or uuid."""
        return f"{self.url}/superset/dashboard/{name}/"

    @staticmethod
    def path_of(kind: str) -> str:
        """Where the objects of a kind are, one of databases, datasets, charts and dashboards."""
        return f"/api/v1/{kind[:-1]}/"

    def find(self, kind: str, value: str, field: str = "uuid") -> int | None:
        """The id of the object of this kind whose `field`, its uuid by default, is `value`."""
        return self.find_at(self.path_of(kind), field, value)

    def find_at(self, path: str, field: str, value: str) -> int | None:
        """The id of the object in this list whose `field` is `value`."""
        found = self.get(path, {"filters": [{"col": field, "opr": "eq", "value": value}]})
        return found["ids"][0] if found["ids"] else None

    def accepts(self, username: str, password: str) -> bool:
        """Whether this account can log in with this password. Raises SupersetError where a limit keeps that unknown."""
        visitor = copy.copy(self)
        # A login changes the cookie, which must not happen to the one that works here.
        visitor.session = self._new_session()
        try:
            visitor._token(username, password)
        except SupersetError as error:
            if error.status == 401:
                return False
            if error.status == LIMITED:
                raise SupersetError(
                    f"Superset limits failed logins, so whether the password of {username} is right is not known yet: run "
                    "this again when the limit's time is over",
                    LIMITED,
                ) from error
            raise
        return True

    def _log_in(self, password: str) -> None:
        try:
            token = self._token(self.username, password)
        except SupersetError as error:
            if error.status == 401:
                raise SupersetError(
                    f"Superset at {self.url} refused the password of {self.username}: correct username and password",
                    401,
                ) from error
            raise
        self.session.headers["Authorization"] = f"Bearer {token}"
        # It comes with a cookie that must go back together with it; the session keeps that one.
        self.session.headers["X-CSRFToken"] = self.get("/api/v1/security/csrf_token/")["result"]


def _pause(response) -> int:
    """Seconds to wait for a limit to pass."""
    wanted = response.headers.get("Retry-After", "")
    return min(int(wanted), LONGEST_PAUSE) if wanted.isdigit() else PAUSE_LIMITED


def _message(response) -> str:
    """The reason within an error answer: Superset has several shapes for it."""
    try:
        body = response.json()
    except ValueError:
        return response.reason or "no reason given"
    if not isinstance(body, dict):
        return str(body)
    reasons = [_reason(error) for error in body.get("errors") or []] or [body.get("message") or body.get("msg") or body]
    return "; ".join(reason if isinstance(reason, str) else json.dumps(reason) for reason in reasons)


def _reason(error):
    if not isinstance(error, dict):
        return error
    # An import names file and field here.
    details = {
        key: value
        for key, value in (error.get("extra") or {}).items()
        if key.endswith((".yaml", ".yml")) or key == "messages"
    }
    return f"{error.get('message', '')} {json.dumps(details) if details else ''}".strip()
