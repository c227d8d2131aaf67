"""The headline numbers, and what is known of the build that they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from generator.report.churn import label_window_days
from generator.warehouse import Connection, has_table

HEADLINES = """
select
    (select count(*) from raw.users) as users,
    (select count(*) from raw.events) as events,
    (select min(as_of_date) from main.user_daily) as first_day,
    (select max(as_of_date) from main.user_daily) as last_day,
    (select sum(is_active_day) / count(distinct as_of_date) from main.user_daily) as active_users,
    (select avg(has_churned::integer) from observed_users) as churned,
    (select avg(churn_label) from main.training_dataset) as label_rate,
    (select count(*) from main.training_dataset) as training_rows,
    (select count(*) from main.scoring_dataset) as scoring_rows,
    (select dataset_version from raw.loads order by load_id desc limit 1) as dataset_version
"""

BUILDS = ("main.build_info", "bookkeeping.green_build")
"""Where a published copy and a warehouse keep what they know of their last green build."""


@dataclass(frozen=True)
class Build:
    """A build whose tests all passed."""

    built_at: datetime
    tests_passed: int
    tests_warned: int
    dbt_version: str
    duckdb_version: str


@dataclass(frozen=True)
class Facts:
    """What stands on top of the page; None for what the data cannot tell."""

    users: int
    events: int
    first_day: date | None
    last_day: date | None
    active_users: float | None
    """Active users on an average day."""
    churned: float | None
    """Share of users observed to churn."""
    label_rate: float | None
    training_rows: int
    scoring_rows: int
    dataset_version: str
    label_window_days: int | None
    build: Build | None
    """None when the data was not tested since it was loaded."""


def read_facts(con: Connection) -> Facts:
    """Read the headline numbers; :func:`generator.report.churn.prepare` comes first."""
    found = con.execute(HEADLINES)
    names = [column[0] for column in found.description or ()]
    [row] = found.fetchall()
    headlines: dict[str, Any] = dict(zip(names, row, strict=True))
    return Facts(**headlines, label_window_days=label_window_days(con), build=read_build(con))


def read_build(con: Connection) -> Build | None:
    """Return the last green build, None when there is none since the last load."""
    for table in BUILDS:
        if has_table(con, table):
            rows = con.execute(f"""
                select built_at, tests_passed, tests_warned, dbt_version, duckdb_version
                from {table}
                where built_at >= (select max(loaded_at) from raw.loads)
            """).fetchall()
            return Build(*rows[0]) if rows else None
    return None
