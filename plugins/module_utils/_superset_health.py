# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Superset serves what people rely on. Reads only, and returns no row of data."""

from __future__ import annotations

from ansible_collections.cht.sync.plugins.module_utils._superset import Superset, SupersetError, Visitor
from ansible_collections.cht.sync.plugins.module_utils._superset_accounts import find_role
from ansible_collections.cht.sync.plugins.module_utils._superset_permissions import held_by

DASHBOARD = "/api/v1/dashboard/"


def examine(params: dict) -> dict:
    """The module's result; `params` are the options of the module superset_health_info.

    What cannot be asked for the lack of something before it has its value of the start. Raises SupersetError for an answer
    that says nothing about what was asked.
    """
    found: dict = {
        "health": {"status": None, "reason": ""},
        "anonymous": {"status": None},
        "content_security_policy": "",
        "login": {"status": None, "reason": ""},
        "public_permissions": [],
        "dashboards": [],
        "datasets": [],
    }
    try:
        visitor = Visitor(params)
        found["health"]["status"], _headers = visitor.look("/health")
    except SupersetError as error:
        found["health"]["reason"] = str(error)
    if found["health"]["status"] != 200:
        return found
    found["anonymous"]["status"], _headers = visitor.look(DASHBOARD)
    _status, headers = visitor.look("/login/")
    found["content_security_policy"] = headers.get("Content-Security-Policy", "")
    try:
        superset = Superset(params)
    except SupersetError as error:
        found["login"] = {"status": error.status, "reason": str(error)}
        return found
    found["login"]["status"] = 200
    found["public_permissions"] = _held_by_public(superset)
    found["dashboards"], datasets = _dashboards(superset, params["dashboards"])
    found["datasets"] = [{**dataset, **_try(superset, dataset["id"], metrics)} for dataset, metrics in datasets]
    return found


def _held_by_public(superset):
    role_id = find_role(superset, "Public")
    return [] if role_id is None else sorted(held_by(superset, role_id))


def _dashboards(superset, uuids):
    """The dashboards, and each dataset that any of them reads once, with its metrics."""
    dashboards, datasets = [], {}
    for uuid in uuids:
        found, listed, reason = True, [], ""
        try:
            listed = superset.get(f"{DASHBOARD}{uuid}/datasets")["result"]
        except SupersetError as error:
            found, reason = False, "" if error.status == 404 else str(error)
        dashboards.append({"uuid": uuid, "found": found, "has_charts": bool(listed), "reason": reason})
        for one in listed:
            metrics = [metric["metric_name"] for metric in one["metrics"]]
            dataset = {"id": one["id"], "name": one["table_name"], "dashboards": []}
            datasets.setdefault(one["id"], (dataset, metrics))[0]["dashboards"].append(uuid)
    return dashboards, list(datasets.values())


def _try(superset, dataset_id, metrics):
    """Whether all that a chart can show of the dataset comes from the database, not the cache."""
    body = {
        "datasource": {"id": dataset_id, "type": "table"},
        "queries": [{"metrics": metrics, "row_limit": 1}],
        "force": True,
    }
    try:
        superset.post("/api/v1/chart/data", body)
    except SupersetError as error:
        # Further lines of PostgreSQL's may quote a row.
        return {"answers": False, "reason": str(error).splitlines()[0]}
    return {"answers": True, "reason": ""}
