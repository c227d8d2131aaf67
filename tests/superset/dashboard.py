"""The dashboard in a real headless Chromium, and what the server answered it."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

from tests.report.chromium import Browser
from tests.superset.judge import Chosen
from tests.superset.server import Superset

PATIENCE = 120
"""Seconds that the dashboard may take to draw; a shared machine may be slow."""

SCREEN = {"width": 1400, "height": 2640, "deviceScaleFactor": 1, "mobile": False}

# Names and texts of charts that show nothing yet, or an error; with no row left, Superset says so.
NOT_DRAWN = """
[...document.querySelectorAll("[data-test=chart-grid-component]")].filter(chart =>
    !chart.querySelector("canvas, td, .header-line")
    && !chart.innerText.includes("No results were returned for this query")
    || chart.querySelector("[role=alert], [data-test=loading-indicator]")
).map(chart => chart.dataset.testChartName + ": " + chart.innerText)
"""

# What a person reads: all words, and the pictures of the charts.
SEEN = """
[
    document.querySelector("[data-test=grid-content]").innerText,
    ...[...document.querySelectorAll("canvas")].map(canvas => canvas.toDataURL()),
]
"""

SIGN_IN = """
((user, password) => {
    const type = (field, text) => {
        const {set} = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
        set.call(field, text);
        field.dispatchEvent(new Event("input", {bubbles: true}));
    };
    type(document.querySelector("input[type=text]"), user);
    type(document.querySelector("input[type=password]"), password);
    setTimeout(() => document.querySelector("button[type=submit]").click(), 200);
})(%s, %s)
"""


class Dashboard(Browser):
    """One tab; keeps what each chart asked for and was given."""

    def __init__(self, reading: int, writing: int) -> None:
        self.asked: dict[str, dict[str, Any]] = {}
        super().__init__(reading, writing)
        self.call("Emulation.setDeviceMetricsOverride", **SCREEN)

    def sign_in(self, superset: Superset) -> None:
        """Fill in the page on which a person signs in."""
        self.call("Page.navigate", url=f"{superset.address}/login/")
        self.await_that("document.querySelector('input[type=password]') !== null")
        self.run(SIGN_IN % (json.dumps("admin"), json.dumps(superset.password)))
        self.await_that("location.pathname != '/login/'")

    def show(self, superset: Superset, chosen: Chosen, time_zone: str = "") -> None:
        """Open the dashboard with its filters set, and wait until every chart is drawn."""
        self.call("Emulation.setTimezoneOverride", timezoneId=time_zone)
        self.call("Page.navigate", url="about:blank")
        self.settle()
        for kept in (self.asked, self.requests, self.complaints):
            kept.clear()
        self.call(
            "Page.navigate", url=f"{superset.address}/superset/dashboard/churn/{set_to(chosen)}"
        )
        self.await_that("document.querySelectorAll('[data-test=slice-header]').length == 12")
        self.await_that(f"{NOT_DRAWN}.length == 0")
        self.await_stillness()

    def await_that(self, condition: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.run(condition):
            assert time.monotonic() < deadline, (self.run(NOT_DRAWN), self.complaints)
            time.sleep(0.3)

    def await_stillness(self) -> None:
        """Wait until nothing has moved for two seconds: charts slide into their place."""
        deadline = time.monotonic() + PATIENCE
        seen = None
        while seen != (seen := self.run(SEEN)):
            assert time.monotonic() < deadline, "the charts never stand still"
            time.sleep(2)

    def answers(self) -> dict[int, tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
        """Return the queries of each chart and the rows it was given, by the chart's id."""
        found = {}
        for request, asked in self.asked.items():
            if (chart := asked["form_data"].get("slice_id")) is not None:
                body = self.call("Network.getResponseBody", requestId=request)["body"]
                [answer] = json.loads(body)["result"]
                assert answer["error"] is None
                found[chart] = asked["queries"], answer["data"]
        return found

    def picture(self, path: Path) -> None:
        image = self.call("Page.captureScreenshot", format="png")["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(image))

    def _keep(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Network.requestWillBeSent":
            request = event["params"]["request"]
            if "/api/v1/chart/data" in request["url"]:
                self.asked[event["params"]["requestId"]] = json.loads(request["postData"])
        super()._keep(event)


def set_to(chosen: Chosen) -> str:
    """Return the part of an address that sets the filters of the dashboard."""
    filters = [
        f"NATIVE_FILTER-{name}:(id:NATIVE_FILTER-{name},"
        f"extraFormData:(filters:!((col:{name},op:IN,val:!({value})))),filterState:(value:!({value})))"
        for name, value in (("plan", chosen.plan), ("country", chosen.country))
        if value
    ]
    if chosen.days:
        days = "'{}%20:%20{}'".format(*chosen.days)
        filters.append(
            f"NATIVE_FILTER-days:(id:NATIVE_FILTER-days,"
            f"extraFormData:(time_range:{days}),filterState:(value:{days}))"
        )
    return f"?native_filters=({','.join(filters)})" if filters else ""
