"""What each chart must show, in plain SQL on the published file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from tests.conftest import ROOT

PAGE = ROOT / "docs/queries.md"
READY = dict(re.findall(r"^## (.+?)$.*?```sql\n(.+?);\n```", PAGE.read_text(), re.DOTALL | re.M))
"""The ready queries of docs/queries.md by their question."""

AT_RISK = READY["Who is at risk today?"]


@dataclass(frozen=True)
class Chosen:
    """What the filters of the dashboard are set to; the second day is the first left out."""

    plan: str | None = None
    country: str | None = None
    days: tuple[date, date] | None = None

    @property
    def users(self) -> str:
        """A condition on users."""
        chosen = {"plan": self.plan, "country": self.country}
        return " and ".join(
            ["true", *(f"{name} = '{text}'" for name, text in chosen.items() if text)]
        )

    def among(self, day: str) -> str:
        """Return a condition on users and their days."""
        if self.days is None:
            return self.users
        first_day, end = self.days
        return f"{self.users} and {day} >= date '{first_day}' and {day} < date '{end}'"


EVERYTHING = Chosen()

MONDAY = "date_trunc('week', {})::date"
WEEK = MONDAY.format("as_of_date")
WHOLE = "count(distinct as_of_date) = 7"
ACTIVE = "count(distinct user_id) filter (where is_active_day = 1)"

SERIES = {
    "Active users a day": """
        select as_of_date, plan, sum(is_active_day) from user_daily group by all
    """,
    "Active users a week": f"""
        select {WEEK}, 'active_users', {ACTIVE} from user_daily group by all having {WHOLE}
    """,
    "Label rate by plan and week": f"""
        select {WEEK}, plan, avg(churn_label) from training_dataset group by all having {WHOLE}
    """,
    "Label rate by days since last activity": """
        select days_since_last_activity, 'label_rate', avg(churn_label)
        from training_dataset group by all
    """,
    "Revenue a month": """
        select
            date_trunc('month', as_of_date)::date,
            'revenue',
            sum(amount_paid_sum::decimal(18, 4))
        from user_daily group by all
    """,
    "Periods of use by length": """
        select
            duration_days - duration_days % 30,
            case churn_observed when 1 then 'ended' else 'not ended yet' end,
            count(*)
        from activity_periods where duration_days is not null group by all
    """,
}
"""What the charts with a horizontal axis show: its values, the series and theirs."""

ROWS = {
    "Users to score": "select count(*) as users from scoring_dataset",
    # in the report's words: those whose last period has ended, of those of whom one can tell
    "Observed churn": """
        select avg(has_left) as observed_churn
        from (
            select arg_max(churn_observed, period_number) as has_left
            from activity_periods group by user_id having count(duration_days) > 0
        )
    """,
    "What was built": """
        select dataset_version, epoch(built_at) * 1000 as built_at, tests_passed, days_in
        from published.build_info
    """,
    "Retention by week of signup": f"""
        select
            ({WEEK} - {MONDAY.format("signup_date")}) // 7 as weeks_since_signup,
            {MONDAY.format("signup_date")}::varchar as signup_week,
            {ACTIVE} / count(distinct user_id) as retention
        from user_daily where {WEEK} > {MONDAY.format("signup_date")}
        group by all having {WHOLE}
    """,
    "Users at risk": "select * from users_at_risk",
    "Labelled days by country": """
        select country, count(*) as user_days, avg(churn_label) as label_rate
        from labelled_days group by country
    """,
}
"""What the other charts show, row by row."""


@contextmanager
def judging(published: Path, chosen: Chosen) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published file with the rows that the filters leave as views of the same names."""
    with duckdb.connect() as con:
        con.execute(f"attach '{published}' as published (read_only)")
        con.execute("use published")
        # Before the views, because how often users churn is asked of all of them.
        at_risk = f"select * from ({AT_RISK}) where {chosen.users}"
        con.execute(f"create temporary table users_at_risk as {at_risk}")
        for table, day in (
            ("user_daily", "as_of_date"),
            ("training_dataset", "as_of_date"),
            ("activity_periods", "period_start"),
        ):
            left = f"select * from published.{table} where {chosen.among(day)}"
            con.execute(f"create temporary view {table} as {left}")
        con.execute(f"""
            create temporary view scoring_dataset as
            select * from published.scoring_dataset where {chosen.users};
            create temporary view labelled_days as
            select labels.*, days.country
            from published.churn_labels as labels
            inner join user_daily as days using (user_id, as_of_date)
        """)
        yield con


def expected(con: duckdb.DuckDBPyConnection, chart: str) -> list[tuple[Any, ...]]:
    """Return what a chart must show, in no order."""
    found = con.execute(SERIES[chart] if chart in SERIES else ROWS[chart])
    return sorted((tuple(plain(value) for value in row) for row in found.fetchall()), key=repr)


def shown(chart: str, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return the rows that a chart was given, in no order and as `expected` has them."""
    found: list[tuple[Any, ...]] = []
    for row in rows:
        first, *others = row.items()
        if chart in SERIES:
            found += [(first[1], *cell) for cell in others if cell[1] is not None]
        else:
            found.append(tuple(value for name, value in row.items() if name != "rank"))
    return sorted((tuple(plain(value) for value in row) for row in found), key=repr)


def plain(value: Any) -> Any:
    """Return a value as JSON has it: numbers as doubles, and days as milliseconds since 1970."""
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).total_seconds() * 1000
    return value if isinstance(value, str) or value is None else float(value)
