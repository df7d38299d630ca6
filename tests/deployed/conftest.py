# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of a deployed stack share. Their files run in the order of their names; each may also run alone, on machines
that were kept (`make demo`, or molecule converge)."""

import contextlib
import functools
import sys
import threading

import pytest
from dashboard import PATIENCE, REMEMBER_TEXTS, SCREENSHOTS
from playwright.sync_api import TimeoutError, sync_playwright  # pylint: disable=redefined-builtin
from stack import INVENTORY, ROOT, CouchDB, Warehouse, machine, secrets

# The collection, and how to play tasks of it.
sys.path[:0] = [str(ROOT / path) for path in ("collections", "tests/unit", "roles/superset/files")]


@pytest.fixture(scope="session")
def couchdb():
    return CouchDB()


@pytest.fixture(scope="session")
def warehouse():
    return Warehouse()


@pytest.fixture(scope="session")
def vm():
    """The machine that syncs."""
    return machine("sync")


@pytest.fixture
def writer(couchdb):
    """Writes and deletes reports all the while; the test sees which it wrote."""
    stop, ids = threading.Event(), []

    def write():
        while not stop.is_set():
            ids.append(couchdb.write())
            if len(ids) % 10 == 0:
                couchdb.delete(ids[-5])
            stop.wait(0.02)

    thread = threading.Thread(target=write)
    thread.start()
    yield ids
    stop.set()
    thread.join()


class Demo:
    """The machine with everything on it, as its user sees it."""

    url = "http://127.0.0.1:8088"
    inventory = INVENTORY

    def __init__(self, warehouse: Warehouse, couchdb: CouchDB) -> None:
        self.secrets = secrets()
        self.sql = warehouse.text
        self.write = couchdb.write


@pytest.fixture(scope="session")
def demo(warehouse, couchdb):
    return Demo(warehouse, couchdb)


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


@contextlib.contextmanager
def opened(demo, browser, session):
    """A window whose user has logged in. It tells afterwards whether anything reached another server."""
    # A user in another zone sees the operator's times, too.
    window = browser.new_page(storage_state=session, timezone_id="America/Los_Angeles")
    window.set_default_timeout(PATIENCE)
    window.add_init_script(REMEMBER_TEXTS)
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


@pytest.fixture
def page(demo, browser, session):
    with opened(demo, browser, session) as window:
        yield window


@pytest.fixture(scope="module")
def windows(demo, browser, session):
    """Opens windows for several tests of a module."""
    return functools.partial(opened, demo, browser, session)
