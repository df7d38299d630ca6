# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the shipped dashboards are on the demo's machine, which has to be up (make demo): at several numbers of documents, each
chart alone, each dashboard in a browser, and all charts with 20 viewers at once. No cache holds any of it.

The documents are put into the demo's raw table, which cannot be taken back: make demo-down afterwards. Prints the slow charts, then
a line of ratios. CHT_BENCH_SECONDS: how long the viewers look (60).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

BENCH = Path(__file__).resolve().parent
sys.path[:0] = [str(BENCH.parent / "deployed"), str(BENCH.parents[1] / "roles/couchdb_demo/files")]

# pylint: disable=wrong-import-position
from conftest import log_in  # noqa: E402  # before access, which brings another of this name
from access import Visitor  # noqa: E402
from cht_demo import DATABASES, generate  # noqa: E402
from dashboard import CONTENT, Dashboard  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from stack import docker, group, playbook, secrets  # noqa: E402

URL = "http://127.0.0.1:8088"
NAMES = ("community_health", "chw_activity", "maternal_child_health", "data_health")
LOT = 50_000
VIEWERS = 20
SECONDS = int(os.environ.get("CHT_BENCH_SECONDS", "60"))
ROUNDS = 3
# From the third visit on, a browser has the programs of the page as it runs them.
VISITS = 2
# Notes in `drawn` when each chart was complete, in ms since the page was asked for.
LOOK = f"""
    window.drawn = new Map();
    setInterval(() => document.querySelectorAll("[data-test-chart-name]").forEach(chart => {{
        const name = chart.dataset.testChartName, complete = chart.querySelector("{CONTENT}") && !chart.querySelector(".loading");
        if (!complete) drawn.delete(name); else if (!drawn.has(name)) drawn.set(name, performance.now());
    }}), 50);
"""
FILL = """
CREATE TEMPORARY TABLE staging (doc jsonb);
COPY staging FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02');
"""
STORE = """
INSERT INTO v1.couchdb (saved_timestamp, _id, _deleted, source, doc)
SELECT s.last + row_number() OVER () * interval '1 us', doc ->> '_id', false, '{source}', doc FROM staging, v1.stamp s
ON CONFLICT (_id) DO NOTHING;
UPDATE v1.stamp SET last = (SELECT max(saved_timestamp) FROM v1.couchdb);
"""


# By the number of a chart, None for a filter, and what it asks.
Questions = dict[tuple, dict]


class Demo:
    """As log_in takes it."""

    url = URL

    def __init__(self) -> None:
        self.secrets = secrets()


def psql(script: str, text: str = "") -> str:
    """Runs it as the warehouse's superuser; `text` is what a COPY of it reads."""
    command = ["docker", "exec", "-i", group("postgresql"), "runuser", "-u", "postgres", "--", "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "cht_sync"]
    before, copy, after = script.partition("FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02');\n")
    whole = f"{before}{copy}{text}\n\\.\n{after}" if copy else script
    return subprocess.run(command, input=whole, capture_output=True, text=True, check=True).stdout.strip()


def stored() -> int:
    return int(psql("SELECT count(*) FROM v1.couchdb"))


def fill(size: int) -> None:
    """At least so many documents, as further instances of the demo's kind, and the models of them."""
    lot = stored() // LOT
    while stored() < 0.98 * size:
        instance = generate(min(LOT, size), f"bench-{lot}", date.today())
        lot += 1
        for database in DATABASES:
            documents = (document for document in instance.final(database) if not document["_id"].startswith("_design/"))
            lines = "\n".join(json.dumps(document).replace("\\u0000", "") for document in documents)
            psql(FILL + STORE.format(source=f"bench-{lot}.example.org/{database}"), lines)
    done = playbook("dbt")
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    psql("VACUUM (ANALYZE, PARALLEL 0)")  # a container has little shared memory


def forget() -> None:
    """Empties Superset's cache of results, and not its logins."""
    docker("exec", group("superset"), "sh", "-c",
           "runuser -u redis -- sh -c 'redis-cli -s /run/redis/redis-server.sock --scan --pattern superset:data:*"
           " | xargs -r redis-cli -s /run/redis/redis-server.sock del' >/dev/null")  # fmt: skip


def opened(size: int) -> tuple[dict[str, float], Questions]:
    """Seconds until all charts of a dashboard are drawn, the median of the rounds, in a browser that has been there before; and what the
    charts asked, by their numbers. The window is as high as a dashboard: in one of a screen's height the charts below it are drawn later.
    """
    took: dict[str, list[float]] = {name: [] for name in NAMES}
    asked: Questions = {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        chromium = playwright.chromium.launch_persistent_context(
            profile, executable_path="/usr/bin/chromium", args=["--no-sandbox"], viewport={"width": 1366, "height": 3000}
        )
        log_in(chromium.pages[0], Demo())
        for visit in range(VISITS + ROUNDS):
            for name in NAMES:
                forget()
                page = chromium.new_page()
                page.add_init_script(LOOK)
                page.on("request", lambda request: asked.update(_question(request)))
                dashboard = Dashboard(page, Demo(), name)
                page.goto(dashboard.url, wait_until="commit")
                page.wait_for_function("count => drawn.size >= count", arg=len(dashboard.charts), polling=100)
                if visit >= VISITS:
                    took[name].append(page.evaluate("Math.max(...drawn.values())") / 1000)
                page.close()
        chromium.close()
    print(f"{size:>10}  in a browser: " + "  ".join(f"{name} {statistics.median(seconds):.1f} s" for name, seconds in took.items()), flush=True)
    return {name: statistics.median(seconds) for name, seconds in took.items()}, asked


def _question(request) -> Questions:
    if not request.url.startswith(f"{URL}/api/v1/chart/data") or request.method != "POST":
        return {}
    body = request.post_data_json
    form = body.get("form_data", {})
    return {(form.get("slice_id"), json.dumps(body["queries"])): {**body, "force": True}}


def ask(visitor: Visitor, body: dict) -> float:
    started = time.monotonic()
    visitor.superset.post("/api/v1/chart/data", body)
    return time.monotonic() - started


def alone(visitor: Visitor, questions: Questions) -> dict[tuple, float]:
    return {title: statistics.median(ask(visitor, body) for _ in range(ROUNDS)) for title, body in questions.items()}


def viewers() -> list[Visitor]:
    """Accounts of their own, since each has a share of Superset's threads."""
    admin = Visitor(URL, "admin", secrets()["superset_admin_password"])
    roles = admin.superset.get("/api/v1/security/roles/", {"filters": [{"col": "name", "opr": "eq", "value": "programme_manager"}]})["ids"]
    for number in range(VIEWERS):
        name = f"bench_{number}"
        account = {"username": name, "first_name": name, "last_name": "x", "email": f"{name}@example.org", "active": True, "roles": roles, "password": "bench-viewer"}
        if not admin.superset.accepts(name, "bench-viewer"):
            admin.superset.post("/api/v1/security/users/", account)
    return [Visitor(URL, f"bench_{number}", "bench-viewer") for number in range(VIEWERS)]


def crowd(people: list[Visitor], questions: Questions) -> tuple[list[float], int, int]:
    """What each chart took while all look, how many failed, and the most memory of Superset, in MB."""
    end, took, failed, most, bodies = time.monotonic() + SECONDS, [], [], [0], list(questions.values())

    def look(number: int) -> None:
        turn = number * 7
        while time.monotonic() < end:
            try:
                took.append(ask(people[number], bodies[turn % len(bodies)]))
            except Exception as error:  # pylint: disable=broad-except  # each is what a user would see
                failed.append(str(error))
            turn += 1

    def weigh() -> None:
        while time.monotonic() < end:
            shown = docker("exec", group("superset"), "systemctl", "show", "--value", "-p", "MemoryCurrent", "cht-sync-superset").strip()
            most[0] = max(most[0], int(shown) // 1_000_000 if shown.isdigit() else 0)
            time.sleep(5)  # to ask costs the machine that is measured

    threading.Thread(target=weigh, daemon=True).start()
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(look, range(len(people))))
    for error in failed[:5]:
        print(f"    failed: {error[:300]}")
    return took, len(failed), most[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[25_000, 300_000, 1_000_000], help="documents")
    options = parser.parse_args()
    ratios = {}
    for size in options.sizes:
        fill(size)
        complete, questions = opened(size)
        admin = Visitor(URL, "admin", secrets()["superset_admin_password"])
        each = alone(admin, questions)
        names = {chart["id"]: chart["slice_name"] for chart in admin.superset.get("/api/v1/chart/", {"page_size": 100})["result"]}
        for (number, _what), seconds in sorted(each.items(), key=lambda item: -item[1])[:12]:
            print(f"{size:>10}  {seconds:6.2f} s  {names.get(number, 'a filter')}", flush=True)
        took, failed, most = crowd(viewers(), questions)
        p95 = statistics.quantiles(took, n=20)[-1] if len(took) > 20 else float("nan")
        print(f"{size:>10}  {VIEWERS} viewers: {len(took)} charts, p95 {p95:.2f} s, {failed} failed, Superset {most} MB", flush=True)
        ratios = {"complete_s": max(complete.values()), "slowest_s": max(each.values()), "p95_s": p95, "failed": failed, "superset_mb": most}
    print("ratio " + " ".join(f"{name}={value:.2f}" for name, value in ratios.items()))


if __name__ == "__main__":
    main()
