# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where on a dashboard its charts are: the tree `position`, whose nodes name one another by key."""

from __future__ import annotations

ROW_LENGTH = 3
# In columns of twelve, and in units of 8 pixels: Superset's own for a chart that was just added.
WIDTH, HEIGHT = 4, 50


def charts_of(dashboard: dict) -> dict[str, str]:
    """The charts that a dashboard shows: key of the node in position -> uuid."""
    return {
        key: node["meta"]["uuid"]
        for key, node in dashboard["position"].items()
        if isinstance(node, dict) and node.get("type") == "CHART" and node.get("meta", {}).get("uuid")
    }


def numbers_of(dashboard: dict) -> dict[str, int]:
    """The numbers by which scopes name the charts of a dashboard: uuid -> chartId."""
    position = dashboard["position"]
    return {uuid: position[key]["meta"].get("chartId") for key, uuid in charts_of(dashboard).items()}


def place(dashboard: dict, charts: list[tuple[str, str]]) -> dict:
    """The dashboard with the charts (uuid and name) in rows at its end: of its grid, or of its last tab if it has tabs.

    The same charts get the same keys each time, so that placing them anew is no change.
    """
    if not charts:
        return dashboard
    position = {key: dict(node) if isinstance(node, dict) else node for key, node in dashboard["position"].items()}
    end = position[_end_of(position)]
    number = max([0, *(number for number in numbers_of(dashboard).values() if isinstance(number, int))])
    for start in range(0, len(charts), ROW_LENGTH):
        row = f"ROW-{charts[start][0]}"
        keys = []
        for uuid, name in charts[start : start + ROW_LENGTH]:
            number += 1
            keys.append(f"CHART-{uuid}")
            meta = {"chartId": number, "uuid": uuid, "sliceName": name, "width": WIDTH, "height": HEIGHT}
            position[keys[-1]] = {"type": "CHART", "id": keys[-1], "children": [], "meta": meta}
        position[row] = {"type": "ROW", "id": row, "children": keys, "meta": {"background": "BACKGROUND_TRANSPARENT"}}
        end["children"] = [*end.get("children", []), row]
    return {**dashboard, "position": with_parents(position)}


def with_parents(position: dict) -> dict:
    """The position with `parents` of each node, the keys from the root down, worked out from `children`."""
    parents = {}
    queue = [("ROOT_ID", [])]
    for key, above in queue:
        if key in parents or not isinstance(position.get(key), dict):
            continue
        parents[key] = above
        queue += [(child, [*above, key]) for child in position[key].get("children") or []]
    return {
        key: {**node, "parents": parents[key]} if parents.get(key) else node for key, node in position.items()
    }


def without_made_up_rows(dashboard: dict) -> dict:
    """An export's dashboard with those charts placed as `place` does that Superset itself knows no place for.

    It puts them in a row of a new random name each time: somebody added them from the chart's own page.
    """
    position = dashboard["position"]
    rows = [
        key
        for key, node in position.items()
        if key.startswith("ROW-N-") and isinstance(node, dict) and (node.get("meta") or {}).get("0") == "ROOT_ID"
    ]
    keys = [key for row in rows for key in position[row].get("children") or [] if key in position]
    if not rows:
        return dashboard
    left = {key: dict(node) if isinstance(node, dict) else node for key, node in position.items() if key not in rows + keys}
    for node in left.values():
        if isinstance(node, dict) and "children" in node:
            node["children"] = [child for child in node["children"] if child not in rows]
    metas = sorted((position[key]["meta"] for key in keys), key=lambda meta: meta["uuid"])
    placed = place({**dashboard, "position": left}, [(meta["uuid"], meta.get("sliceName")) for meta in metas])
    for meta in metas:
        placed["position"][f"CHART-{meta['uuid']}"]["meta"]["chartId"] = meta["chartId"]
    return placed


def _end_of(position):
    """Key of the node that rows are added to; it is made if need be."""
    position.setdefault("DASHBOARD_VERSION_KEY", "v2")
    root = position.setdefault("ROOT_ID", {"type": "ROOT", "id": "ROOT_ID", "children": []})
    for child in root.get("children") or []:
        if position[child].get("type") == "TABS" and position[child].get("children"):
            return position[child]["children"][-1]
    if "GRID_ID" not in (root.get("children") or []):
        root["children"] = [*(root.get("children") or []), "GRID_ID"]
    position.setdefault("GRID_ID", {"type": "GRID", "id": "GRID_ID", "children": []})
    return "GRID_ID"
