# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of the demo's Superset: what they see, and the modules that make them, run in this process."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / path) for path in ("collections", "tests/unit")]

from ansible.module_utils.testing import patch_module_args  # noqa: E402
from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError  # noqa: E402
from playing import play  # noqa: E402

PASSWORD = "e2e-access"  # of the accounts that Access makes


class Visitor:
    """Somebody with an account, who talks to Superset's API as the browser does."""

    def __init__(self, url: str, username: str, password: str) -> None:
        connection = {"url": url, "username": username, "password": password, "timeout": 60, "validate_certs": True, "ca_path": None}
        self.superset = Superset(connection)

    def dataset(self, table: str) -> int:
        """The id of a dataset in the marts."""
        filters = [{"col": "schema", "opr": "eq", "value": "marts"}, {"col": "table_name", "opr": "eq", "value": table}]
        return self.superset.get("/api/v1/dataset/", {"filters": filters})["ids"][0]

    def query(self, dataset_id: int, **query) -> list[dict]:
        """The rows that a chart with this query shows. Raises SupersetError."""
        body = {"datasource": {"id": dataset_id, "type": "table"}, "force": True, "queries": [query]}
        return self.superset.post("/api/v1/chart/data", body)["result"][0]["data"]

    def refused(self, call, *arguments, **named) -> int:
        """The status with which Superset refuses a call, 200 if it does not."""
        try:
            call(*arguments, **named)
        except SupersetError as error:
            return error.status
        return 200


class Modules:
    """Runs modules of the collection as the administrator. What they say must never hold one of `secrets`."""

    def __init__(self, url: str, password: str) -> None:
        self.connection = {"url": url, "username": "admin", "password": password}
        self.secrets = [password]

    def run(self, module: str, options: dict, check_mode: bool = False, **more) -> dict:
        """The module's result; `more` are further options."""
        program = importlib.import_module(f"ansible_collections.cht.sync.plugins.modules.{module}")
        output = io.StringIO()
        arguments = {**self.connection, **options, **more, "_ansible_check_mode": check_mode}
        with patch_module_args(arguments), contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
            program.main()
        assert not [secret for secret in self.secrets if secret in output.getvalue()]
        return json.loads(output.getvalue())

    def change(self, module: str, options: dict, **more) -> dict:
        """Its diff, for a run that must change something: announced by check mode, done, and nothing left to do after it."""
        announced = self.run(module, options, check_mode=True, **more)
        done = self.run(module, options, **more)
        again = self.run(module, options, **more)
        assert "failed" not in done, done["msg"]
        assert (announced["changed"], done["changed"], again["changed"]) == (True, True, False)
        assert announced["diff"] == done["diff"]
        return done["diff"]

    def refusal(self, module: str, options: dict, **more) -> str:
        """What it says of options it refuses."""
        result = self.run(module, options, **more)
        assert result.get("failed"), result
        return result["msg"]


class Access:
    """Plays the role's tasks, with accounts of all kinds. Nothing it shows may hold their password."""

    def __init__(self, demo, directory, given, prefix="e2e"):
        self.demo, self.directory, self.prefix = demo, directory, prefix
        self.users = [{"username": f"{prefix}_{role}", "roles": [role]} for role in ("programme_manager", "data_officer")]
        self.supervisors = [
            {"username": f"{prefix}_one", "areas": given[:1], "first_name": "Akinyi", "last_name": "O", "email": f"{prefix}@example.org"},
            {"username": f"{prefix}_two", "areas": given},
        ]

    def play(self, **more):
        """Its output; `more` is set for each account."""
        connection = {"url": self.demo.url, "username": "admin", "password": self.demo.secrets["superset_admin_password"]}
        variables = {
            "superset_users": [{**user, **more} for user in self.users],
            "superset_supervisors": [{**user, **more} for user in self.supervisors],
            "superset_dashboards": [],
        }
        task = {"include_role": {"name": "cht.sync.superset", "tasks_from": "access"}}
        block = {"module_defaults": {"group/cht.sync.superset": connection}, "block": [task]}
        done = play(self.directory, {"here": variables}, [block], arguments=("--diff", "-v"))
        assert done.returncode == 0, done.stdout
        assert PASSWORD not in done.stdout
        return done.stdout

    def visitor(self, name):
        """Somebody who logged in with one of the accounts."""
        return Visitor(self.demo.url, f"{self.prefix}_{name}", PASSWORD)
