# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a Superset object is its meaning, and what an accident of the server it lies on.

Both sides of a comparison go through `normal`: the bundle, and what Superset exports. Equal meaning gives equal
results, whatever numbers the server gave the objects and whichever defaults its export spells out.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import DEFAULTS, MASK, Asset
from ansible_collections.cht.sync.plugins.module_utils._superset_references import with_charts_named

# Recomputed by Superset from the ids of charts and datasets, or from their data.
CHART_ACCIDENTS = ("datasource", "slice_id", "dashboards", "url_params", "dashboardId")
DASHBOARD_ACCIDENTS = ("color_scheme_domain", "map_label_colors", "shared_label_colors", "show_native_filters")
FILTER_ACCIDENTS = ("chartsInScope", "tabsInScope")
# Not part of the import, or the same for all.
NO_MEANING = ("uuid", "version", "tags", "theme_uuid", "is_managed_externally", "external_url")
SECRETS = ("password", "encrypted_extra", "masked_encrypted_extra")
SECRETS_OF_TUNNELS = ("password", "private_key", "private_key_password")
NOTHING = (None, "", [], {})
WHOLE_DASHBOARD = {"scope": {"rootPath": ["ROOT_ID"], "excluded": []}}


def normal(asset: Asset) -> dict:
    """The meaning of one object."""
    return pruned(without_defaults(asset.kind, cleaned(asset)))


def cleaned(asset: Asset) -> dict:
    """The content without what is an accident of the server, and with charts named by uuid in place of numbers."""
    return _NORMALIZERS[asset.kind](without(asset.content, NO_MEANING))


def meanings(assets: list[Asset], named: list[Asset]) -> dict[tuple[str, str], dict]:
    """What those of the objects mean that `named` names, by their keys."""
    keys = {asset.key for asset in named}
    return {asset.key: normal(asset) for asset in assets if asset.key in keys}


def _database(content):
    content = {key: value for key, value in content.items() if key not in SECRETS + ("configuration_method",)}
    if "allow_file_upload" in content:
        content["allow_csv_upload"] = content.pop("allow_file_upload")
    content["ssh_tunnel"] = without(content.get("ssh_tunnel"), SECRETS_OF_TUNNELS)
    content["sqlalchemy_uri"] = masked(content["sqlalchemy_uri"])
    content["extra"] = _parsed(content.get("extra"))
    return content


def _dataset(content):
    content = {key: value for key, value in content.items() if key not in ("data", "source_db_engine")}
    for key in ("extra", "params", "template_params"):
        content[key] = _parsed(content.get(key))
    for children, name in (("columns", "column_name"), ("metrics", "metric_name")):
        # In any order: Superset keeps none.
        content[children] = {
            child[name]: without_defaults(children, {**child, "extra": _parsed(child.get("extra"))})
            for child in content.get(children) or []
        }
    return content


def _chart(content):
    content = dict(content)
    content["params"] = _form(_parsed(content.get("params")) or {})
    context = _parsed(content.get("query_context"))
    if isinstance(context, dict):
        # form_data repeats params.
        context = {key: value for key, value in context.items() if key not in CHART_ACCIDENTS + ("form_data",)}
        context["queries"] = [
            {key: value for key, value in query.items() if key not in CHART_ACCIDENTS}
            for query in context.get("queries") or []
        ]
    content["query_context"] = context
    return content


def _form(params):
    params = without(params, CHART_ACCIDENTS)
    if not params.get("matrixify_enable"):
        # The browser spells out all settings of what is switched off.
        params = {key: value for key, value in params.items() if not key.startswith("matrixify_")}
    # An import keeps no other kind: they refer to objects by number.
    params["annotation_layers"] = [
        layer for layer in params.get("annotation_layers") or [] if layer.get("annotationType") == "FORMULA"
    ]
    return params


def _dashboard(content):
    content = dict(content)
    position = {}
    uuids = {}
    for key, node in (content.get("position") or {}).items():
        if isinstance(node, dict) and isinstance(node.get("meta"), dict):
            meta = dict(node["meta"])
            if "chartId" in meta:
                uuids[meta.pop("chartId")] = meta.get("uuid")
            node = {**node, "meta": meta}
        # The browser works the parents out from the children.
        position[key] = without(node, ("parents",))
    content["position"] = position
    content["metadata"] = with_charts_named(
        _metadata(content.get("metadata") or {}), lambda chart: uuids.get(chart, chart)
    )
    return content


def _metadata(metadata):
    metadata = without_defaults("metadata", without(metadata, DASHBOARD_ACCIDENTS))
    if metadata.get("default_filters") in ("{}", ""):
        del metadata["default_filters"]
    metadata["native_filter_configuration"] = [
        without(entry, FILTER_ACCIDENTS) for entry in metadata.get("native_filter_configuration") or []
    ]
    everywhere = without(metadata.get("global_chart_configuration"), FILTER_ACCIDENTS)
    metadata["global_chart_configuration"] = None if everywhere == WHOLE_DASHBOARD else everywhere
    metadata["chart_configuration"] = {
        key: _chart_configuration(entry) for key, entry in (metadata.get("chart_configuration") or {}).items()
    }
    return metadata


def _chart_configuration(entry):
    entry = without(entry, ("id",))
    if isinstance(entry, dict) and isinstance(entry.get("crossFilters"), dict):
        filters = without(entry["crossFilters"], FILTER_ACCIDENTS)
        # Superset writes this for every chart as soon as somebody saves the dashboard.
        entry["crossFilters"] = None if filters == {"scope": "global"} else filters
    return entry


_NORMALIZERS = {"databases": _database, "datasets": _dataset, "charts": _chart, "dashboards": _dashboard}


def masked(uri: str) -> str:
    """A connection's address with its password, if any, as Superset shows it."""
    scheme, separator, rest = uri.partition("://")
    credentials, at, host = rest.rpartition("@")
    user, colon, _password = credentials.partition(":")
    return f"{scheme}{separator}{user}{colon}{MASK if colon else ''}{at}{host}"


def without_defaults(kind: str, content: dict) -> dict:
    """The content of an object, or of a part of one, without the fields that have the value Superset gives them anyway."""
    defaults = DEFAULTS[kind]
    return {key: value for key, value in content.items() if key not in defaults or value != defaults[key]}


def pruned(value: Any) -> Any:
    """`value` without members that hold nothing: an export spells out what a bundle leaves out."""
    if isinstance(value, dict):
        members = {key: pruned(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member not in NOTHING}
    if isinstance(value, list):
        return [pruned(member) for member in value]
    return value


def without(value: Any, keys: tuple) -> Any:
    """A mapping without these keys; anything else as it is."""
    return {key: member for key, member in value.items() if key not in keys} if isinstance(value, dict) else value


def _parsed(value):
    if not isinstance(value, str) or not value.strip():
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
