# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of dbt, all in this process, so that dbt starts and reads the project once; and not before it is called."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from cht_dbt.outcomes import Outcome

# The journal gets this program's own lines.
_SILENT = ["--log-level", "none", "--no-print", "--no-use-colors"]
_SUCCESS = ("success", "no-op")


class DbtError(Exception):
    """dbt could not do what it was asked for: its message."""


class Dbt:
    """The project, read once it is asked what is in it. Each method raises DbtError where it cannot be read."""

    def __init__(self, variables: Mapping[str, Any], target: Path) -> None:
        """variables: as --vars takes them. target: where dbt writes its artifacts."""
        self._variables = variables
        self._target = target
        self._environment: Mapping[str, str] = {}
        self._manifest: Any = None

    def elsewhere(self, name: str, environment: Mapping[str, str]) -> Dbt:
        """The same project, with other environment variables, and artifacts in a directory of this name."""
        other = Dbt(self._variables, self._target / name)
        other._environment = environment
        return other

    def read(self) -> None:
        """Raises DbtError unless dbt can read it."""
        assert self.manifest

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """dbt's manifest, as it writes it."""
        self._manifest = self._call("parse", [])
        return json.loads((self._target / "manifest.json").read_text())

    @property
    def children(self) -> Mapping[str, Sequence[str]]:
        """By a node's id those of the nodes that read it."""
        return self.manifest["child_map"]

    def models(self) -> dict[str, Any]:
        """By id, as the manifest has them."""
        return {id_: node for id_, node in self.manifest["nodes"].items() if node["resource_type"] == "model"}

    def selector(self, id_: str) -> str:
        """Selects one node, and no other."""
        return "fqn:" + ".".join(self.manifest["nodes"][id_]["fqn"])

    def changed(self, select: Sequence[str], exclude: Sequence[str], state: Path) -> set[str]:
        """Ids of the models that a selection with state:modified has."""
        options = ["--resource-type", "model", "--output", "json", "--output-keys", "unique_id", "--state", str(state)]
        lines = self._call("ls", [*options, *_chosen(select, exclude)]) or []
        return {json.loads(line)["unique_id"] for line in lines}

    def run(self, select: Sequence[str] = (), exclude: Sequence[str] = (), full_refresh: bool = False) -> list[Outcome]:
        """Run models; a model that fails is an outcome. Raises DbtError where dbt itself fails."""
        # Its artifacts are for other tools, and take a second to write.
        options = ["--no-write-json", *(["--full-refresh"] if full_refresh else [])]
        answer = self._call("run", [*options, *_chosen(select, exclude)])
        return [_outcome(result) for result in answer.results]

    def _call(self, verb: str, arguments: Sequence[str]) -> Any:
        from dbt.cli.main import dbtRunner  # pylint: disable=import-outside-toplevel

        # A copy, since dbt writes into what it is given.
        manifest = self._manifest.deepcopy() if self._manifest else None
        with environment_of({**self._environment, "DBT_TARGET_PATH": str(self._target)}):
            answer = dbtRunner(manifest).invoke([verb, *_SILENT, "--vars", json.dumps(self._variables), *arguments])
        if answer.exception is not None:
            raise DbtError(str(answer.exception)) from answer.exception
        return answer.result


@contextmanager
def environment_of(values: Mapping[str, str]) -> Iterator[None]:
    """With these variables in the process's environment."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def install_packages() -> None:
    """What packages.yml lists. Raises DbtError."""
    from dbt.cli.main import dbtRunner  # pylint: disable=import-outside-toplevel

    answer = dbtRunner().invoke(["deps", *_SILENT])
    if not answer.success:
        raise DbtError(str(answer.exception or "dbt deps failed"))


def _chosen(select: Sequence[str], exclude: Sequence[str]) -> list[str]:
    return [*(["--select", *select] if select else []), *(["--exclude", *exclude] if exclude else [])]


def _outcome(result: Any) -> Outcome:
    status = str(result.status)
    return Outcome(
        id=result.node.unique_id,
        name=result.node.name,
        status="success" if status in _SUCCESS else "skipped" if status == "skipped" else "error",
        message=result.message or "",
        seconds=round(result.execution_time, 2),
        rows=(result.adapter_response or {}).get("rows_affected"),
    )
