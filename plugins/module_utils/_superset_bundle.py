# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that the files of a bundle hold, checked as far as that is possible without Superset.

The import itself answers most mistakes with "unknown reason", and is not atomic; so they are found here, before
anything is sent.
"""

from __future__ import annotations

import json
import uuid

from ansible_collections.cht.sync.plugins.module_utils._superset_files import KINDS, BundleError
from ansible_collections.cht.sync.plugins.module_utils._superset_layout import charts_of, numbers_of, place
from ansible_collections.cht.sync.plugins.module_utils._yaml import load, yaml

VERSION = "1.0.0"
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
    # Of dashboards: Superset spells them out when somebody saves one.
    "metadata": {"cross_filters_enabled": True, "refresh_frequency": 0},
}


class Asset:
    """One object: its kind, uuid, the file it came from, and its parsed YAML.

    `path` is the file's within its bundle; `file` names it for people; `layer` is the number of the bundle's directory.
    """

    def __init__(self, kind: str, path: str, content: dict, file: str | None = None, layer: int = 0) -> None:
        self.kind = kind
        self.path = path
        self.file = file or path
        self.layer = layer
        self.content = content
        self.uuid = str(content["uuid"])

    @property
    def key(self) -> tuple[str, str]:
        """What Superset knows it by."""
        return self.kind, self.uuid

    @property
    def name(self) -> str:
        return self.content[next(iter(REQUIRED[self.kind]))]


def parse_bundle(layers: list[dict]) -> list[Asset]:
    """The objects of the layers that `read_layers` read: those of later ones win. Raises BundleError."""
    found: dict[tuple[str, str], Asset] = {}
    for number, layer in enumerate(layers):
        prefix = f"{layer['source']}/" if len(layers) > 1 else ""
        assets = _parse_layer(number, prefix, layer["files"])
        if not assets:
            raise BundleError(f"{layer['source']} holds no *.yaml file in {', '.join(KINDS)}")
        found.update({asset.key: asset for asset in assets})
    merged = _placed(list(found.values()))
    _check_references(merged)
    return merged


def _parse_layer(number, prefix, files):
    assets = {}
    for path, text in sorted(files.items()):
        file = prefix + path
        content = _load(file, text)
        if path == "metadata.yaml":
            # The import gets one of its own; this one only tells which version the files are.
            _check_version(file, content)
            continue
        kind = path.split("/", 1)[0]
        if kind not in KINDS or "/" not in path or not path.endswith(".yaml"):
            raise BundleError(f"{file}: a bundle holds *.yaml files in {', '.join(KINDS)}, and metadata.yaml; nothing else")
        _check_fields(kind, file, content)
        asset = Asset(kind, path, content, file, number)
        twin = assets.setdefault(asset.key, asset)
        if twin is not asset:
            raise BundleError(f"{file}: uuid {asset.uuid} is also that of {twin.file}")
    return list(assets.values())


def _placed(assets):
    """With each chart that no position names at the end of the dashboard, or left out where that file is of a later layer.

    Where there are several dashboards it is not known on which one, so such a chart is on none.
    """
    dashboards = [asset for asset in assets if asset.kind == "dashboards"]
    if len(dashboards) != 1:
        return assets
    dashboard = dashboards[0]
    shown = charts_of(dashboard.content).values()
    stray = [asset for asset in assets if asset.kind == "charts" and asset.uuid not in shown]
    left_out = [chart for chart in stray if chart.layer < dashboard.layer]
    dashboard.content = place(dashboard.content, [(chart.uuid, chart.name) for chart in stray if chart not in left_out])
    return [asset for asset in assets if asset not in left_out]


def _load(path, text):
    try:
        # Superset keeps most of this as JSON, whose keys are text, and which has no dates.
        content = json.loads(json.dumps(load(text)))
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
        _check_charts_named(path, content)
        _check_filters(path, content["metadata"].get("native_filter_configuration") or [])


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
        if not isinstance(node.get("type"), str):
            raise BundleError(f"{path}: position.{key}.type is missing")
        for child in node.get("children") or []:
            if child not in position:
                raise BundleError(f"{path}: position.{key}.children names {child}, which position lacks")
        if node.get("type") != "CHART":
            continue
        meta = node.get("meta") or {}
        _check_uuid(path, f"position.{key}.meta.uuid", meta.get("uuid"))
        # Scopes name charts by this number; Superset replaces it by its own.
        number = meta.get("chartId")
        if not isinstance(number, int) or ids.setdefault(number, meta["uuid"]) != meta["uuid"]:
            raise BundleError(f"{path}: position.{key}.meta.chartId must be a number that no other chart of the dashboard has")


def _check_charts_named(path, content):
    """Superset looks these numbers up, and fails on one that no chart has."""
    numbers = {str(number) for number in numbers_of(content).values()}
    for field in ("expanded_slices", "timed_refresh_immune_slices"):
        for number in content["metadata"].get(field) or []:
            if str(number) not in numbers:
                raise BundleError(f"{path}: metadata.{field} names {number}, which is no chart's chartId in position")


def _check_filters(path, native_filters):
    for number, native_filter in enumerate(native_filters):
        for target in native_filter.get("targets") or []:
            if target.get("column"):
                field = f"metadata.native_filter_configuration[{number}].targets: datasetUuid"
                _check_uuid(path, field, target.get("datasetUuid"))


def _check_references(assets):
    known = {kind: {asset.uuid for asset in assets if asset.kind == kind} for kind in KINDS}
    if known["charts"] and not known["dashboards"]:
        raise BundleError("the bundle has charts, and no file in dashboards/ to show them on")
    for asset in assets:
        if asset.kind == "dashboards":
            for key, chart in charts_of(asset.content).items():
                if chart not in known["charts"]:
                    raise BundleError(f"{asset.file}: position.{key}.meta.uuid {chart} is in no file of charts/")


def datasets_of(asset: Asset) -> dict[str, str]:
    """The datasets that a chart or the filters of a dashboard read: field that names one -> uuid."""
    if asset.kind == "charts":
        # A chart in Superset may have lost its dataset.
        return {"dataset_uuid": uuid} if (uuid := asset.content.get("dataset_uuid")) else {}
    if asset.kind != "dashboards":
        return {}
    return {
        f"metadata.native_filter_configuration[{number}].targets[{place_of_target}].datasetUuid": target["datasetUuid"]
        for number, native_filter in enumerate(asset.content.get("metadata", {}).get("native_filter_configuration") or [])
        for place_of_target, target in enumerate(native_filter.get("targets") or [])
        if target.get("datasetUuid")
    }


def _type_name(wanted):
    return {str: "text that is not empty", list: "list", dict: "mapping"}[wanted]
