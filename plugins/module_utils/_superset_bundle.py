# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of Superset's YAML: read, checked, and packed for the import.

The import itself answers most mistakes with "unknown reason", and is not atomic; so they are found here, before
anything is sent. Reading needs no YAML library, so the action plugin's half runs anywhere.
"""

from __future__ import annotations

import copy
import io
import json
import uuid
import zipfile
from pathlib import Path

try:
    import yaml
except ImportError:
    yaml = None

VERSION = "1.0.0"
KINDS = ("databases", "datasets", "charts", "dashboards")
MASK = "XXXXXXXXXX"

# Per kind: the field that names an object for people, and all fields that must be there with their type.
REQUIRED = {
    "databases": {"database_name": str, "sqlalchemy_uri": str},
    "datasets": {"table_name": str, "database_uuid": "uuid", "columns": list, "metrics": list},
    "charts": {"slice_name": str, "viz_type": str, "dataset_uuid": "uuid", "params": dict},
    "dashboards": {"dashboard_title": str, "position": dict, "metadata": dict},
}

# What Superset takes for a field that a new object lacks. An import leaves a lacking field of an existing object as
# it is, so these are filled in before it: what somebody set by hand goes back too.
DEFAULTS = {
    "databases": {
        "allow_csv_upload": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_run_async": False,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "impersonate_user": False,
    },
    "datasets": {
        "always_filter_main_dttm": False,
        "cache_timeout": None,
        "catalog": None,
        "currency_code_column": None,
        "default_endpoint": None,
        "description": None,
        "extra": None,
        "fetch_values_predicate": None,
        "filter_select_enabled": True,
        "folders": None,
        "main_dttm_col": None,
        "normalize_columns": False,
        "offset": 0,
        "params": None,
        "schema": None,
        "sql": None,
        "template_params": None,
    },
    "charts": {
        "cache_timeout": None,
        "certification_details": None,
        "certified_by": None,
        "description": None,
        "query_context": None,
    },
    "dashboards": {
        "certification_details": None,
        "certified_by": None,
        "css": None,
        "description": None,
        "published": False,
        "slug": None,
    },
    "columns": {
        "advanced_data_type": None,
        "datetime_format": None,
        "description": None,
        "expression": None,
        "extra": None,
        "filterable": True,
        "groupby": True,
        "is_active": True,
        "is_dttm": False,
        "python_date_format": None,
        "type": None,
        "verbose_name": None,
    },
    "metrics": {
        "currency": None,
        "d3format": None,
        "description": None,
        "extra": None,
        "metric_type": None,
        "verbose_name": None,
        "warning_text": None,
    },
}


class BundleError(ValueError):
    """The bundle is not what Superset can import; the message names file and field."""


class Asset:
    """One object: its kind, uuid, the file it came from, and its parsed YAML."""

    def __init__(self, kind: str, path: str, content: dict) -> None:
        self.kind = kind
        self.path = path
        self.content = content
        self.uuid = str(content["uuid"])

    @property
    def name(self) -> str:
        return self.content[next(iter(REQUIRED[self.kind]))]


def read_directory(directory: str) -> dict[str, str]:
    """All YAML files of a bundle as {path: text}. Raises BundleError."""
    root = Path(directory)
    if not root.is_dir():
        raise BundleError(f"{directory} is not a directory")
    files = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        name = path.relative_to(root).as_posix()
        if name == "README.md" or any(part.startswith(".") for part in name.split("/")):
            continue
        try:
            files[name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise BundleError(f"{name} is not UTF-8 text: {error}") from error
    return files


def parse_bundle(files: dict[str, str]) -> list[Asset]:
    """The objects of a bundle, checked as far as that is possible without Superset. Raises BundleError."""
    assets = []
    for path, text in sorted(files.items()):
        content = _load(path, text)
        if path == "metadata.yaml":
            # The import gets one of its own; this one only tells which version the files are.
            _check_version(path, content)
            continue
        kind = path.split("/", 1)[0]
        if kind not in KINDS or "/" not in path or not path.endswith(".yaml"):
            raise BundleError(f"{path}: a bundle holds *.yaml files in {', '.join(KINDS)}, and metadata.yaml; nothing else")
        _check_fields(kind, path, content)
        assets.append(Asset(kind, path, content))
    if not any(asset.kind == "dashboards" for asset in assets):
        raise BundleError("the bundle has no file in dashboards/")
    _check_references(assets)
    return assets


def parse_export(bundle: bytes) -> list[Asset]:
    """The objects of Superset's own export."""
    assets = []
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        for name in archive.namelist():
            # The first directory is named by the time of the export.
            path = name.split("/", 1)[-1]
            kind = path.split("/", 1)[0]
            if kind in KINDS and path.endswith(".yaml"):
                assets.append(Asset(kind, path, yaml.safe_load(archive.read(name))))
    return assets


def build_zip(assets: list[Asset]) -> bytes:
    """What the import takes. The same assets give the same bytes."""
    files = {"metadata.yaml": {"version": VERSION, "type": "assets"}}
    files.update({asset.path: completed(asset) for asset in assets})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(f"bundle/{path}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return buffer.getvalue()


def completed(asset: Asset) -> dict:
    """The content with every field that Superset knows, so that an import leaves nothing as it was by chance."""
    content = copy.deepcopy(asset.content)
    for children in ("columns", "metrics"):
        if asset.kind == "datasets":
            content[children] = [{**DEFAULTS[children], **child} for child in content[children]]
    return {**DEFAULTS[asset.kind], **content}


def _load(path, text):
    try:
        content = yaml.safe_load(text)
        # Dates and the like are no JSON: Superset keeps most of this as JSON.
        json.dumps(content)
    except yaml.YAMLError as error:
        raise BundleError(f"{path} is not valid YAML: {error}") from error
    except (TypeError, ValueError) as error:
        raise BundleError(f"{path} holds a value that JSON does not have ({error}): put it in quotes") from error
    if not isinstance(content, dict):
        raise BundleError(f"{path} must hold a YAML mapping")
    return content


def _check_version(path, content):
    if content.get("version") != VERSION:
        raise BundleError(f'{path}: version must be "{VERSION}", it is {json.dumps(content.get("version"))}')


def _check_fields(kind, path, content):
    _check_version(path, content)
    for field, wanted in {"uuid": "uuid", **REQUIRED[kind]}.items():
        if field not in content:
            raise BundleError(f"{path}: {field} is missing")
        if wanted == "uuid":
            _check_uuid(path, field, content[field])
        elif not isinstance(content[field], wanted) or (wanted is str and not content[field]):
            raise BundleError(f"{path}: {field} must be a {_type_name(wanted)}, it is {json.dumps(content[field])[:60]}")
    if kind == "datasets":
        for children, name in (("columns", "column_name"), ("metrics", "metric_name")):
            _check_children(path, children, name, content[children])
    if kind == "charts" and content.get("query_context") is not None:
        try:
            json.loads(content["query_context"])
        except (TypeError, ValueError) as error:
            raise BundleError(f"{path}: query_context must be text that holds JSON: {error}") from error
    if kind == "dashboards":
        _check_position(path, content["position"])


def _check_uuid(path, field, value):
    try:
        if str(uuid.UUID(value)) == value:
            return
    except (AttributeError, TypeError, ValueError):
        pass
    raise BundleError(f"{path}: {field} must be a uuid in lower case, it is {json.dumps(value)}")


def _check_children(path, children, name, entries):
    seen = set()
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get(name), str) or not entry[name]:
            raise BundleError(f"{path}: {children}[{number}] must be a mapping with {name}")
        if entry[name] in seen:
            raise BundleError(f"{path}: {children}[{number}]: {name} {entry[name]} appears twice")
        seen.add(entry[name])
        if children == "metrics" and not entry.get("expression"):
            raise BundleError(f"{path}: {children}[{number}] ({entry[name]}): expression is missing")


def _check_position(path, position):
    ids = {}
    for key, node in position.items():
        if not isinstance(node, dict):
            continue
        for child in node.get("children") or []:
            if child not in position:
                raise BundleError(f"{path}: position.{key}.children names {child}, which position lacks")
        if node.get("type") != "CHART":
            continue
        meta = node.get("meta") or {}
        _check_uuid(path, f"position.{key}.meta.uuid", meta.get("uuid"))
        # Scopes name charts by this number; Superset replaces it by its own.
        number = meta.get("chartId")
        if not isinstance(number, int) or ids.setdefault(number, key) != key:
            raise BundleError(f"{path}: position.{key}.meta.chartId must be a number that no other chart of the dashboard has")


def _check_references(assets):
    known = {kind: {} for kind in KINDS}
    for asset in assets:
        twin = known[asset.kind].setdefault(asset.uuid, asset)
        if twin is not asset:
            raise BundleError(f"{asset.path}: uuid {asset.uuid} is also that of {twin.path}")
    databases = {asset.uuid for asset in assets if asset.kind == "databases"}
    for asset in assets:
        if asset.kind == "charts" and asset.content["dataset_uuid"] not in known["datasets"]:
            raise BundleError(f"{asset.path}: dataset_uuid {asset.content['dataset_uuid']} is in no file of datasets/")
        if asset.kind == "datasets" and databases and asset.content["database_uuid"] not in databases:
            raise BundleError(f"{asset.path}: database_uuid {asset.content['database_uuid']} is in no file of databases/")
        if asset.kind != "dashboards":
            continue
        for key, chart in charts_of(asset.content).items():
            if chart not in known["charts"]:
                raise BundleError(f"{asset.path}: position.{key}.meta.uuid {chart} is in no file of charts/")
        for number, native_filter in enumerate(asset.content["metadata"].get("native_filter_configuration") or []):
            for target in native_filter.get("targets") or []:
                dataset = target.get("datasetUuid")
                if target.get("column") and dataset not in known["datasets"]:
                    raise BundleError(
                        f"{asset.path}: metadata.native_filter_configuration[{number}].targets: datasetUuid "
                        f"{dataset} is in no file of datasets/"
                    )


def charts_of(dashboard: dict) -> dict[str, str]:
    """The charts that a dashboard shows: key of the node in position -> uuid."""
    return {
        key: node["meta"]["uuid"]
        for key, node in dashboard["position"].items()
        if isinstance(node, dict) and node.get("type") == "CHART" and node.get("meta", {}).get("uuid")
    }


def _type_name(wanted):
    return {str: "text that is not empty", list: "list", dict: "mapping"}[wanted]
