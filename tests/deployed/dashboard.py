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
# For a window before it opens a page: each canvas then knows the texts that it shows.
REMEMBER_TEXTS = """{
    const canvas = CanvasRenderingContext2D.prototype, {fillText, clearRect} = canvas;
    canvas.fillText = function (text, ...where) {
        (this.canvas.texts ??= []).push(text);
        return fillText.call(this, text, ...where);
    };
    canvas.clearRect = function (left, top, width, height) {
        if (width >= this.canvas.width && height >= this.canvas.height) this.canvas.texts = [];
        return clearRect.call(this, left, top, width, height);
    };
}"""
# ms; half of the machine is another lane's
PATIENCE = 90_000


class Dashboard:
    """One of the shipped dashboards, open in `window`."""

    def __init__(self, window, demo, name: str) -> None:
        self.window = window
        self._answers = {}
        window.on("response", self._keep)
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

    def late_programs(self) -> list[str]:
        """Scripts that were asked for after the first data, so that charts waited for them."""
        return self.window.evaluate(
            """() => {
                const all = performance.getEntriesByType("resource");
                const data = Math.min(...all.filter(entry => entry.name.includes("/api/v1/chart/data")).map(entry => entry.startTime));
                return all.filter(entry => entry.initiatorType === "script" && entry.startTime > data).map(entry => entry.name);
            }"""
        )

    def chart(self, title: str):
        return self.window.locator(f'[data-test-chart-name="{title}"]')

    def number(self, title: str) -> str:
        """What a big number shows."""
        return self.chart(title).locator(".header-line").inner_text().strip()

    def rows(self, title: str) -> list[list[str]]:
        """What a table shows on its page."""
        return [row.locator("td").all_inner_texts() for row in self.chart(title).locator("tbody tr").all()]

    def texts(self, title: str) -> list[str]:
        """What is written in a chart that is drawn, such as the labels of its axes. The window must have REMEMBER_TEXTS."""
        return self.chart(title).evaluate("chart => [...chart.querySelectorAll('canvas')].flatMap(canvas => canvas.texts ?? [])")

    def data(self, title: str) -> list[dict]:
        """What Superset last sent for a chart: rows by the names of columns and metrics."""
        answer = self._answers[self.chart(title).get_attribute("data-test-chart-id")]
        return answer.json()["result"][0]["data"]

    def file(self, title: str) -> str:
        """What Superset gives as a file for what it last sent for a chart."""
        asked = self._answers[self.chart(title).get_attribute("data-test-chart-id")].request
        answer = self.window.request.post(
            asked.url, data={**asked.post_data_json, "result_format": "csv"}, headers={"X-CSRFToken": asked.headers["x-csrftoken"]}
        )
        assert answer.ok, answer.text()
        return answer.text()

    def _keep(self, response) -> None:
        if response.url.startswith(f"{self.url.partition('/superset/')[0]}/api/v1/chart/data") and response.ok:
            # Filters ask too, and are no chart.
            self._answers[str(response.request.post_data_json["form_data"].get("slice_id"))] = response

    def screenshot(self, name: str) -> None:
        """Keeps a picture of the window, and one of the whole page."""
        # Bars grow for a moment.
        self.window.wait_for_timeout(1500)
        SCREENSHOTS.mkdir(exist_ok=True)
        self.window.screenshot(path=SCREENSHOTS / f"{name}.png")
        self.window.screenshot(path=SCREENSHOTS / f"{name}-whole.png", full_page=True)

    def filter(self, name: str):
        """A filter of the bar at the top, where all of them find room."""
        return self.window.locator(".filter-item-wrapper", has=self.window.get_by_role("heading", name=name, exact=True))

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
