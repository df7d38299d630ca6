# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ZIP files that Superset's import takes and its export gives."""

from __future__ import annotations

import copy
import io
import zipfile

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import DEFAULTS, VERSION, Asset
from ansible_collections.cht.sync.plugins.module_utils._superset_files import KINDS
from ansible_collections.cht.sync.plugins.module_utils._superset_layout import without_made_up_rows
from ansible_collections.cht.sync.plugins.module_utils._yaml import load, yaml


def parse_export(bundle: bytes) -> list[Asset]:
    """The objects of Superset's own export."""
    assets = []
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        for name in archive.namelist():
            # The first directory is named by the time of the export.
            path = name.split("/", 1)[-1]
            kind = path.split("/", 1)[0]
            if kind in KINDS and path.endswith(".yaml"):
                content = load(archive.read(name))
                assets.append(Asset(kind, path, without_made_up_rows(content) if kind == "dashboards" else content))
    return assets


def build_zip(assets: list[Asset]) -> bytes:
    """What the import takes. The same assets give the same bytes."""
    files = {"metadata.yaml": {"version": VERSION, "type": "assets"}}
    files.update(zip(paths(assets), map(completed, assets)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(f"bundle/{path}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return buffer.getvalue()


def paths(assets: list[Asset]) -> list[str]:
    """Where in the ZIP file each asset is: at its own path, beside another one of that path under its uuid."""
    taken: set[str] = set()
    found = []
    for asset in assets:
        found.append(f"{asset.kind}/{asset.uuid}.yaml" if asset.path in taken else asset.path)
        taken.add(asset.path)
    return found


def completed(asset: Asset) -> dict:
    """The content with every field that Superset knows, so that an import leaves nothing as it was by chance."""
    content = copy.deepcopy(asset.content)
    for children in ("columns", "metrics"):
        if asset.kind == "datasets":
            content[children] = [{**DEFAULTS[children], **child} for child in content[children]]
    return {**DEFAULTS[asset.kind], **content}
