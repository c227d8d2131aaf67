"""What each load brought: the events of the last loads, by what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from generator.report.style import BLUE, SKY, VERMILLION, Chart, colour, styled
from generator.warehouse.sql import has_table

if TYPE_CHECKING:
    import pandas as pd

    from generator.warehouse.file import Connection

MOST_LOADS = 60
COLOURS = {"in time": BLUE, "late": SKY, "rejected": VERMILLION}

BROUGHT = """
with events as (
    select distinct load_id, loaded_rows, late_rows, rejected_rows
    from main.load_profile
    where table_name = 'events'
)

select
    load_id::integer as load_id,
    unnest(['in time', 'late', 'rejected']) as kind,
    unnest([loaded_rows - late_rows, late_rows, rejected_rows])::bigint as events
from events
order by load_id, kind
"""


def brought(con: Connection) -> pd.DataFrame:
    """One row per load and kind: events in time, late ones, and those that were rejected.

    At most the last sixty loads, and none of a build by an earlier version.
    """
    if not has_table(con, "main.load_profile"):
        return con.execute("select 0 as load_id, '' as kind, 0 as events where false").df()
    found = con.execute(BROUGHT).df()
    return found.tail(MOST_LOADS * len(COLOURS)).reset_index(drop=True)


def reading(loads: pd.DataFrame) -> str:
    """Return the sentences below the chart."""
    totals = loads.groupby("kind")["events"].sum()
    return (
        f"{loads['load_id'].nunique():,} loads brought {totals['in time'] + totals['late']:,} "
        f"events, of which {totals['late']:,} were late: of a day before the last one that the "
        f"warehouse had by then. {totals['rejected']:,} more were rejected. At most the last "
        f"{MOST_LOADS} loads are shown."
    )


def chart(loads: pd.DataFrame) -> Chart:
    """Draw the events of each load, by what became of them."""
    bars = (
        alt.Chart(loads)
        .mark_bar()
        .encode(
            x=alt.X("load_id:O", title="load", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("events:Q", title="events"),
            color=colour("kind:N", COLOURS),
            tooltip=["load_id:O", "kind:N", alt.Tooltip("events:Q", format=",")],
        )
    )
    return styled(bars)
