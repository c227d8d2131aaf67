"""The dashboard as a person sees it: every chart drawn, with the numbers of the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import pytest

from tests.conftest import ROOT
from tests.report.chromium import started
from tests.superset import judge
from tests.superset.dashboard import SEEN, Dashboard
from tests.superset.judge import EVERYTHING, Chosen
from tests.superset.server import Superset, read_bundle

pytestmark = pytest.mark.superset

PICTURE = ROOT / "target/superset.png"

FILTERED = [
    EVERYTHING,
    Chosen(plan="free"),
    Chosen(plan="paid", country="US"),
    Chosen(country="IN", days=(date(2025, 1, 1), date(2025, 3, 12))),
]


@pytest.fixture(scope="module")
def dashboard(superset: Superset) -> Iterator[Dashboard]:
    with started(Dashboard) as browser:
        browser.sign_in(superset)
        yield browser


@pytest.mark.parametrize("chosen", FILTERED, ids=str)
def test_every_chart_is_drawn_with_the_numbers_of_the_file(
    chosen: Chosen, dashboard: Dashboard, superset: Superset
) -> None:
    dashboard.show(superset, chosen)
    if chosen == EVERYTHING:
        dashboard.picture(PICTURE)
    answers = dashboard.answers()
    with judge.judging(superset.published, chosen) as con:
        for name, chart in superset.charts().items():
            _, rows = answers[chart]
            assert judge.shown(name, rows) == judge.expected(con, name), name


def test_the_browser_asks_for_what_the_charts_were_saved_with(
    dashboard: Dashboard, superset: Superset
) -> None:
    dashboard.show(superset, EVERYTHING)
    answers = dashboard.answers()
    charts = superset.charts()
    for chart in read_bundle("charts"):
        asked, _ = answers[charts[chart["slice_name"]]]
        saved = json.loads(chart["query_context"])["queries"]
        assert [query | {"url_params": {}} for query in saved] == asked, chart["slice_name"]


def test_nothing_is_loaded_from_elsewhere(dashboard: Dashboard, superset: Superset) -> None:
    dashboard.show(superset, EVERYTHING)
    elsewhere = [
        request
        for request in dashboard.requests
        if not request.startswith((superset.address, "data:", "blob:"))
    ]
    # Superset counts visits by a picture elsewhere, which the browser is told not to load.
    assert all("scarf.sh/pixel" in request for request in elsewhere)
    assert len(elsewhere) <= 1
    blocked = [text for text in dashboard.complaints if "The action has been blocked" in text]
    assert dashboard.complaints == blocked
    assert len(blocked) == len(elsewhere)


def test_the_time_zone_of_the_browser_moves_no_day(
    dashboard: Dashboard, superset: Superset
) -> None:
    seen = []
    for time_zone in ("UTC", "Pacific/Honolulu", "Pacific/Auckland"):
        dashboard.show(superset, EVERYTHING, time_zone)
        offset = dashboard.run("new Date(2025, 0, 1).getTimezoneOffset()")
        seen.append((offset, dashboard.run(SEEN)))
    (here, drawn), *others = seen
    assert here == 0
    assert [offset for offset, _ in others] == [600, -780]
    assert len(drawn) == 8
    assert all(other == drawn for _, other in others)
