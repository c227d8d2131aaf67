"""The page in a real headless Chromium, loaded from its file.

The browser is told to know no host, and counts every request and every message of the console; see
``chromium.py`` for how it is driven.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.chromium import Browser
from tests.report.test_writing import CHARTS

pytestmark = pytest.mark.slow

DESKTOP, PHONE = 1280, 400

# Of each chart: its size, and how many marks with an extent it shows inside its frame.
DRAWN = """
Object.fromEntries([...document.querySelectorAll(".chart")].map(chart => {
    const svg = chart.querySelector("svg").getBoundingClientRect();
    const marks = [...chart.querySelectorAll("svg .role-mark path")]
        .map(mark => mark.getBoundingClientRect())
        .filter(box => box.width + box.height > 2);
    return [chart.id, {width: svg.width, height: svg.height, marks: marks.length}];
}))
"""

# Texts of charts that stick out of their chart, or of its card.
CUT_OFF = """
[...document.querySelectorAll(".chart")].flatMap(chart => {
    const frame = chart.getBoundingClientRect();
    return [...chart.querySelectorAll("svg text")].filter(text => {
        const box = text.getBoundingClientRect();
        return text.textContent && (box.left < frame.left - 1 || box.right > frame.right + 1
            || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
    }).map(text => chart.id + ": " + text.textContent);
})
"""

LEGENDS = """
Object.fromEntries([...document.querySelectorAll(".chart")].map(chart => [
    chart.id, [...chart.querySelectorAll(".role-legend-label text")].map(text => text.textContent)
]))
"""


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("world", ["simulated", "real", "without_events"])
def test_every_chart_is_drawn_without_a_complaint_or_a_request(
    world: str, width: int, browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages[world], width)
    assert browser.requests == [pages[world].as_uri()]
    assert browser.complaints == []
    drawn = browser.run(DRAWN)
    missing = browser.run("[...document.querySelectorAll('figure > .missing')].length")
    assert len(drawn) + missing == len(CHARTS)
    assert set(drawn) == set(CHARTS) if world == "simulated" else drawn
    for name, chart in drawn.items():
        assert chart["marks"] > 0, name
        assert chart["height"] >= 260, name
        assert width / 2.6 < chart["width"] < width, name


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("world", ["simulated", "real"])
def test_nothing_sticks_out(
    world: str, width: int, browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages[world], width)
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(CUT_OFF) == []


def test_series_have_a_legend(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["simulated"], DESKTOP)
    legends = browser.run(LEGENDS)
    assert legends["daily_active_users"] == ["each day", "mean of 7 days"]
    assert legends["engagement"] == ["users", "Beta(2, 2.5)"]
    assert legends["signals_before_churn"] == ["payment_failed", "support_ticket"]
    assert legends["label_rate"] == ["train", "embargo", "test"]
    assert len(legends["retention_by_plan"]) == 2
    assert legends["survival_by_plan"] == ["free"]  # the one user who comes within the window


def test_each_chart_has_its_sentence_as_text_for_screen_readers(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["simulated"], DESKTOP)
    labels = browser.run(
        "[...document.querySelectorAll('.chart')].map(chart => ["
        "chart.getAttribute('aria-label'),"
        " chart.parentElement.querySelector('figcaption').textContent])"
    )
    assert len(labels) == len(CHARTS)
    for label, caption in labels:
        assert label == caption


def test_a_chart_fits_a_window_that_changes(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["simulated"], DESKTOP)
    browser.resize(900)
    browser.settle()
    assert browser.run("document.documentElement.scrollWidth") == 900
    assert browser.run(DRAWN)["daily_active_users"]["width"] < 900


# What the tests above must be able to see, planted into a page.
PLANTED = {
    "a request": '<img src="http://charts.example/pixel.png">',
    "an error": "<script>missingFunction()</script>",
    "a rejected promise": "<script>Promise.reject(new Error('no'))</script>",
    "a warning": "<script>console.warn('deprecated')</script>",
}


@pytest.mark.parametrize("fault", PLANTED)
def test_the_browser_would_see(
    fault: str, browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    page = tmp_path / "faulty.html"
    page.write_text(
        pages["without_events"].read_text().replace("<main>", PLANTED[fault] + "<main>")
    )
    with pytest.raises(AssertionError):
        browser.open(page, DESKTOP)
        assert browser.requests == [page.as_uri()]
        assert browser.complaints == []


@pytest.mark.parametrize(("given", "planted"), [('"mark"', '"smudge"'), ('"datasets"', '"lost"')])
def test_the_browser_would_see_a_chart_without_marks_or_data(
    given: str, planted: str, browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    page = tmp_path / "faulty.html"
    page.write_text(pages["simulated"].read_text().replace(given, planted))
    with pytest.raises(AssertionError):
        browser.open(page, DESKTOP)
