# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings what Superset holds into a directory of bundles on the controller, one directory for each dashboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import yaml

from ansible_collections.cht.sync.plugins.module_utils._superset_export import dumped, merged
from ansible_collections.cht.sync.plugins.module_utils._superset_layout import charts_of


class DirectoryError(ValueError):
    """The directory holds something that cannot be brought together with an export."""


class Change(NamedTuple):
    """A file with the text it has and the one it should have; None where there is none."""

    path: Path
    before: str | None
    after: str | None

    def apply(self) -> None:
        """Writes or removes the file."""
        if self.after is None:
            self.path.unlink()
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.after, encoding="utf-8")


class _File(NamedTuple):
    path: Path
    text: str
    content: dict


def plan(dashboards: list[dict], dest: str, dest_datasets: str | None) -> list[Change]:
    """What is to be done to the files below `dest`, and those of datasets below `dest_datasets` if that is given.

    `dashboards` is what the module returns. Raises DirectoryError.
    """
    changes = []
    datasets = {}
    for dashboard in dashboards:
        objects = {kind: [found["content"] for found in dashboard["objects"] if found["kind"] == kind] for kind in KINDS}
        directory = _directory_of(Path(dest), dashboard)
        changes += _changes(directory, "dashboards", objects["dashboards"], dashboard["slug"] or dashboard["title"])
        changes += _changes(directory, "charts", objects["charts"])
        changes += _removals(directory, {content["uuid"] for content in objects["charts"]}, dashboard["uuid"])
        datasets.update({content["uuid"]: content for content in objects["datasets"]})
    if dest_datasets:
        changes += _changes(Path(dest_datasets), "datasets", list(datasets.values()))
    return changes


KINDS = {"dashboards": "dashboard_title", "charts": "slice_name", "datasets": "table_name"}


def file_name(text: str) -> str:
    """A name for a file, made of an object's title."""
    return re.sub(r"\W+", "_", text.lower()).strip("_") or "unnamed"


def _directory_of(dest, dashboard):
    """That of the dashboard's file, whatever it is called; else one that is named like it."""
    for directory in sorted(path for path in dest.glob("*") if path.is_dir()):
        if dashboard["uuid"] in _files(directory, "dashboards"):
            return directory
    directory = dest / file_name(dashboard["slug"] or dashboard["title"])
    others = _files(directory, "dashboards")
    if others:
        raise DirectoryError(f"{directory} holds another dashboard than {dashboard['uuid']}: {', '.join(others)}")
    return directory


def _files(directory, kind):
    """The files of a kind, by the uuid of their object."""
    found = {}
    for path in sorted((directory / kind).rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise DirectoryError(f"{path} is not valid YAML: {error}") from error
        if not isinstance(content, dict) or not isinstance(content.get("uuid"), str):
            raise DirectoryError(f"{path}: uuid is missing")
        if content["uuid"] in found:
            raise DirectoryError(f"{path}: uuid {content['uuid']} is also that of {found[content['uuid']].path}")
        found[content["uuid"]] = _File(path, text, content)
    return found


def _changes(directory, kind, contents, name=None):
    files = _files(directory, kind)
    taken = {file.path for file in files.values()}
    changes = []
    for content in contents:
        file = files.get(content["uuid"])
        if file is None:
            path = directory / kind / f"{file_name(name or content[KINDS[kind]])}.yaml"
            if path in taken:
                path = path.with_stem(f"{path.stem}_{content['uuid'][:8]}")
            taken.add(path)
            changes.append(Change(path, None, "---\n" + dumped(content)))
            continue
        after = merged(kind, file.content, content)
        # As it was written by hand, unless it means something else now.
        if after != file.content:
            changes.append(Change(file.path, file.text, _head(file.text) + dumped(after)))
    return changes


def _removals(directory, charts, dashboard):
    """Files of charts that left the dashboard, and that no other one of the directory shows."""
    shown = set(charts)
    for uuid, file in _files(directory, "dashboards").items():
        if uuid != dashboard:
            shown |= set(charts_of(file.content).values())
    return [
        Change(file.path, file.text, None) for uuid, file in _files(directory, "charts").items() if uuid not in shown
    ]


def _head(text):
    """The comments at the beginning, and the mark of the document's start."""
    head = []
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.startswith(("#", "---")):
            break
        head.append(line)
    return "".join(head)
