"""What users do: one query per chart, aggregated in the engine.

Everything comes from ``raw`` and the marts, so that a published copy is as good as the warehouse.
Each result is small, ordered, and the same for the same data: what is averaged are whole numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.report.survival import kaplan_meier
from generator.warehouse.summary import has_changes

if TYPE_CHECKING:
    import pandas as pd

    from generator.warehouse.file import Connection

MOST_COHORTS = 6

DAILY_ACTIVE_USERS = """
with days as (
    select as_of_date, sum(is_active_day)::integer as active_users
    from main.user_daily
    group by as_of_date
)

select
    as_of_date,
    active_users,
    case
        when count(*) over week = 7 then avg(active_users) over week
    end as mean_of_7_days
from days
window week as (order by as_of_date rows 6 preceding)
order by as_of_date
"""

WEEKLY_RHYTHM = """
with days as (
    select as_of_date, sum(is_active_day) as active_users
    from main.user_daily
    group by as_of_date
)

select
    isodow(as_of_date)::integer as day_of_week,
    any_value(dayname(as_of_date)) as weekday,
    avg(active_users) as active_users,
    count(*)::integer as days
from days
group by day_of_week
order by day_of_week
"""

EVENT_MIX = """
select event_type, count(*)::bigint as events, count(*) / sum(count(*)) over () as share
from raw.events
group by event_type
order by events desc, event_type
"""

ENGAGEMENT = """
with scores as (
    select least(floor(engagement_score * 20), 19)::integer as bin
    from raw.users
    where engagement_score is not null
)

select bin / 20 as score_from, (bin + 1) / 20 as score_to,
    count(*)::integer as users,
    20 * count(*) / sum(count(*)) over () as density
from scores
group by bin
order by bin
"""

RETENTION = """
with grouped_users as (
    select user_id, first_day, {group} as user_group from observed_users
),

user_weeks as (
    select
        any_value(users.user_group) as user_group,
        (days.as_of_date - users.first_day) // 7 as week,
        max(days.is_active_day) as is_active
    from main.user_daily as days
    inner join grouped_users as users on days.user_id = users.user_id
    group by users.user_id, week
    having count(*) = 7
),

weeks as (
    select user_group, week::integer as week, count(*)::integer as users, avg(is_active) as share
    from user_weeks
    group by all
),

groups as (
    select user_group, count(*)::integer as group_users
    from grouped_users
    group by user_group
),

shown_groups as (
    select * from groups {kept}
)

select
    groups.user_group || ' (' || format('{{:,}}', groups.group_users)
        || if(groups.group_users = 1, ' user)', ' users)') as user_group,
    weeks.week, weeks.users, weeks.share
from weeks
inner join shown_groups as groups on weeks.user_group = groups.user_group
where weeks.users * 2 >= groups.group_users
order by all
"""

CONVERSION = """
with upgrades as (
    select user_id, min(valid_from) as paid_from
    from raw.user_changes
    where plan = 'paid'
    group by user_id
),

windows as (
    select max(as_of_date) as last_day from main.user_daily
),

free_users as (
    select
        (least(upgrades.paid_from, windows.last_day) - users.first_day)::integer as day,
        coalesce(upgrades.paid_from <= windows.last_day, false) as is_upgraded
    from observed_users as users
    cross join windows
    left join upgrades on users.user_id = upgrades.user_id
    where
        users.plan = 'free'
        and (upgrades.paid_from is null or upgrades.paid_from > users.first_day)
)

select day, count(*) as last_seen, count(*) filter (where is_upgraded) as events
from free_users
group by day
order by day
"""

# Lines of a handful of users would hide the others.
LARGE_COHORTS = (
    "qualify group_users * 10 >= max(group_users) over ()"
    f" and row_number() over (order by group_users desc, user_group) <= {MOST_COHORTS}"
)

COHORTS = {
    "month": "strftime(signup_date, '%Y-%m')",
    "quarter": "year(signup_date) || ' Q' || quarter(signup_date)",
    "year": "strftime(signup_date, '%Y')",
}


def daily_active_users(con: Connection) -> pd.DataFrame:
    """One row per day: active users, and their mean over the week that ends there."""
    return con.execute(DAILY_ACTIVE_USERS).df()


def weekly_rhythm(con: Connection) -> pd.DataFrame:
    """One row per day of the week: active users on an average one."""
    return con.execute(WEEKLY_RHYTHM).df()


def event_mix(con: Connection) -> pd.DataFrame:
    """One row per event type: events and their share of all."""
    return con.execute(EVENT_MIX).df()


def engagement(con: Connection) -> pd.DataFrame:
    """One row per twentieth of the engagement scores: users and density."""
    return con.execute(ENGAGEMENT).df()


def retention_by_plan(con: Connection) -> pd.DataFrame:
    """One row per plan and week since the first day: share of users active in the week.

    Weeks that fewer than half of the users could live through within the data are left out.
    """
    return con.execute(RETENTION.format(group="plan", kept="")).df()


def retention_by_cohort(con: Connection) -> pd.DataFrame:
    """One row per signup cohort and week, like :func:`retention_by_plan`.

    At most the six largest cohorts, and none smaller than a tenth of the largest.
    """
    group = COHORTS[cohort_grain(con)]
    return con.execute(RETENTION.format(group=group, kept=LARGE_COHORTS)).df()


def conversion(con: Connection) -> pd.DataFrame | None:
    """One row per day since the first day: free users so far, upgrades, share upgraded by then.

    None where nobody was free on the first day and became paid within the window.
    """
    if not has_changes(con):
        return None
    days = kaplan_meier(con.execute(CONVERSION).df()).rename(columns={"events": "upgrades"})
    paid = days.assign(share=1 - days["share"])[["day", "users", "upgrades", "share"]]
    return paid if paid["upgrades"].any() else None


def cohort_grain(con: Connection) -> str:
    """Return the finest period that makes few cohorts of the signups."""
    counts = ", ".join(f"count(distinct {group}) as {name}" for name, group in COHORTS.items())
    [row] = con.execute(f"select {counts} from observed_users").fetchall()
    few = (name for name, count in zip(COHORTS, row, strict=True) if count <= MOST_COHORTS)
    return next(few, "year")
