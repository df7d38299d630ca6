# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Superset holds, in the form of a bundle's files: as people would write them, so that a change makes a clean diff."""

from __future__ import annotations

from typing import Any

from ansible_collections.cht.sync.plugins.module_utils._superset_bundle import DEFAULTS, VERSION, Asset
from ansible_collections.cht.sync.plugins.module_utils._superset_layout import charts_of, numbers_of, with_parents
from ansible_collections.cht.sync.plugins.module_utils._superset_normal import cleaned, pruned, without, without_defaults
from ansible_collections.cht.sync.plugins.module_utils._superset_references import with_charts_named
from ansible_collections.cht.sync.plugins.module_utils._yaml import yaml

# As wide as the text of a file gets before it is folded, in characters.
WIDTH = 120
# What tells the members of a list of mappings from one another.
NAMES = ("id", "column_name", "metric_name")
# What the browser works out where it is not there; a file that does without goes on so.
DERIVED = ("parents",)


def written(asset: Asset) -> dict:
    """The content of an object's file. The charts of a dashboard have numbers from 1, in the order of their uuids."""
    content = _something(without_defaults(asset.kind, cleaned(asset)))
    if asset.kind == "datasets":
        for children in ("columns", "metrics"):
            members = content.get(children, {})
            content[children] = [_something(members[name]) for name in sorted(members)]
    if asset.kind == "charts":
        # The browser makes it from params.
        content.pop("query_context", None)
        content["params"] = _something(content.get("params", {}))
    if asset.kind == "dashboards":
        uuids = sorted(set(charts_of(asset.content).values()))
        tree = {"position": content.pop("position", {}), "metadata": content.pop("metadata", {})}
        tree = _numbered(tree, {uuid: number for number, uuid in enumerate(uuids, 1)})
        return {**content, "uuid": asset.uuid, "version": VERSION, **tree}
    return {**content, "uuid": asset.uuid, "version": VERSION}


def merged(kind: str, old: dict, new: dict) -> dict:
    """`new` as a change of `old`, the content of the object's file.

    Keys and members keep their places and charts their numbers; what means the same stays as it was written.
    """
    if kind == "dashboards":
        numbers = {uuid: number for uuid, number in numbers_of(old).items() if isinstance(number, int)}
        for uuid in sorted(set(charts_of(new).values()) - numbers.keys()):
            numbers[uuid] = max([0, *numbers.values()]) + 1
        uuids = {number: uuid for uuid, number in numbers_of(new).items()}
        metadata = with_charts_named(new["metadata"], lambda chart: uuids.get(chart, chart))
        new = _numbered({**new, "metadata": metadata}, numbers)
    result = _merged(old, new, DEFAULTS[kind])
    # It stays with a chart that is as it was, and would be wrong for another.
    return old if result == without(old, ("query_context",)) else result


def dumped(content: dict) -> str:
    """The content as YAML. Our own files look like this."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def _numbered(dashboard, numbers):
    position = {}
    for key, node in dashboard["position"].items():
        if isinstance(node, dict) and node.get("type") == "CHART" and node.get("meta", {}).get("uuid") in numbers:
            node = {**node, "meta": {**node["meta"], "chartId": numbers[node["meta"]["uuid"]]}}
        position[key] = node
    metadata = with_charts_named(dashboard["metadata"], lambda chart: numbers.get(chart, chart))
    metadata["chart_configuration"] = {
        number: {"id": int(number), **_something(without(entry, ("id",)))}
        for number, entry in metadata.get("chart_configuration", {}).items()
        if number.isdigit() and pruned(without(entry, ("id",)))
    }
    return {**dashboard, "position": with_parents(position), "metadata": _something(metadata)}


def _merged(old: Any, new: Any, defaults: dict):
    if isinstance(old, dict) and isinstance(new, dict):
        result = {}
        for key, value in old.items():
            if key in new:
                result[key] = _merged(value, new[key], DEFAULTS.get(key, {}))
            elif not _is_something(value) or (key in defaults and value == defaults[key]):
                result[key] = value
        result.update(
            {key: value for key, value in new.items() if key not in (*old, *DERIVED) and _is_something(value)}
        )
        return result
    name = _name_of_members(old, new)
    if name:
        known = {member[name]: member for member in old}
        coming = {member[name]: member for member in new}
        # Of filters the order counts, of columns and metrics it does not.
        names = coming if name == "id" else [*(key for key in known if key in coming), *(coming.keys() - known.keys())]
        return [_merged(known.get(key, {}), coming[key], defaults) for key in names]
    return old if pruned(old) == pruned(new) else new


def _name_of_members(old, new):
    if not isinstance(old, list) or not isinstance(new, list) or not old or not new:
        return None
    for name in NAMES:
        if all(isinstance(member, dict) and name in member for member in old + new):
            return name
    return None


def _something(content):
    return {key: value for key, value in content.items() if _is_something(value)}


def _is_something(value):
    return pruned(value) not in (None, "", [], {})


if yaml:

    class _Dumper(yaml.SafeDumper):
        """Indents the members of lists, writes text of several lines as such, and nothing by reference."""

        def increase_indent(self, flow=False, indentless=False):
            return super().increase_indent(flow, False)

        def ignore_aliases(self, data):
            return True

    _Dumper.add_representer(
        str,
        lambda dumper, text: dumper.represent_scalar(
            "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
        ),
    )
