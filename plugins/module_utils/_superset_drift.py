# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was last imported, kept in a file on the target, so that a change made by hand is told from one of the bundle."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import Asset
from ansible_collections.cht.sync.plugins.module_utils._superset_differences import (
    Change,
    Difference,
    compare,
    differences,
    is_related,
)

VERSION = 1


class RecordError(Exception):
    """The file cannot be read or written."""


class Record:
    """The meanings of a bundle's objects after its last import.

    While an import runs it holds those that are being imported too: whichever of the two Superset is found with later,
    nobody changed it by hand.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.imported: dict = {}
        self.importing: dict = {}
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise RecordError(f"record: {path} cannot be read: {error}") from error
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise RecordError(f"record: {path} is not a record of version {VERSION}: give another path")
        self.imported, self.importing = _loaded(content["imported"]), _loaded(content["importing"])

    def drift(self, live: dict, wanted: dict, assets: list[Asset]) -> list[Change]:
        """What Superset has neither from this bundle nor from its last import: somebody changed it there.

        `before` of a difference is what was imported. An object that is not in Superset is no drift.
        """
        found = []
        for change in compare(live, wanted, assets):
            if not change.differences:
                continue
            key = change.asset.key
            known = [self.imported.get(key, {}), self.importing.get(key, {})]
            changed = [differences(then, live[key]) for then in known]
            by_hand = [
                Difference(one.path, _value(known[0] or wanted[key], one.path), one.before)
                for one in change.differences
                if all(is_related(one, others) for others in changed)
            ]
            if by_hand:
                found.append(Change(change.asset, by_hand))
        return found

    def begin(self, wanted: dict) -> None:
        """To be called before an import with what it brings, so that one that is cut short is no drift."""
        self._write(self.imported, {**self.importing, **wanted})

    def finish(self, live: dict) -> None:
        """To be called after an import, with what Superset holds now. Objects that left the bundle are remembered."""
        self._write({**self.imported, **live}, {})

    def forget(self) -> None:
        """To be called when the objects are gone."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise RecordError(f"record: {self.path} cannot be removed: {error}") from error

    def _write(self, imported, importing):
        if (imported, importing) == (self.imported, self.importing) and self.path.exists():
            return
        self.imported, self.importing = imported, importing
        text = json.dumps(
            {"version": VERSION, "imported": _stored(imported), "importing": _stored(importing)}, sort_keys=True, indent=1
        )
        try:
            # A new file in the place of the old one, readable by its owner only: a cut-short run leaves a whole one.
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(name, self.path)
        except OSError as error:
            raise RecordError(f"record: {self.path} cannot be written: {error}") from error


def _value(meaning, path):
    for key in path:
        if isinstance(meaning, list):
            meaning = {member["id"]: member for member in meaning if isinstance(member, dict) and "id" in member}
        if not isinstance(meaning, dict):
            return None
        meaning = meaning.get(key)
    return meaning


def _stored(meanings):
    return {"/".join(key): meaning for key, meaning in meanings.items()}


def _loaded(meanings):
    return {tuple(key.split("/", 1)): meaning for key, meaning in meanings.items()}
