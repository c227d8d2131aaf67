"""Data tests look at the content that has not passed them yet, and at all of that."""

from __future__ import annotations

import json
import os
import re
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.sinks.daily import generate_through
from tests.conftest import NO_UNIT_TESTS, WRITING_RESULTS, copy_project, dbt_writing_to, run_dbt
from tests.preloaded import run_python

SETTINGS = Settings(n_users=20, days=80, paid_ratio=0.6, churn_base_rate=0.8)
OLD_DAY = "date '2025-01-20'"  # not the first of a month, where dear tests look anyway
CUT = r"between date '[-0-9]+' - [0-9]"
"""What stands in the SQL of a test that looks at some days."""
LEFT_OUT = " is null)"
"""What stands there where a test leaves out all days."""

OLD_FAULTS = {
    "features_agree_with_the_days": "update user_features_daily set logins_14d = logins_14d + 1",
    "features_have_the_rows_of_user_daily": "delete from user_features_daily",
    "labels_agree_with_the_events": (
        "update churn_labels set churn_label = 1, future_active_days = 0"
    ),
    "user_daily_agrees_with_the_events": (
        "update user_daily set logins_count = logins_count + 1, total_events = total_events + 1"
    ),
    "user_daily_has_the_attributes_of_raw_users": "update user_daily set country = 'XX'",
    "labels_cover_exactly_the_observed_label_windows": "delete from churn_labels",
    "training_dataset_is_features_with_labels": "delete from training_dataset",
    "datasets_hold_the_features_of_their_days": "update training_dataset set events_7d = 1000",
}
"""Tests, and what they catch in rows of one user on an old day that no build redoes."""


class Project:
    """A copy of the project with a warehouse whose first 70 days passed all tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = folder / "warehouse.duckdb"
        self.arrive(70)
        self.restore()
        assert self.failing("build") == set()
        self.warehouse.rename(folder / "kept.duckdb")

    def restore(self) -> None:
        self.where = copy_project(self.folder)
        kept = self.folder / "kept.duckdb"
        if kept.exists():
            self.warehouse.write_bytes(kept.read_bytes())

    def arrive(self, days: int) -> None:
        through = SETTINGS.start_date + timedelta(days=days - 1)
        generate_through(self.warehouse, SETTINGS, through, replace=False, workers=1)

    def execute(self, *statements: str) -> list[tuple]:
        with duckdb.connect(str(self.warehouse)) as con:
            for statement in statements:
                con.execute(statement)
            return con.fetchall()

    def plant(self, days: dict[str, str]) -> None:
        """Plant the fault of each test on a day, each in the rows of another user."""
        rows = "as_of_date >= date '2025-01-20' group by user_id order by count(*) desc, user_id"
        users = self.execute(f"select user_id from training_dataset where {rows} limit {len(days)}")
        for (user,), (test, day) in zip(users, days.items(), strict=True):
            self.execute(f"{OLD_FAULTS[test]} where as_of_date = {day} and user_id = {user}")

    def failing(self, command: str, *arguments: str) -> set[str]:
        """Run dbt and return the names of the tests that fail."""
        no_unit_tests = () if command == "run" else NO_UNIT_TESTS
        options = (*no_unit_tests, *arguments, *self.where)
        variables = dbt_writing_to(self.folder) | WRITING_RESULTS
        done = run_dbt(self.warehouse, variables, command, *options)
        results = json.loads((self.folder / "target/run_results.json").read_text())["results"]
        self.sql = {row["unique_id"].split(".")[2]: row["compiled_code"] for row in results}
        failed = {row["unique_id"] for row in results if row["status"] in ("fail", "error")}
        assert bool(failed) == bool(done.returncode), done.stdout
        return {unique_id.split(".")[2] for unique_id in failed}

    def cut_tests(self) -> set[str]:
        """Return the tests of the last run that looked at some days only."""
        return {name for name, sql in self.sql.items() if re.search(CUT, sql or "")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("by_content"))


@pytest.fixture
def project(built: Project) -> Project:
    built.restore()
    return built


@pytest.mark.slow
def test_a_fault_in_an_old_day_is_found_until_it_is_gone(project: Project) -> None:
    project.plant(dict.fromkeys(OLD_FAULTS, OLD_DAY))
    assert project.failing("test") >= OLD_FAULTS.keys()
    for _ in range(2):  # dbt leaves out what is made from a mart whose tests fail
        assert project.failing("build") >= {
            test for test in OLD_FAULTS if test.startswith("user_daily")
        }
    assert project.failing("run", "--full-refresh") == set()
    assert project.failing("build") == set()


def test_a_change_of_a_user_that_is_not_in_the_marts_is_found(project: Project) -> None:
    change = "(1, date '2025-01-20', 'paid', 1, 'XX', 'radio')"
    project.execute(f"insert into raw.user_changes values {change}")
    by_attributes = "user_daily_has_the_attributes_of_raw_users"
    assert project.failing("test") == {by_attributes}
    assert project.failing("run") == set()
    assert project.failing("test", "--select", by_attributes) == set()


def test_a_fault_in_a_day_that_changed_is_found(project: Project) -> None:
    project.arrive(71)
    assert project.failing("run") == set()
    days = {}
    for test, fault in OLD_FAULTS.items():
        [mart] = re.findall("user_daily|user_features_daily|churn_labels|training_dataset", fault)
        [(day,)] = project.execute(f"select max(as_of_date) from {mart}")
        days[test] = f"date '{day}'"
    project.plant(days)
    assert project.failing("test") >= OLD_FAULTS.keys()


def test_a_new_day_is_all_that_is_tested(project: Project) -> None:
    project.arrive(71)
    assert project.failing("build") == set()
    assert project.cut_tests() >= OLD_FAULTS.keys()
    assert "2025-03-12" in project.sql["features_have_the_rows_of_user_daily"]


@pytest.mark.slow
def test_everything_is_tested_again_when_asked_and_when_anything_else_changed(
    project: Project,
) -> None:
    assert project.failing("test") == set()
    assert project.cut_tests() == set(), "no day is left"
    everything = {"labels_agree_with_the_events", "constraints_hold_user_daily_"}
    project.arrive(71)
    assert project.failing("build", "--full-refresh") == set()
    assert not everything & project.cut_tests()
    macro = project.folder / "dbt_project/macros/scaling.sql"
    macro.write_text(macro.read_text().replace("* 10000)", "* 10000 + 0)"))
    assert project.failing("test") == set()
    assert not everything & project.cut_tests()
    assert project.failing("test", "--vars", "my_own: 1") == set()
    assert not everything & project.cut_tests()


@pytest.mark.slow
def test_a_run_that_fails_or_leaves_out_a_test_passes_nothing(project: Project) -> None:
    project.arrive(71)
    project.execute(f"update user_features_daily set logins_14d = 99 where as_of_date = {OLD_DAY}")
    assert project.failing("build", "--select", "user_daily") == set()
    assert "features_agree_with_the_days" in project.failing("build")
    assert "features_agree_with_the_days" in project.failing("test")
    assert "2025-03-12" in project.sql["features_have_the_rows_of_user_daily"]


@pytest.mark.slow
def test_a_test_that_somebody_adds_is_whole_unless_it_asks(project: Project) -> None:
    folder = project.folder / "dbt_project/tests"
    count = "select count(*) from {{ ref('user_daily') }} having count(*) != 20 * 71"
    (folder / "counts.sql").write_text(count)
    asks = "select * from {{ ref('user_daily') }} where user_id is null and {{ is_untested(%s) }}"
    (folder / "asks.sql").write_text(asks % "'as_of_date', 'main.user_daily'")
    warns = "{{ config(severity='warn') }} " + asks % "'as_of_date', 'main.user_daily'"
    (folder / "warns.sql").write_text(warns)
    project.arrive(70)
    assert project.failing("build") == {"counts"}
    project.arrive(71)
    assert project.failing("build") == set()
    assert project.failing("build") == set()
    project.arrive(72)
    assert project.failing("build") == {"counts"}
    assert {"asks"} <= project.cut_tests()
    assert not {"counts", "warns"} & project.cut_tests()
    (folder / "asks.sql").write_text(asks % "'as_of_date', 'main.churn_labels'")
    assert "asks" in project.failing("test")


@pytest.mark.slow
def test_a_view_of_more_than_raw_events_is_tested_whole(project: Project) -> None:
    staging = project.folder / "dbt_project/models/staging"
    where = "{config: {where: event_date is untested in raw.events}}"
    tables = f"[{{name: copies, columns: [{{name: copy, data_tests: [unique: {where}]}}]}}]"
    source = f"sources: [{{name: own, schema: raw, tables: {tables}}}]"
    (staging / "_own__sources.yml").write_text(source)
    view = staging / "stg_events.sql"
    view.write_text(view.read_text() + "cross join {{ source('own', 'copies') }}\n")
    project.execute("create table raw.copies as select 1 as copy")
    assert project.failing("build") == set()
    assert not [test for test in OLD_FAULTS if LEFT_OUT in project.sql[test]], "the code is another"
    project.execute("insert into raw.copies values (2)")
    assert project.failing("test", "--select", "stg_events") == {"unique_stg_events_event_id"}


ONE_GRAPH = """
import sys
import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner
test, fault, *where = sys.argv[1:]
def run(runner, *command):
    done = runner.invoke([*command, "--quiet", *where])
    DuckDBConnectionManager.close_all_connections()
    reset_adapters()
    return done
runner = dbtRunner(manifest=run(dbtRunner(), "parse").result)
ends = [run(runner, "test", "--select", test).success]
with duckdb.connect("warehouse.duckdb") as con:
    con.execute(fault)
ends.append(run(runner, "test", "--select", test).success)
sys.exit(ends != [True, False])
"""
"""Tests twice on what dbt parsed once, with a fault in between."""


@pytest.mark.slow
def test_a_run_on_the_graph_of_an_earlier_run_looks_at_what_changed_since(project: Project) -> None:
    test = "features_have_the_rows_of_user_daily"
    fault = f"{OLD_FAULTS[test]} where as_of_date = {OLD_DAY} and user_id = 1"
    names = {"ELEARN_WAREHOUSE": "warehouse.duckdb"}
    variables = os.environ | dbt_writing_to(project.folder) | names
    done = run_python(["-c", ONE_GRAPH, test, fault, *project.where], project.folder, variables)
    assert done.returncode == 0, done.stdout
