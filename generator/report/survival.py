"""How long a state lasts of which the window may hide the end: Kaplan and Meier's estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from generator.warehouse.file import Connection

QUANTILE = 1.96
"""Of the normal distribution, for intervals of 95 %."""

# A period that may have begun before the window would count as shorter than it is.
FIRST_PERIODS = """
with periods as (
    select plan, duration_days, churn_observed
    from main.activity_periods
    where period_number = 1 and started_before_window = 0 and duration_days is not null
)

select plan, duration_days as day, count(*) as last_seen, sum(churn_observed)::bigint as events
from periods
group by plan, day
union all
select distinct plan, 0, 0, 0 from periods
order by plan, day
"""


def periods_by_plan(con: Connection) -> pd.DataFrame:
    """One row per plan and day, after the first active one, on which a first period ends.

    It holds the users whose first period of use began within the window, by their plan on its
    first day. Every plan starts with a row for day 0 and ends with its last churn.

    Returns
    -------
    pandas.DataFrame
        plan, and the columns of :func:`kaplan_meier`.
    """
    days = con.execute(FIRST_PERIODS).df()
    curves = [kaplan_meier(rows).assign(plan=plan) for plan, rows in days.groupby("plan")]
    drawn = [curve[(curve["events"] > 0) | (curve["day"] == 0)] for curve in curves]
    return pd.concat(drawn, ignore_index=True) if drawn else days


def kaplan_meier(days: pd.DataFrame) -> pd.DataFrame:
    """Estimate for what share a state still lasts, when some are censored.

    Parameters
    ----------
    days
        One row per day, ascending: day, last_seen (those whose state ends that day or who are
        censored on it), events (those whose state ends).

    Returns
    -------
    pandas.DataFrame
        day, users (seen up to that day), events, share, and low and high, the ends of its 95 %
        interval: Greenwood's variance on the scale of log(-log(share)), which stays within 0 and
        1. At a share of 0 that variance is not known, and low and high are NaN.
    """
    last_seen, events = days["last_seen"].to_numpy(), days["events"].to_numpy()
    users = last_seen[::-1].cumsum()[::-1]
    share = np.cumprod(1 - events / users)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.cumsum(events / (users * (users - events)))) / np.log(share)
        low, high = (share ** np.exp(sign * QUANTILE * error) for sign in (-1, 1))
    none_yet = share == 1
    return pd.DataFrame(
        {
            "day": days["day"],
            "users": users,
            "events": events,
            "share": share,
            "low": np.where(none_yet, 1.0, low),
            "high": np.where(none_yet, 1.0, high),
        }
    )
