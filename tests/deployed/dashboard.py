# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard in a browser's window, as its viewer sees it and uses it."""

from __future__ import annotations

import time
from pathlib import Path

import yaml
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "roles" / "superset" / "files"
SCREENSHOTS = ROOT / "screenshots"
# What a chart of each kind shows once it has its data.
CONTENT = "canvas, table tbody tr, .header-line"
# ms; half of the machine is another lane's
PATIENCE = 90_000


class Dashboard:
    """One of the shipped dashboards, open in `window`."""

    def __init__(self, window, demo, name: str) -> None:
        self.window = window
        self.url = f"{demo.url}/superset/dashboard/{name.replace('_', '-')}/"
        directory = FILES / "dashboards" / name
        self.charts = sorted(yaml.safe_load(path.read_text())["slice_name"] for path in directory.glob("charts/*.yaml"))

    def open(self) -> None:
        """Opens it, and returns once each chart of the bundle shows something."""
        self.window.goto(self.url)
        self.wait()

    def wait(self) -> None:
        """Returns once each chart of the bundle shows something, and nothing is still loading."""
        # Superset makes charts only when they come near the window, unless it takes the browser for a robot.
        deadline = time.monotonic() + PATIENCE / 1000
        while True:
            self.window.locator("[data-test-chart-name]").first.wait_for(timeout=PATIENCE)
            for row in self.window.locator(".grid-row").all():
                row.scroll_into_view_if_needed()
            missing = self.missing()
            if not missing:
                break
            assert time.monotonic() < deadline, f"{self.url}: nothing in {missing}; {self.errors()}"
            self.window.wait_for_timeout(200)
        self.window.evaluate("window.scrollTo(0, 0)")

    def missing(self) -> list[str]:
        """Charts of the bundle that show nothing, or are still loading."""
        shown = self.window.evaluate(
            """content => Object.fromEntries([...document.querySelectorAll("[data-test-chart-name]")].map(
                chart => [chart.dataset.testChartName, !!chart.querySelector(content) && !chart.querySelector(".loading")]))""",
            CONTENT,
        )
        return [title for title in self.charts if not shown.get(title)]

    def errors(self) -> list[str]:
        """What the charts complain of."""
        return [alert.inner_text() for alert in self.window.locator("[role=alert], .ant-empty").all() if alert.is_visible()]

    def chart(self, title: str):
        return self.window.locator(f'[data-test-chart-name="{title}"]')

    def number(self, title: str) -> str:
        """What a big number shows."""
        return self.chart(title).locator(".header-line").inner_text().strip()

    def rows(self, title: str) -> list[list[str]]:
        """What a table shows on its page."""
        return [row.locator("td").all_inner_texts() for row in self.chart(title).locator("tbody tr").all()]

    def screenshot(self, name: str) -> None:
        """Keeps a picture of the window, and one of the whole page."""
        # Bars grow for a moment.
        self.window.wait_for_timeout(1500)
        SCREENSHOTS.mkdir(exist_ok=True)
        self.window.screenshot(path=SCREENSHOTS / f"{name}.png")
        self.window.screenshot(path=SCREENSHOTS / f"{name}-whole.png", full_page=True)

    def filter(self, name: str):
        """A filter of the bar at the top; one that found no room there is in a menu."""
        found = self.window.locator(".filter-item-wrapper, .ant-popover", has=self.window.get_by_role("heading", name=name, exact=True)).last
        more = self.window.locator("[data-test=dropdown-container-btn]")
        found.or_(more).first.wait_for()
        if not found.is_visible():
            more.click()
        found.wait_for()
        return found

    def choices(self, name: str) -> list[str]:
        """What a filter offers."""
        options = self._offer(name)
        texts = [option.get_attribute("title") for option in options.all()]
        self.window.keyboard.press("Escape")
        return [text for text in texts if text]

    def choose(self, name: str, value: str) -> None:
        """Chooses a value; it applies with `apply`."""
        self._offer(name)
        self.window.keyboard.type(value)
        self.window.locator(f'.ant-select-dropdown:visible .ant-select-item-option[title="{value}"]').click()
        self.window.keyboard.press("Escape")

    def choose_time(self, kind: str, choice: str) -> None:
        """Chooses a range of a kind, such as `Current month` of the kind `Current`; it applies with `apply`."""
        self.filter("Time").locator("[data-test=time-range-trigger]").click()
        self.window.locator('[data-test="Range type"]:visible').click()
        self.window.locator(f'.ant-select-dropdown:visible .ant-select-item-option[title="{kind}"]').click()
        self.window.locator(f'input[type=radio][value="{choice}"]').check()
        self.window.locator("[data-test=date-filter-control__apply-button]").click()

    def apply(self) -> None:
        """Applies what was chosen, and returns once nothing is loading. A number may still be of before."""
        self.window.locator("[data-test=filter-bar]").get_by_role("button", name="Apply", exact=True).click()
        expect(self.window.locator("[data-test-chart-name] .loading")).to_have_count(0, timeout=PATIENCE)

    def _offer(self, name):
        self.filter(name).locator("input[role=combobox]").click()
        options = self.window.locator(".ant-select-dropdown:visible .ant-select-item-option")
        options.first.wait_for()
        return options
