# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Superset's HTTP API, as far as the modules need it."""

from __future__ import annotations

import json
import time

from ansible_collections.cht.sync.plugins.module_utils._requests import requests

# Superset while it starts, or a gateway in front of it: not an answer to the request.
NOT_THERE_YET = (502, 503, 504)
TRIES = 6
PAUSE = 2


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


class Superset:
    """A logged-in session. Every answer is either what was asked for, or a SupersetError."""

    def __init__(self, params: dict) -> None:
        self.url = params["url"].rstrip("/")
        self.username = params["username"]
        self.timeout = params["timeout"]
        self.session = requests.Session()
        # Neither a proxy nor a .netrc of the environment is meant for this server.
        self.session.trust_env = False
        self.session.verify = (params["ca_path"] or True) if params["validate_certs"] else False
        # Under HTTPS a request that changes something must name the page it comes from.
        self.session.headers.update({"Accept": "application/json", "Referer": self.url + "/"})
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

    def find_database(self, field: str, value: str) -> int | None:
        """The id of the database connection whose `field` (uuid or database_name) is `value`."""
        found = self.get("/api/v1/database/", {"filters": [{"col": field, "opr": "eq", "value": value}]})
        return found["ids"][0] if found["ids"] else None

    def dashboard_url(self, name: str) -> str:
        """Where people look at the dashboard of this slug or uuid."""
        return f"{self.url}/superset/dashboard/{name}/"

    @staticmethod
    def path_of(kind: str) -> str:
        """Where the objects of a kind are, one of databases, datasets, charts and dashboards."""
        return f"/api/v1/{kind[:-1]}/"

    def find(self, kind: str, uuid: str) -> int | None:
        """The id of the object of this kind and uuid."""
        found = self.get(self.path_of(kind), {"filters": [{"col": "uuid", "opr": "eq", "value": uuid}]})
        return found["ids"][0] if found["ids"] else None

    def _log_in(self, password: str) -> None:
        try:
            answer = self.post(
                "/api/v1/security/login", {"username": self.username, "password": password, "provider": "db"}
            )
        except SupersetError as error:
            if error.status == 401:
                raise SupersetError(
                    f"Superset at {self.url} refused the password of {self.username}: correct username and password",
                    401,
                ) from error
            raise
        self.session.headers["Authorization"] = f"Bearer {answer['access_token']}"
        # It comes with a cookie that must go back together with it; the session keeps that one.
        self.session.headers["X-CSRFToken"] = self.get("/api/v1/security/csrf_token/")["result"]

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
                if response.status_code not in NOT_THERE_YET or attempt == TRIES:
                    return response
            time.sleep(PAUSE)
        raise AssertionError("unreachable")


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
