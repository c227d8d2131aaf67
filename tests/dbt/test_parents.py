"""A run of some models says what comes first, loses nothing, and runs the tests it can."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.sinks.warehouse import generate_warehouse
from tests.conftest import NO_UNIT_TESTS, dbt_writing_to, run_dbt
from tests.dbt.test_incremental import LATE_EVENT
from tests.dbt.warehouses import Warehouse, arrive

PARENTS = {
    "user_features_daily": "user_daily",
    "churn_labels": "user_daily",
    "training_dataset": "user_daily, churn_labels, user_features_daily",
    "training_splits": "user_daily, churn_labels",
    "scoring_dataset": "user_daily, user_features_daily",
    "activity_periods": "user_daily",
}


def what_comes_first(mart: str, parents: str) -> str:
    return (
        f"{mart} is made from {parents}, which this run leaves out of date:"
        f" run `dbt build --select +{mart}`."
    )


def test_after_a_new_day_a_mart_alone_says_which_parents_come_first(warehouse: Warehouse) -> None:
    arrive(warehouse.path, 111)
    done = warehouse.dbt("run", "--select", *PARENTS)
    assert done.returncode == 1
    for mart in ("user_features_daily", "churn_labels"):  # dbt skips what is made from them
        assert what_comes_first(mart, PARENTS[mart]) in done.stdout
    last = ("training_dataset", "training_splits", "scoring_dataset")
    done = warehouse.dbt("run", "--select", *last)
    assert done.returncode == 1
    for mart in last:
        assert what_comes_first(mart, PARENTS[mart]) in done.stdout
    warehouse.run("--select", "+churn_labels")
    warehouse.run()
    warehouse.check_like_full_refresh()


def test_after_a_late_event_a_redone_mart_is_out_of_date_and_a_whole_one_is_refused(
    warehouse: Warehouse,
) -> None:
    warehouse.execute(LATE_EVENT)
    done = warehouse.dbt("run", "--select", "churn_labels")
    assert done.returncode == 0, done.stdout
    assert what_comes_first("churn_labels", "user_daily") in done.stdout
    waiting = "select distinct mart from bookkeeping.outdated where mart = 'churn_labels'"
    assert warehouse.execute(waiting) == [("churn_labels",)]
    done = warehouse.dbt("run", "--select", "training_splits")
    assert done.returncode == 1
    assert what_comes_first("training_splits", PARENTS["training_splits"]) in done.stdout
    warehouse.run()
    warehouse.check_like_full_refresh()


def test_other_vars_are_refused_for_a_mart_without_its_parents(warehouse: Warehouse) -> None:
    done = warehouse.dbt("run", "--select", "churn_labels", "--vars", "label_window_days: 7")
    assert done.returncode == 1
    assert what_comes_first("churn_labels", "user_daily") in done.stdout
    warehouse.run()
    warehouse.check_like_full_refresh()


@pytest.mark.parametrize(
    "option", ["--select=user_daily", pytest.param("--full-refresh", marks=pytest.mark.slow)]
)
def test_a_run_without_rows_leaves_work_behind(option: str, warehouse: Warehouse) -> None:
    arrive(warehouse.path, 111)
    done = warehouse.dbt("run", "--empty", option)
    assert done.returncode == 0, done.stdout
    warehouse.run()
    warehouse.check_like_full_refresh()


@pytest.mark.slow
def test_a_new_file_takes_staging_with_its_tests_and_then_the_marts(tmp_path: Path) -> None:
    warehouse, variables = tmp_path / "warehouse.duckdb", dbt_writing_to(tmp_path)
    generate_warehouse(warehouse, Settings(n_users=20, days=70), workers=1)
    done = run_dbt(warehouse, variables, "run", "--select", "user_daily")
    assert done.returncode == 1
    assert what_comes_first("user_daily", "stg_events, stg_user_changes, stg_users") in done.stdout
    build = ("build", *NO_UNIT_TESTS)
    for selected, is_green in (("staging", 0), ("marts", 0), ("*", 1)):
        done = run_dbt(warehouse, variables, *build, "--select", selected)
        assert done.returncode == 0, done.stdout
        assert " PASS " in done.stdout
        with duckdb.connect(str(warehouse), read_only=True) as con:
            [(found,)] = con.execute("select count(*) from bookkeeping.green_build").fetchall()
        assert found == is_green, selected


def test_no_test_is_left_out_of_a_run_of_everything_or_of_the_marts(tmp_path: Path) -> None:
    variables = dbt_writing_to(tmp_path)
    listing = ("--quiet", "ls", "--resource-type", "test", "--resource-type", "unit_test")
    for selected in ("*", "marts"):
        found = [
            set(
                run_dbt(
                    tmp_path / "warehouse.duckdb", variables, *listing, "--select", selected, *mode
                ).stdout.splitlines()
            )
            for mode in ((), ("--indirect-selection", "eager"))
        ]
        assert found[0] == found[1]
        assert len(found[0]) > 45
