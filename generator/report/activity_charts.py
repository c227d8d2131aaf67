"""The charts of what users do: a small frame in, an Altair chart out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from generator.report.style import (
    BLUE,
    SKY,
    SOFT,
    VERMILLION,
    Chart,
    colour,
    colour_scale,
    day_axis,
    inline,
    legend,
    styled,
)

if TYPE_CHECKING:
    import pandas as pd

ENGAGEMENT_ALPHA, ENGAGEMENT_BETA = 2.0, 2.5
"""The distribution that the simulation draws engagement scores from."""


def daily_active_users(days: pd.DataFrame, zone: str) -> Chart:
    """Draw active users of each day of a zone, and their mean over a week."""
    colours = {"each day": SKY, "mean of 7 days": BLUE}
    base = alt.Chart(days).encode(
        x=day_axis(zone),
        tooltip=[
            alt.Tooltip("as_of_date:T", title="day"),
            alt.Tooltip("active_users:Q", format=","),
            alt.Tooltip("mean_of_7_days:Q", format=",.1f"),
        ],
    )
    each_day, mean = (
        base.transform_calculate(series=f"'{name}'")
        .mark_line(strokeWidth=width)
        .encode(
            y=alt.Y(f"{column}:Q", title="active users"),
            color=colour("series:N", colours, "stroke"),
        )
        for column, name, width in (
            ("active_users", "each day", 1.2),
            ("mean_of_7_days", "mean of 7 days", 2.6),
        )
    )
    return styled(each_day + mean)


def weekly_rhythm(weekdays: pd.DataFrame) -> Chart:
    """Draw active users by day of the week."""
    bars = alt.Chart(weekdays).encode(
        x=alt.X(
            "weekday:O",
            sort=None,
            title="day of the week",
            axis=alt.Axis(labelAngle=0, labelExpr="slice(datum.label, 0, 3)"),
            scale=alt.Scale(paddingInner=0.25),
        ),
        y=alt.Y("active_users:Q", title="active users, mean"),
        tooltip=["weekday:O", alt.Tooltip("active_users:Q", format=",.1f"), "days:Q"],
    )
    numbers = bars.mark_text(dy=-7, color=SOFT).encode(
        text=alt.Text("active_users:Q", format=",.0f")
    )
    return styled(bars.mark_bar(color=BLUE) + numbers)


def event_mix(types: pd.DataFrame) -> Chart:
    """Draw the share of each event type."""
    labelled = types.assign(label=[_share_label(share) for share in types["share"]])
    room_for_labels = alt.Scale(domain=[0, 1.25 * float(types["share"].max())], nice=False)
    bars = alt.Chart(labelled).encode(
        x=alt.X(
            "share:Q",
            title="share of all events",
            axis=alt.Axis(format="%", tickCount=4),
            scale=room_for_labels,
        ),
        y=alt.Y("event_type:N", sort=None, title=None),
        tooltip=[
            "event_type:N",
            alt.Tooltip("events:Q", format=","),
            alt.Tooltip("share:Q", format=".2%"),
        ],
    )
    numbers = bars.mark_text(align="left", dx=4, color=SOFT).encode(text="label:N")
    return styled(bars.mark_bar(color=BLUE) + numbers)


def _share_label(share: float) -> str:
    return "< 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def engagement(bins: pd.DataFrame, is_simulated: bool) -> Chart:
    """Draw the histogram of engagement scores, simulated ones with the density of their draw."""
    observed, drawn_from = "users", f"Beta({ENGAGEMENT_ALPHA:g}, {ENGAGEMENT_BETA:g})"
    colours = {observed: SKY} | ({drawn_from: VERMILLION} if is_simulated else {})
    bars = (
        alt.Chart(bins.assign(series=observed))
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X(
                "score_from:Q",
                bin="binned",
                title="engagement score",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format=".1f", tickCount=5),
            ),
            x2="score_to:Q",
            y=alt.Y("density:Q", title="density"),
            color=colour("series:N", colours),
            tooltip=["score_from:Q", "score_to:Q", "users:Q"],
        )
    )
    if not is_simulated:
        return styled(bars)
    curve = (
        alt.Chart(inline(_beta_curve(drawn_from)))
        .mark_line(strokeWidth=2.6)
        .encode(x="score:Q", y="density:Q", color=colour("series:N", colours))
    )
    return styled(bars + curve)


def _beta_curve(series: str) -> list[dict[str, Any]]:
    return [
        {"score": step / 100, "density": beta_density(step / 100), "series": series}
        for step in range(101)
    ]


def beta_density(score: float) -> float:
    """Return the density of Beta(2, 2.5) at a score, to six decimals."""
    alpha, beta = ENGAGEMENT_ALPHA, ENGAGEMENT_BETA
    scale = math.gamma(alpha + beta) / math.gamma(alpha) / math.gamma(beta)
    density: float = scale * score ** (alpha - 1) * (1 - score) ** (beta - 1)
    return round(density, 6)


def conversion(days: pd.DataFrame) -> Chart:
    """Draw the share of free users who are paid so many days after their first one."""
    line = alt.Chart(days).mark_line(interpolate="step-after", strokeWidth=2.6, color=BLUE)
    return styled(
        line.encode(
            x=alt.X("day:Q", title="days since the first day"),
            y=alt.Y("share:Q", title="free users who became paid", axis=alt.Axis(format="%")),
            tooltip=[
                "day:Q",
                alt.Tooltip("users:Q", title="still free", format=","),
                "upgrades:Q",
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )


def retention_by_plan(weeks: pd.DataFrame) -> Chart:
    """Draw the share of users active in each week, one line per plan."""
    plans = weeks["user_group"].unique()
    return _retention(weeks, colour_scale(dict(zip(plans, (BLUE, VERMILLION), strict=False))))


def retention_by_cohort(weeks: pd.DataFrame) -> Chart:
    """Draw the share of users active in each week, one line per signup cohort, from dark to light.

    Viridis, without its yellow end, which vanishes on white.
    """
    scheme = alt.SchemeParams("viridis", extent=[0, 0.85])
    return _retention(weeks, alt.Scale(domain=[*weeks["user_group"].unique()], scheme=scheme))


def _retention(weeks: pd.DataFrame, colours: alt.Scale) -> Chart:
    lines = alt.Chart(weeks).mark_line(strokeWidth=2.2)
    return styled(
        lines.encode(
            x=alt.X(
                "week:Q",
                title="weeks since the first day",
                axis=alt.Axis(tickMinStep=1),
                scale=alt.Scale(nice=False),
            ),
            y=alt.Y(
                "share:Q",
                title="users active in the week",
                axis=alt.Axis(format="%"),
                scale=alt.Scale(zero=False),
            ),
            color=alt.Color(
                "user_group:O",
                scale=colours,
                legend=legend(weeks["user_group"].str.len().max(), "stroke"),
            ),
            tooltip=["user_group:N", "week:Q", "users:Q", alt.Tooltip("share:Q", format=".1%")],
        )
    )
