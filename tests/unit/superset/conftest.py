# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle small enough to see through, what Superset makes of it in its export, and a server that answers like Superset."""

import copy
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from ansible_collections.cht.sync.plugins.module_utils import _superset

JSON = "application/json"

DATABASE = "00000000-0000-4000-8000-000000000001"
DATASET = "00000000-0000-4000-8000-000000000002"
CHART = "00000000-0000-4000-8000-000000000003"
DASHBOARD = "00000000-0000-4000-8000-000000000004"

CONTENTS = {
    "datasets/reports.yaml": {
        "table_name": "rpt_data_record",
        "schema": "marts",
        "uuid": DATASET,
        "database_uuid": DATABASE,
        "version": "1.0.0",
        "metrics": [{"metric_name": "reports", "expression": "COUNT(*)"}],
        "columns": [{"column_name": "form", "type": "TEXT"}, {"column_name": "day", "type": "DATE", "is_dttm": True}],
    },
    "charts/reports.yaml": {
        "slice_name": "Reports",
        "viz_type": "big_number_total",
        "params": {"metric": "reports"},
        "query_context": '{"queries": [{"metrics": ["reports"]}]}',
        "uuid": CHART,
        "dataset_uuid": DATASET,
        "version": "1.0.0",
    },
    "dashboards/reports.yaml": {
        "dashboard_title": "Reports",
        "slug": "reports",
        "published": True,
        "uuid": DASHBOARD,
        "version": "1.0.0",
        "position": {
            "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["CHART-a"]},
            "CHART-a": {"type": "CHART", "id": "CHART-a", "children": [], "meta": {"chartId": 7, "uuid": CHART}},
        },
        "metadata": {
            "native_filter_configuration": [
                {
                    "id": "NATIVE_FILTER-form",
                    "scope": {"rootPath": ["ROOT_ID"], "excluded": [7]},
                    "targets": [{"column": {"name": "form"}, "datasetUuid": DATASET}],
                }
            ]
        },
    },
}


class Bundle:
    """The files, to be spoilt at will."""

    def __init__(self):
        self.contents = copy.deepcopy(CONTENTS)

    @property
    def dataset(self):
        return self.contents["datasets/reports.yaml"]

    @property
    def chart(self):
        return self.contents["charts/reports.yaml"]

    @property
    def dashboard(self):
        return self.contents["dashboards/reports.yaml"]

    def files(self):
        return {path: yaml.safe_dump(content) for path, content in self.contents.items()}


@pytest.fixture
def bundle():
    return Bundle()


@pytest.fixture
def exported():
    """The same objects, as another server with other numbers and its own habits exports them."""
    other = Bundle()
    other.dataset.update(
        {
            "columns": [
                {"column_name": "day", "type": "DATE", "is_dttm": True, "is_active": True, "groupby": True, "extra": {}},
                {"column_name": "form", "type": "TEXT", "filterable": True, "verbose_name": None, "expression": ""},
            ],
            "extra": '{}',
            "offset": 0,
            "filter_select_enabled": True,
            "cache_timeout": None,
            "template_params": "",
        }
    )
    other.chart.update(
        {
            "params": {
                "metric": "reports",
                "datasource": "12__table",
                "slice_id": 99,
                "matrixify_mode_rows": "disabled",
                "matrixify_topn_value_rows": 10,
                "dashboards": [5],
                "annotation_layers": [{"annotationType": "EVENT", "value": 3}],
            },
            "query_context": '{"datasource": {"id": 12}, "form_data": {"slice_id": 99}, '
            '"queries": [{"url_params": {}, "metrics": ["reports"]}]}',
            "cache_timeout": None,
            "certified_by": "",
        }
    )
    other.dashboard["position"]["CHART-a"]["meta"]["chartId"] = 99
    other.dashboard["metadata"] = {
        "native_filter_configuration": [
            {
                "id": "NATIVE_FILTER-form",
                "scope": {"rootPath": ["ROOT_ID"], "excluded": [99]},
                "chartsInScope": [99],
                "tabsInScope": [],
                "targets": [{"column": {"name": "form"}, "datasetUuid": DATASET}],
            }
        ],
        "default_filters": "{}",
        "cross_filters_enabled": True,
        "refresh_frequency": 0,
        "color_scheme_domain": ["#fff"],
        "shared_label_colors": [],
        "map_label_colors": {"a": "b"},
        "chart_configuration": {"99": {"id": 99, "crossFilters": {"scope": "global", "chartsInScope": [1]}}},
        "global_chart_configuration": {
            "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
            "chartsInScope": [99],
        },
    }
    other.dashboard.update({"css": "", "description": None, "theme_uuid": None})
    return other


def connection(url):
    """Options of the connection to it."""
    return {"url": url + "/", "username": "admin", "password": "hunter2", "timeout": 5, "validate_certs": True, "ca_path": None}


@pytest.fixture
def server(monkeypatch):
    """Answers with what `answers` holds for a path, one after the other; the last one stays."""
    for pause in ("PAUSE", "PAUSE_LIMITED", "LONGEST_PAUSE"):
        monkeypatch.setattr(_superset, pause, 0)

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            server.seen.append((self.command, self.path, dict(self.headers)))
            queue = server.answers[self.path.split("?")[0]]
            status, kind, body, *headers = queue.pop(0) if len(queue) > 1 else queue[0]
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = do_PUT = answer

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.bodies = [], []
    server.answers = {
        "/api/v1/security/login": [(200, JSON, '{"access_token": "t"}')],
        "/api/v1/security/csrf_token/": [(200, JSON, '{"result": "c"}', ("Set-Cookie", "session=s; Path=/"))],
    }
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
