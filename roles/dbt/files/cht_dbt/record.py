# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models stand in the warehouse as the project has them: dbt's manifest of the last refresh.

A model whose refresh failed is left out of it, so that dbt takes it for a new one in the next run.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Collection, Mapping


def fingerprint(**values: Any) -> str:
    """Of what changes models without dbt's noticing."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


class Record:
    """Kept in a directory, where dbt's --state reads it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._manifest = directory / "manifest.json"
        self._fingerprint = directory / "fingerprint"

    def holds(self, wanted: str) -> bool:
        """Whether there is a record, made with this fingerprint."""
        return self._fingerprint.exists() and self._manifest.exists() and self._fingerprint.read_text() == wanted

    def models(self) -> dict[str, Any]:
        """The recorded models, by id, as dbt's manifest has them."""
        nodes = json.loads(self._manifest.read_text())["nodes"]
        return {id_: node for id_, node in nodes.items() if node["resource_type"] == "model"}

    def forget(self, ids: Collection[str]) -> None:
        """Take models out, so that the next look finds them changed."""
        manifest = json.loads(self._manifest.read_text())
        self._write(manifest, set(manifest["nodes"]) - set(ids), self._fingerprint.read_text())

    def store(self, manifest: Mapping[str, Any], keep: Collection[str], wanted: str) -> None:
        """Record the models of a manifest whose ids are in keep."""
        nodes = {
            id_ for id_, node in manifest["nodes"].items()
            if node["resource_type"] != "model" or node["config"].get("materialized") == "ephemeral" or id_ in keep
        }  # fmt: skip
        self._write(manifest, nodes, wanted)

    def clear(self) -> None:
        """Without a record the next run refreshes everything."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write(self, manifest: Mapping[str, Any], nodes: Collection[str], wanted: str) -> None:
        # The fingerprint goes first and comes last: a record that was cut off is none.
        self.directory.mkdir(parents=True, exist_ok=True)
        self._fingerprint.unlink(missing_ok=True)
        kept = {id_: node for id_, node in manifest["nodes"].items() if id_ in nodes}
        self._manifest.write_text(json.dumps({**manifest, "nodes": kept}))
        self._fingerprint.write_text(wanted)
