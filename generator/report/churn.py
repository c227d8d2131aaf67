"""Who churns, and what is seen before: one query per chart, like those of ``activity``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from generator.warehouse.file import Connection

SIGNALS = ("payment_failed", "support_ticket")
"""Event types that are no activity, and more frequent before a churn."""

DAYS_BEFORE_CHURN = 28

FEATURES_SHOWN = 12

OBSERVED_USERS = """
create or replace temporary table observed_users as
with activity as (
    select
        user_id,
        min(as_of_date) as first_day,
        min(as_of_date) filter (where is_active_day = 1) as first_active_day,
        max(as_of_date) filter (where is_active_day = 1) as last_active_day
    from main.user_daily
    group by user_id
),

periods as (
    select
        user_id,
        arg_max(churn_observed, period_number) = 1 as has_left,
        count(duration_days) > 0 as can_be_told
    from main.activity_periods
    group by user_id
)

select
    activity.*,
    users.plan,
    users.signup_date,
    users.engagement_score,
    -- null for a user who was not active before the last window of days: nobody can tell yet
    case when periods.can_be_told then periods.has_left end as has_churned
from activity
left join periods on activity.user_id = periods.user_id
inner join raw.users as users on activity.user_id = users.user_id
"""

# The interval is Wilson's, which stays within 0 and 1.
CHURN_BY_ENGAGEMENT = """
with scored as (
    select *, ntile(10) over (order by engagement_score, user_id) as decile
    from observed_users
    where engagement_score is not null and has_churned is not null
),

deciles as (
    select
        decile::integer as decile,
        min(engagement_score) as lowest_score,
        max(engagement_score) as highest_score,
        count(*)::integer as users,
        avg(has_churned::integer) as churn_share,
        1.96 * 1.96 / count(*) as width
    from scored
    group by decile
)

select
    * exclude (width),
    (churn_share + width / 2
        - sqrt(churn_share * (1 - churn_share) * width + width * width / 4)) / (1 + width) as low,
    (churn_share + width / 2
        + sqrt(churn_share * (1 - churn_share) * width + width * width / 4)) / (1 + width) as high
from deciles
order by decile
"""

BEFORE_CHURN = """
select
    (days.as_of_date - users.last_active_day)::integer as day,
    count(*)::integer as users,
    {rates}
from main.user_daily as days
inner join observed_users as users on days.user_id = users.user_id
where
    users.has_churned
    and days.as_of_date between users.last_active_day - {days} and users.last_active_day - 1
group by day
order by day
"""

OTHERS = """
select {rates}
from main.user_daily as days
inner join observed_users as users on days.user_id = users.user_id
where not users.has_churned
"""

RATES = "avg(days.is_active_day) as active, " + ", ".join(
    f"100 * avg(days.{name}_count) as {name}" for name in SIGNALS
)

LABEL_RATE = """
select
    splits.as_of_date,
    avg(training.churn_label) as label_rate,
    count(training.churn_label)::integer as user_days
from main.training_splits as splits
left join main.training_dataset as training on splits.as_of_date = training.as_of_date
group by splits.as_of_date
order by splits.as_of_date
"""

PERIODS = """
select
    split,
    min(as_of_date) as first_day,
    max(as_of_date) as last_day,
    max(as_of_date) + 1 as day_after,  -- a day is shaded to its end
    count(*)::integer as days
from main.training_splits
group by split
order by first_day
"""

# Mann and Whitney's statistic from the counts at each value; a tie counts half.
SEPARATION = """
with test_rows as (
    select {columns}, training.churn_label
    from main.training_dataset as training
    inner join main.training_splits as splits on training.as_of_date = splits.as_of_date
    {join}
    where splits.split = 'test'
),

feature_values as (
    unpivot test_rows on columns(* exclude (churn_label)) into name feature value feature_value
),

counted as (
    select
        feature,
        feature_value,
        sum(churn_label)::bigint as churners,
        sum(1 - churn_label)::bigint as others
    from feature_values
    group by all
),

ranked as (
    select
        *,
        sum(others) over (partition by feature order by feature_value) - others / 2 as others_below
    from counted
)

select feature, sum(churners * others_below) / (sum(churners) * sum(others)) as auc
from ranked
group by feature
having sum(churners) > 0 and sum(others) > 0
order by abs(auc - 0.5) desc, feature
limit {limit}
"""

WITH_CEILING = (
    "inner join ceiling on training.user_id = ceiling.user_id"
    " and training.as_of_date = ceiling.as_of_date"
)

FEATURES = """
select column_name from duckdb_columns()
where
    database_name = current_database() and schema_name = 'main'
    and table_name = 'training_dataset'
    and data_type in ('INTEGER', 'BIGINT', 'DOUBLE')
    and column_name not in ('user_id', 'churn_label')
order by column_index
"""


def prepare(con: Connection) -> None:
    """Create ``observed_users``, one row per user: first and last active day, and the churn.

    A user has churned when the last period of use ended with an observed churn; the gap of the
    labels changes nothing.
    """
    con.execute(OBSERVED_USERS)


def churn_by_engagement(con: Connection) -> pd.DataFrame:
    """One row per decile of the engagement scores: share of users observed to churn."""
    return con.execute(CHURN_BY_ENGAGEMENT).df()


def before_churn(con: Connection) -> pd.DataFrame:
    """One row per day -28 to -1 before the last active: share active, signals per 100 users."""
    return con.execute(BEFORE_CHURN.format(rates=RATES, days=DAYS_BEFORE_CHURN)).df()


def days_of_others(con: Connection) -> dict[str, float]:
    """Return the same rates on the days of users who have not churned; empty without any."""
    [row] = con.execute(OTHERS.format(rates=RATES)).fetchall()
    rates: dict[str, Any] = dict(zip(("active", *SIGNALS), row, strict=True))
    return {name: float(rate) for name, rate in rates.items() if rate is not None}


def label_rate(con: Connection) -> pd.DataFrame:
    """One row per labelled day: share of the training rows with churn_label 1."""
    return con.execute(LABEL_RATE).df()


def periods(con: Connection) -> pd.DataFrame:
    """One row per split: its first and last day."""
    return con.execute(PERIODS).df()


def separation(con: Connection) -> pd.DataFrame:
    """One row per feature, best first: area under the ROC curve on the test days.

    0.5 says nothing; above it churners have the higher values, below it the lower ones. Rows
    without a value are left out.
    """
    names = [name for (name,) in con.execute(FEATURES).fetchall()]
    columns = ", ".join(f"training.{name}::double as {name}" for name in names)
    query = SEPARATION.format(columns=columns, join="", limit=FEATURES_SHOWN)
    return con.execute(query).df()


def ceiling(con: Connection) -> float:
    """Return the area of the best possible prediction on the same rows as the features'."""
    query = SEPARATION.format(columns="ceiling.probability", join=WITH_CEILING, limit=1)
    [(_, auc)] = con.execute(query).fetchall()
    return float(auc)
