"""The charts of who churns: a small frame in, an Altair chart out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from generator.report.churn import SIGNALS
from generator.report.style import (
    BLUE,
    GREY,
    INK,
    SOFT,
    VERMILLION,
    Chart,
    colour,
    day_axis,
    inline,
    styled,
)

if TYPE_CHECKING:
    import pandas as pd

PLAN_COLOURS = {"free": BLUE, "paid": VERMILLION}
PERIOD_COLOURS = {"train": "#BFDDF2", "embargo": "#D9D9D9", "test": "#F6D5B5"}
SIGNAL_COLOURS = dict(zip(SIGNALS, (VERMILLION, BLUE), strict=True))


def churn_by_engagement(deciles: pd.DataFrame) -> Chart:
    """Draw the share of users observed to churn, with its interval, by decile of engagement."""
    base = alt.Chart(deciles).encode(
        x=alt.X(
            "decile:O",
            title="decile of engagement (10 = most engaged)",
            axis=alt.Axis(labelAngle=0),
        ),
        tooltip=[
            "decile:O",
            alt.Tooltip("lowest_score:Q", format=".3f"),
            alt.Tooltip("highest_score:Q", format=".3f"),
            "users:Q",
            alt.Tooltip("churn_share:Q", format=".1%"),
        ],
    )
    bars = base.mark_bar(color=VERMILLION).encode(
        y=alt.Y("churn_share:Q", title="users who churned", axis=alt.Axis(format="%"))
    )
    whiskers = base.mark_rule(color=INK, strokeWidth=1.4).encode(y=alt.Y("low:Q"), y2="high:Q")
    return styled(bars + whiskers)


def survival_by_plan(days: pd.DataFrame) -> Chart:
    """Draw the share of users whose first period goes on, with its interval, one line per plan."""
    colours = {plan: PLAN_COLOURS[plan] for plan in days["plan"].unique()}
    base = alt.Chart(days).encode(
        x=alt.X("day:Q", title="days since the first active day"),
        color=colour("plan:N", colours, "stroke"),
    )
    bands = base.mark_area(interpolate="step-after", fillOpacity=0.15).encode(
        y=alt.Y("low:Q", title="users still there", axis=alt.Axis(format="%")), y2="high:Q"
    )
    lines = base.mark_line(interpolate="step-after", strokeWidth=2.6).encode(
        y="share:Q",
        tooltip=[
            "plan:N",
            "day:Q",
            alt.Tooltip("users:Q", title="seen so long", format=","),
            alt.Tooltip("events:Q", title="churns", format=","),
            *(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("share", "low", "high")),
        ],
    )
    return styled(bands + lines)


def activity_before_churn(days: pd.DataFrame, others: dict[str, float]) -> Chart:
    """Draw the share of later churners active on each day, beside that of the others."""
    series = {"users who churn": VERMILLION, "everyone else, mean": GREY}
    churners, everyone_else = series
    means = [{"share": others["active"], "series": everyone_else}] if others else []
    return _before_churn(
        days.rename(columns={"active": "share"}).assign(series=churners),
        means,
        series,
        alt.Y("share:Q", title="users active on the day", axis=alt.Axis(format="%")),
    )


def signals_before_churn(
    days: pd.DataFrame, others: dict[str, float], signals: Sequence[str]
) -> Chart:
    """Draw the signals per 100 later churners and day, beside the mean of the others."""
    long = days.melt(["day", "users"], list(signals), var_name="series", value_name="share")
    means = [{"series": name, "share": others[name]} for name in signals if name in others]
    return _before_churn(
        long,
        means,
        {name: SIGNAL_COLOURS[name] for name in signals},
        alt.Y("share:Q", title="events per 100 users and day"),
    )


def _before_churn(
    days: pd.DataFrame, means: list[dict[str, Any]], series: dict[str, str], y: alt.Y
) -> Chart:
    lines = (
        alt.Chart(days)
        .mark_line(strokeWidth=2.2, point=alt.OverlayMarkDef(size=26))
        .encode(
            x=alt.X(
                "day:Q",
                title="days before the last active day",
                axis=alt.Axis(values=[-28, -21, -14, -7, -1]),
                scale=alt.Scale(nice=False, padding=4),
            ),
            y=y,
            color=colour("series:N", series, "stroke"),
            tooltip=["series:N", "day:Q", "users:Q", alt.Tooltip("share:Q", format=".3")],
        )
    )
    rules = (
        alt.Chart(inline(means))
        .mark_rule(strokeWidth=2, strokeDash=[6, 4])
        .encode(y="share:Q", color=colour("series:N", series, "stroke"))
    )
    return styled(lines + rules)


def label_rate(days: pd.DataFrame, periods: pd.DataFrame, zone: str) -> Chart:
    """Draw the label rate of each day of a zone over the shaded periods of the split."""
    colours = {name: PERIOD_COLOURS[name] for name in periods["split"]}
    bands = (
        alt.Chart(periods)
        .mark_rect(opacity=0.75)
        .encode(
            x=day_axis(zone, "first_day"),
            x2="day_after:T",
            color=colour("split:N", colours),
            tooltip=["split:N", "first_day:T", "last_day:T", "days:Q"],
        )
    )
    line = (
        alt.Chart(days)
        .mark_line(color=INK, strokeWidth=2)
        .encode(
            x=day_axis(zone),
            y=alt.Y("label_rate:Q", title="rows with churn_label 1", axis=alt.Axis(format="%")),
            tooltip=["as_of_date:T", alt.Tooltip("label_rate:Q", format=".2%"), "user_days:Q"],
        )
    )
    return styled(bands + line)


def separation(features: pd.DataFrame, ceiling: float | None) -> Chart:
    """Draw the area under the ROC curve of single features, as a distance from 0.5.

    Beside them stands that of the best possible prediction, where it is known.
    """
    colours = {"higher in churners": VERMILLION, "lower in churners": BLUE}
    higher, lower = colours
    if ceiling is not None:
        colours["ceiling"] = INK
    sided = features.assign(
        separation=(features["auc"] - 0.5).abs() + 0.5,
        series=[higher if auc > 0.5 else lower for auc in features["auc"]],
    )
    bars = alt.Chart(sided).encode(
        x=alt.X(
            "separation:Q",
            title="AUC of the feature alone",
            scale=alt.Scale(domain=[0.5, 1.06]),  # room for the numbers
            axis=alt.Axis(values=[0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        ),
        y=alt.Y("feature:N", sort=None, title=None),
        color=colour("series:N", colours),
        tooltip=["feature:N", alt.Tooltip("auc:Q", format=".3f"), "series:N"],
    )
    numbers = bars.mark_text(align="left", dx=4).encode(
        text=alt.Text("separation:Q", format=".2f"), color=alt.value(SOFT)
    )
    chart: Chart = bars.mark_bar().encode(x2=alt.datum(0.5))
    if ceiling is not None:
        line = alt.Chart(inline([{"separation": ceiling, "series": "ceiling"}])).mark_rule(
            strokeWidth=2, strokeDash=[6, 4]
        )
        # White below the numbers: most stand where the line does.
        halo = numbers.mark_text(align="left", dx=4, stroke="white", strokeWidth=5)
        chart = chart + line.encode(x="separation:Q", color=colour("series:N", colours)) + halo
    return styled(chart + numbers)
