# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models stand in the warehouse as the project has them: dbt's manifest of the last refresh.

A model whose refresh failed is left out of it, so that dbt takes it for a new one in the next run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Collection, Mapping


def fingerprint(**values: Any) -> str:
    """Of what changes models without dbt's noticing."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def content(directory: Path) -> str:
    """Digest of all files below a directory, also below links."""
    total = hashlib.sha256()
    for parent, directories, files in os.walk(directory, followlinks=True):
        directories.sort()
        for file in sorted(files):
            path = Path(parent, file)
            total.update(f"{path.relative_to(directory)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


class Record:
    """Kept in a directory, where dbt's --state reads it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._manifest = directory / "manifest.json"
        self._fingerprint = directory / "fingerprint"
        self._complete = directory / "complete"

    def holds(self, wanted: str) -> bool:
        """Whether there is a record, made with this fingerprint."""
        return self._fingerprint.exists() and self._manifest.exists() and self._fingerprint.read_text() == wanted

    def is_complete(self, project: str) -> bool:
        """Whether nothing of this project is left to refresh."""
        return self._complete.exists() and self._complete.read_text() == project

    def complete(self, project: str) -> None:
        """Keep in mind that nothing of this project is left to refresh."""
        self._complete.write_text(project)

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
        if self.directory.exists():
            shutil.rmtree(self.directory)

    def _write(self, manifest: Mapping[str, Any], nodes: Collection[str], wanted: str) -> None:
        # The fingerprint goes first and comes last: a record that was cut off is none.
        self.directory.mkdir(parents=True, exist_ok=True)
        self._fingerprint.unlink(missing_ok=True)
        self._complete.unlink(missing_ok=True)
        kept = {id_: node for id_, node in manifest["nodes"].items() if id_ in nodes}
        self._manifest.write_text(json.dumps({**manifest, "nodes": kept}))
        self._fingerprint.write_text(wanted)
