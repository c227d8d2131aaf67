"""How every chart looks: colours, axes, legends, size.

Charts take their width from the page. Colours are Okabe and Ito's, which the colour-blind can tell
apart.
"""

from __future__ import annotations

from typing import Any

import altair as alt

BLUE, VERMILLION, SKY, GREY = "#0072B2", "#D55E00", "#8CC5E8", "#5F6B7A"
INK, SOFT = "#17202B", "#3B4552"

HEIGHT = 260

CONFIG: dict[str, Any] = {
    "font": "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "line": {"strokeCap": "round"},  # shows a line of a single point
    "axis": {
        "labelColor": SOFT,
        "titleColor": SOFT,
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
        "labelColor": SOFT,
        "labelLimit": 240,
        "symbolStrokeWidth": 3,
        "columnPadding": 14,
    },
    "title": {"fontSize": 15, "anchor": "start", "offset": 14, "color": INK},
}

NARROW = alt.param(name="narrow", value=False)
"""A legend cannot see the width it gets, so the page sets this before it draws."""

Chart = alt.Chart | alt.LayerChart


def day_axis(zone: str, field: str = "as_of_date") -> alt.X:
    """Return an axis of the days of a zone."""
    return alt.X(f"{field}:T", title=f"day ({zone})", axis=alt.Axis(tickCount=6))


def colour(field: str, colours: dict[str, str], symbol: str = "square") -> alt.Color:
    """Return a colour channel with a fixed order; every colour stands in the legend."""
    return alt.Color(
        field, scale=colour_scale(colours), legend=legend(max(map(len, colours)), symbol)
    )


def legend(letters: int, symbol: str) -> alt.Legend:
    """Return a legend that breaks into lines; the page says whether it is narrow."""
    narrow, wide = (max(1, width // (40 + 7 * letters)) for width in (190, 430))
    columns = alt.ExprRef(f"{NARROW.name} ? {narrow} : {wide}")
    return alt.Legend(columns=columns, symbolType=symbol)


def inline(rows: list[dict[str, Any]]) -> alt.InlineData:
    """Return rows that no frame holds as data of a chart."""
    return alt.InlineData(values=rows)


def colour_scale(colours: dict[str, str]) -> alt.Scale:
    """Return a scale that gives each name its colour, in this order."""
    return alt.Scale(domain=[*colours], range=[*colours.values()])


def styled(chart: Chart) -> Chart:
    """Return a chart with the look of the page."""
    sized = chart.properties(width="container", height=HEIGHT)
    styled: Chart = sized.add_params(NARROW).configure(**CONFIG)
    return styled
