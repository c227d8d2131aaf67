"""The headline numbers, and what is known of the build that they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from generator.errors import ElearnError
from generator.publishing.green_build import Build, build_of_content
from generator.report.question import Question, read_question
from generator.warehouse.file import Connection

HEADLINES = """
select
    (select count(*) from raw.users) as users,
    (select count(*) from raw.events) as events,
    (select min(as_of_date) from main.user_daily) as first_day,
    (select max(as_of_date) from main.user_daily) as last_day,
    (select sum(is_active_day) / count(distinct as_of_date) from main.user_daily) as active_users,
    (select avg(has_churned::integer) from observed_users) as churned,
    (select avg(churn_label) from main.training_dataset) as label_rate,
    (select count(*) > 0 from main.churn_labels) as has_labels,
    (select count(*) from main.training_dataset) as training_rows,
    (select count(*) from main.scoring_dataset) as scoring_rows,
    (select dataset_version from raw.loads order by load_id desc limit 1) as dataset_version,
    (
        select kind = 'simulated' from raw.loads where kind <> 'erased'
        order by load_id desc limit 1
    ) as is_simulated,
    (select days_in from main.build_info) as days_in
"""


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
    has_labels: bool
    """Whether a label window has passed."""
    training_rows: int
    scoring_rows: int
    dataset_version: str
    is_simulated: bool
    days_in: str
    """The zone in which days begin."""
    question: Question
    has_ceiling: bool
    """Whether the best possible prediction is known."""
    build: Build | None
    """None when no green build tested what stands in the warehouse now."""


def read_facts(con: Connection, warehouse: Path, *, has_ceiling: bool = False) -> Facts:
    """Read the headline numbers; :func:`generator.report.churn.prepare` comes first."""
    question = read_question(con, warehouse)  # says it where an earlier version built the marts
    found = con.execute(HEADLINES)
    names = [column[0] for column in found.description or ()]
    [row] = found.fetchall()
    headlines: dict[str, Any] = dict(zip(names, row, strict=True))
    build = _build(con, warehouse)
    return Facts(**headlines, question=question, has_ceiling=has_ceiling, build=build)


def _build(con: Connection, warehouse: Path) -> Build | None:
    try:
        return build_of_content(con, warehouse)
    except ElearnError:
        return None
