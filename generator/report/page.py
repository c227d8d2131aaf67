"""The page: headline numbers and figures in one HTML file that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import vl_convert
from altair import SCHEMA_VERSION
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from generator.report.style import HEIGHT
from generator.warehouse.summary import days_text

if TYPE_CHECKING:
    from generator.publishing.green_build import Build
    from generator.report.facts import Facts
    from generator.report.figures import Figure


NOT_KNOWN = "n/a"


@dataclass(frozen=True)
class Headline:
    """One number on top of the page."""

    name: str
    value: str
    note: str = ""
    is_text: bool = False
    """Whether the value is words, which are set smaller than a number."""


def render(facts: Facts, figures: list[Figure]) -> str:
    """Return the page; the same facts and figures give the same text."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    source = files("generator.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        facts=facts,
        about=_about(facts),
        headlines=_headlines(facts),
        figures=figures,
        height=HEIGHT,
        words=_words(facts),
        specs=_specs(figures),
        bundle=Markup(_bundle()),
    )


def _specs(figures: list[Figure]) -> dict[str, Any]:
    return {
        figure.name: figure.chart.properties(description=figure.reading).to_dict()
        for figure in figures
        if figure.chart is not None
    }


@cache
def _bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, for the schema of the charts.

    It takes a second, half of a page, and is the same on every page that a process writes.
    """
    version = ".".join(SCHEMA_VERSION.split(".")[:2])
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    return bundle


def _about(facts: Facts) -> str:
    first, last = (None if day is None else f"{day}" for day in (facts.first_day, facts.last_day))
    return f"Dataset version {facts.dataset_version} · days: {days_text(first, last)}"


def _headlines(facts: Facts) -> list[Headline]:
    return [
        Headline("users", f"{facts.users:,}"),
        Headline("events", f"{facts.events:,}"),
        Headline("active users", _number(facts.active_users), "on an average day"),
        Headline("users to score today", f"{facts.scoring_rows:,}", "eligible on the last day"),
        Headline("users observed to churn", _percent(facts.churned), "where one can tell"),
        Headline("label rate", _percent(facts.label_rate), f"of {facts.training_rows:,} rows"),
        Headline("dataset version", facts.dataset_version, is_text=True),
        _tests(facts.build),
    ]


def _tests(build: Build | None) -> Headline:
    if build is None:
        return Headline("tests", "no build of this content passed all tests", is_text=True)
    warned = f", {build.tests_warned} warned" if build.tests_warned else ""
    note = (
        f"built {build.built_at:%Y-%m-%d %H:%M} UTC by dbt {build.dbt_version}, "
        f"DuckDB {build.duckdb_version}"
    )
    return Headline("tests", f"{build.tests_passed:,} passed{warned}", note)


def _number(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{value:,.0f}"


def _percent(share: float | None) -> str:
    return NOT_KNOWN if share is None else f"{100 * share:.1f} %"


def _words(facts: Facts) -> list[str]:
    asked = facts.question
    return [
        "A day is active when it has at least one engagement event; days are those of "
        f"{facts.days_in}.",
        f"Observed churn: {asked.label_window_days} days without an active day follow the user's "
        "last active day within "
        "the observation window. A user who was last active too recently counts as not churned; "
        "one who was never active before is left out.",
        f"A training row is one user on one labelled day, {asked.eligibility}; its churn_label is "
        f"1 when the user is not active {asked.window} it. Label rate counts rows, churn users.",
    ]
