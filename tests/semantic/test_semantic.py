"""MetricFlow's answers are those of SQL on the published file, without a network."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT, run_elearn

pytestmark = pytest.mark.semantic

NOWHERE = "http://127.0.0.1:9"
"""A proxy that answers nobody: nothing may be asked for elsewhere."""

SIZE = ("--n-users", 80, "--days", 100, "--churn-base-rate", 0.8)

USERS = "count(distinct user_id) filter (is_active_day = 1)"
PAID = "sum(amount_paid_sum::decimal(18, 4))"
BY_DAY = f"select as_of_date, {USERS}, {PAID} from user_daily group by all order by all"
BY_PLAN = "select plan, avg(churn_label) from training_dataset group by all order by all"
BY_WEEK = f"""
    select date_trunc('week', as_of_date)::date, {USERS} from user_daily group by all order by all
"""
CHURN = """
    select avg(has_left) from (
        select arg_max(churn_observed, period_number) as has_left
        from activity_periods group by user_id having count(duration_days) > 0
    )
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]) -> Path:
    folder = tmp_path_factory.mktemp("built")
    run_elearn(folder, dbt_variables, "build", "--quiet", *SIZE)
    return folder / "published/elearn.duckdb"


class MetricFlow:
    """The example in a folder of its own, with the environment that has MetricFlow."""

    def __init__(self, scripts: Path, folder: Path, published: Path) -> None:
        self.scripts = scripts
        self.folder = Path(shutil.copytree(ROOT / "examples/semantic", folder))
        ours = {"PYTHONPATH", "DBT_WRITE_JSON", "DBT_LOG_LEVEL_FILE"}
        theirs = {name: value for name, value in os.environ.items() if name not in ours}
        self.variables = theirs | {
            "ELEARN_PUBLISHED": str(published),
            "HOME": str(folder),
            "HTTPS_PROXY": NOWHERE,
        }

    def run(self, command: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.scripts / command, *arguments],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(self, metrics: str, group_by: str = "") -> list[list[str]]:
        """Return the rows of ``mf query``, ordered by what they are grouped by."""
        grouped = ("--group-by", group_by, "--order", group_by) if group_by else ()
        self.run("mf", "query", "--metrics", metrics, *grouped, "--csv", "answer.csv")
        with (self.folder / "answer.csv").open(newline="") as file:
            return list(csv.reader(file))[1:]


@pytest.fixture(scope="module")
def flow(
    published: Path, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> MetricFlow:
    scripts = Path(pytestconfig.getoption("semantic")).absolute()
    flow = MetricFlow(scripts, tmp_path_factory.mktemp("flow") / "semantic", published)
    flow.run("dbt", "build")
    return flow


def plain(cell: str | float | date | None) -> str | float | None:
    """Return a cell as both sides can be compared: numbers as doubles, days without a time."""
    text = str(cell)
    try:
        return float(text)
    except ValueError:
        return text.removesuffix("T00:00:00").removesuffix(" 00:00:00")


@pytest.mark.parametrize(
    ("metrics", "group_by", "sql"),
    [
        ("active_users,revenue", "metric_time__day", BY_DAY),
        ("active_users", "metric_time__week", BY_WEEK),
        ("label_rate", "labelled_day__plan", BY_PLAN),
        ("observed_churn", "", CHURN),
    ],
)
def test_metricflow_answers_what_the_file_holds(
    metrics: str, group_by: str, sql: str, flow: MetricFlow, published: Path
) -> None:
    with duckdb.connect(str(published), read_only=True) as con:
        expected = [[plain(cell) for cell in row] for row in con.execute(sql).fetchall()]
    assert expected
    found = [[plain(cell) for cell in row] for row in flow.ask(metrics, group_by)]
    assert found == expected
