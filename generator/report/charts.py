"""One function per chart: a small frame in, an Altair chart out.

Charts take their width from the page. Colours are Okabe and Ito's, which the colour-blind can tell
apart; where two series share a chart, they differ in more than colour or have a legend on top.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from generator.report.queries import SIGNALS

if TYPE_CHECKING:
    import pandas as pd

BLUE, VERMILLION, GREEN, SKY, GREY = "#0072B2", "#D55E00", "#009E73", "#8CC5E8", "#5F6B7A"
PERIOD_COLOURS = {"train": "#BFDDF2", "embargo": "#D9D9D9", "test": "#F6D5B5"}

SIGNAL_COLOURS = dict(zip(SIGNALS, (VERMILLION, BLUE), strict=True))

ENGAGEMENT_ALPHA, ENGAGEMENT_BETA = 2.0, 2.5
"""The distribution that the simulation draws engagement scores from."""

HEIGHT = 260

CONFIG: dict[str, Any] = {
    "font": "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "#3B4552",
        "titleColor": "#3B4552",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "gridColor": "#E6E9ED",
        "domainColor": "#9AA4B0",
        "tickColor": "#9AA4B0",
        "labelLimit": 200,
        "labelPadding": 5,
    },
    "axisX": {"grid": False, "labelOverlap": True, "labelSeparation": 6, "labelFlush": False},
    "axisY": {"domain": False, "ticks": False, "tickCount": 5},
    "legend": {
        "orient": "top",
        "title": None,
        "labelFontSize": 12,
        "labelColor": "#3B4552",
        "labelLimit": 240,
        "symbolStrokeWidth": 3,
        "columnPadding": 14,
    },
    "title": {"fontSize": 15, "anchor": "start", "offset": 14, "color": "#17202B"},
}

NARROW = alt.param(name="narrow", value=False)
"""A legend cannot see the width it gets, so the page sets this before it draws."""

Chart = alt.Chart | alt.LayerChart


def _day(field: str = "as_of_date", title: str | None = "day (UTC)") -> alt.X:
    return alt.X(f"{field}:T", title=title, axis=alt.Axis(tickCount=6))


def _colours(field: str, colours: dict[str, str], symbol: str = "square") -> alt.Color:
    """Return a colour channel with a fixed order; every colour stands in the legend."""
    return alt.Color(field, scale=_scale(colours), legend=_legend(max(map(len, colours)), symbol))


def _legend(letters: int, symbol: str) -> alt.Legend:
    """Return a legend that breaks into lines; the page says whether it is narrow."""
    narrow, wide = (max(1, width // (40 + 7 * letters)) for width in (190, 430))
    columns = alt.ExprRef(f"{NARROW.name} ? {narrow} : {wide}")
    return alt.Legend(columns=columns, symbolType=symbol)


def _rows(rows: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=rows)


def _scale(colours: dict[str, str]) -> alt.Scale:
    return alt.Scale(domain=[*colours], range=[*colours.values()])


def _styled(chart: Chart) -> Chart:
    sized = chart.properties(width="container", height=HEIGHT)
    styled: Chart = sized.add_params(NARROW).configure(**CONFIG)
    return styled


def daily_active_users(days: pd.DataFrame) -> Chart:
    """Draw active users of each day and their mean over a week."""
    colours = {"each day": SKY, "mean of 7 days": BLUE}
    base = alt.Chart(days).encode(
        x=_day(),
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
            color=_colours("series:N", colours, "stroke"),
        )
        for column, name, width in (
            ("active_users", "each day", 1.2),
            ("mean_of_7_days", "mean of 7 days", 2.6),
        )
    )
    return _styled(each_day + mean)


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
    numbers = bars.mark_text(dy=-7, color="#3B4552").encode(
        text=alt.Text("active_users:Q", format=",.0f")
    )
    return _styled(bars.mark_bar(color=BLUE) + numbers)


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
    numbers = bars.mark_text(align="left", dx=4, color="#3B4552").encode(text="label:N")
    return _styled(bars.mark_bar(color=BLUE) + numbers)


def _share_label(share: float) -> str:
    return "< 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def engagement(bins: pd.DataFrame) -> Chart:
    """Draw the histogram of engagement scores with the density they are drawn from."""
    colours = {"users": SKY, f"Beta({ENGAGEMENT_ALPHA:g}, {ENGAGEMENT_BETA:g})": VERMILLION}
    observed, drawn_from = colours
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
            color=_colours("series:N", colours),
            tooltip=["score_from:Q", "score_to:Q", "users:Q"],
        )
    )
    curve = (
        alt.Chart(_rows(_beta_curve(drawn_from)))
        .mark_line(strokeWidth=2.6)
        .encode(x="score:Q", y="density:Q", color=_colours("series:N", colours))
    )
    return _styled(bars + curve)


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
    whiskers = base.mark_rule(color="#17202B", strokeWidth=1.4).encode(
        y=alt.Y("low:Q"), y2="high:Q"
    )
    return _styled(bars + whiskers)


def retention_by_plan(weeks: pd.DataFrame) -> Chart:
    """Draw the share of users active in each week, one line per plan."""
    plans = weeks["user_group"].unique()
    return _retention(weeks, _scale(dict(zip(plans, (BLUE, VERMILLION), strict=False))))


def retention_by_cohort(weeks: pd.DataFrame) -> Chart:
    """Draw the share of users active in each week, one line per signup cohort, from dark to light.

    Viridis, without its yellow end, which vanishes on white.
    """
    scheme = alt.SchemeParams("viridis", extent=[0, 0.85])
    return _retention(weeks, alt.Scale(domain=[*weeks["user_group"].unique()], scheme=scheme))


def _retention(weeks: pd.DataFrame, colours: alt.Scale) -> Chart:
    lines = alt.Chart(weeks).mark_line(strokeWidth=2.2)
    return _styled(
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
                legend=_legend(weeks["user_group"].str.len().max(), "stroke"),
            ),
            tooltip=["user_group:N", "week:Q", "users:Q", alt.Tooltip("share:Q", format=".1%")],
        )
    )


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
            color=_colours("series:N", series, "stroke"),
            tooltip=["series:N", "day:Q", "users:Q", alt.Tooltip("share:Q", format=".3")],
        )
    )
    rules = (
        alt.Chart(_rows(means))
        .mark_rule(strokeWidth=2, strokeDash=[6, 4])
        .encode(y="share:Q", color=_colours("series:N", series, "stroke"))
    )
    return _styled(lines + rules)


def label_rate(days: pd.DataFrame, periods: pd.DataFrame) -> Chart:
    """Draw the label rate of each day over the shaded periods of the split."""
    colours = {name: PERIOD_COLOURS[name] for name in periods["split"]}
    bands = (
        alt.Chart(periods)
        .mark_rect(opacity=0.75)
        .encode(
            x=_day("first_day"),
            x2="day_after:T",
            color=_colours("split:N", colours),
            tooltip=["split:N", "first_day:T", "last_day:T", "days:Q"],
        )
    )
    line = (
        alt.Chart(days)
        .mark_line(color="#17202B", strokeWidth=2)
        .encode(
            x=_day(),
            y=alt.Y("label_rate:Q", title="rows with churn_label 1", axis=alt.Axis(format="%")),
            tooltip=["as_of_date:T", alt.Tooltip("label_rate:Q", format=".2%"), "user_days:Q"],
        )
    )
    return _styled(bands + line)


def separation(features: pd.DataFrame) -> Chart:
    """Draw the area under the ROC curve of single features, as a distance from 0.5."""
    colours = {"higher in churners": VERMILLION, "lower in churners": BLUE}
    higher, lower = colours
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
        color=_colours("series:N", colours),
        tooltip=["feature:N", alt.Tooltip("auc:Q", format=".3f"), "series:N"],
    )
    numbers = bars.mark_text(align="left", dx=4).encode(
        text=alt.Text("separation:Q", format=".2f"), color=alt.value("#3B4552")
    )
    return _styled(bars.mark_bar().encode(x2=alt.datum(0.5)) + numbers)
