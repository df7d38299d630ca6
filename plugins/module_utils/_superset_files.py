# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a bundle: read from a directory or a ZIP file, or from several that lie over one another.

Reading needs no YAML library, so it runs on the controller and on the target alike.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePosixPath

KINDS = ("databases", "datasets", "charts", "dashboards")


class BundleError(ValueError):
    """The bundle is not what Superset can import; the message names file and field."""


def read_layers(sources: list[str]) -> dict[str, list[dict]]:
    """The files of each source, as {"layers": [{"source": path, "files": {path in it: text}}]}. Raises BundleError."""
    return {"layers": [{"source": source, "files": read_source(source)} for source in sources]}


def read_source(source: str) -> dict[str, str]:
    """All YAML files of a directory, or of a ZIP file as Superset's export is one, as {path: text}. Raises BundleError."""
    root = Path(source)
    if root.is_dir():
        contents = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    elif root.is_file():
        contents = _without_root(_zipped(source, root.read_bytes()))
    else:
        raise BundleError(f"{source} is neither a directory nor a ZIP file")
    return {name: _decoded(name, content) for name, content in sorted(contents.items()) if not _is_ignored(name)}


def _zipped(source, content):
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            contents = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    except zipfile.BadZipFile as error:
        raise BundleError(f"{source} is no ZIP file: {error}") from error
    if not contents:
        raise BundleError(f"{source} is a ZIP file without files")
    return contents


def _without_root(contents):
    """An export has one directory around all, named by its time."""
    roots = {PurePosixPath(name).parts[0] for name in contents}
    if len(roots) > 1 or roots & {*KINDS, "metadata.yaml"}:
        return contents
    return {"/".join(PurePosixPath(name).parts[1:]): content for name, content in contents.items()}


def _is_ignored(name):
    return name == "README.md" or any(part.startswith(".") for part in name.split("/"))


def _decoded(name, content):
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{name} is not UTF-8 text: {error}") from error
