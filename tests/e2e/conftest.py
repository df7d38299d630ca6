# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running demo, as its user and its operator see it.

CHT_E2E_CONTAINER, CHT_E2E_URL and CHT_E2E_INVENTORY name another machine than the demo's.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dashboard import PATIENCE, SCREENSHOTS
from playwright.sync_api import TimeoutError, sync_playwright  # pylint: disable=redefined-builtin

ROOT = Path(__file__).resolve().parents[2]
# The collection, and how to play tasks of it.
sys.path[:0] = [str(ROOT / path) for path in ("collections", "tests/unit")]

# Reads a request from standard input, so that no password is on a command line.
CALL_COUCHDB = """
import base64, json, sys, urllib.request
call = json.load(sys.stdin)
request = urllib.request.Request(call["url"], method="PUT", data=json.dumps(call["document"]).encode())
request.add_header("Content-Type", "application/json")
request.add_header("Authorization", "Basic " + base64.b64encode(call["credentials"].encode()).decode())
print(urllib.request.urlopen(request, timeout=30).status)
"""


class Demo:
    """The machine with everything on it."""

    def __init__(self) -> None:
        self.container = os.environ.get("CHT_E2E_CONTAINER", "cht-sync-demo")
        self.url = os.environ.get("CHT_E2E_URL", "http://127.0.0.1:8088")
        self.inventory = Path(os.environ.get("CHT_E2E_INVENTORY", ROOT / "inventories" / "demo"))
        self.secrets = yaml.safe_load((self.inventory / "group_vars" / "all" / "secrets.yml").read_text(encoding="utf-8"))

    def run(self, *command: str, text: str = "") -> str:
        """Runs a command on the machine, with `text` as its input."""
        done = subprocess.run(
            ["docker", "exec", "-i", self.container, *command], input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def sql(self, query: str) -> str:
        """The answer of the warehouse, as its superuser."""
        return self.run("runuser", "-u", "postgres", "--", "psql", "-XqAtd", "cht_sync", text=query)

    def write_document(self, database: str, document: dict) -> None:
        """Writes a document to the demo's CouchDB."""
        call = {
            "url": f"http://127.0.0.1:5984/{database}/{document['_id']}",
            "document": document,
            "credentials": f"medic:{self.secrets['couchdb_demo_password']}",
        }
        assert self.run("python3", "-c", CALL_COUCHDB, text=json.dumps(call)) in ("201", "202")


@pytest.fixture(scope="session")
def demo():
    """The machine under test."""
    return Demo()


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        # It runs as root here, where its sandbox does not.
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


def log_in(window, demo) -> None:
    """As a user does, who tries again where nothing happens: on a busy machine a first click came to nothing, twice."""
    for attempt in (1, 2, 3):
        window.goto(f"{demo.url}/login/")
        window.fill("#username", "admin")
        window.fill("#password", demo.secrets["superset_admin_password"])
        window.click("[data-test=login-button]")
        try:
            window.wait_for_url(lambda url: "/login" not in url, wait_until="commit", timeout=40_000)
            return
        except TimeoutError:
            SCREENSHOTS.mkdir(exist_ok=True)
            window.screenshot(path=SCREENSHOTS / f"login-{attempt}.png")
    pytest.fail(f"three logins came to nothing: see {SCREENSHOTS}/login-*.png")


@pytest.fixture(scope="session")
def session(demo, browser):
    """What the browser remembers of a user who has logged in: logins are counted, so there is one."""
    window = browser.new_page()
    log_in(window, demo)
    yield window.context.storage_state()
    window.close()


@pytest.fixture
def page(demo, browser, session):
    """A window whose user has logged in. It tells afterwards whether anything reached another server."""
    window = browser.new_page(storage_state=session)
    window.set_default_timeout(PATIENCE)
    requests = []
    window.on("request", lambda request: requests.append(request))  # pylint: disable=unnecessary-lambda
    yield window
    # What the browser refused to send, as the server's policy says, went nowhere.
    elsewhere = {
        request.url
        for request in requests
        if not request.url.startswith((demo.url, "data:", "blob:")) and request.failure != "csp"
    }
    window.close()
    assert elsewhere == set()
