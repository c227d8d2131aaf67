"""An incremental build gives the bits of a full refresh, whatever happened to the raw tables.

The full refresh is the models as ``dbt compile --full-refresh`` writes them, run in memory on a copy
of the same raw tables; one test holds a real full refresh to it.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.arriving import generate_through
from generator.generating import generate
from tests.conftest import run_dbt
from tests.dbt.marts import MARTS, Marts, check_equal, vars_arguments
from tests.dbt.worlds import VARS

# The vars "fixed_ends" name days of this window.
SETTINGS = Settings(
    n_users=50, days=120, start_date=date(2024, 1, 10), churn_base_rate=0.8, paid_ratio=0.5
)
DAYS_AT_FIRST = 110


def arrive(warehouse: Path, days: int) -> None:
    through = SETTINGS.start_date + timedelta(days=days - 1)
    generate_through(warehouse, SETTINGS, through, replace=False, workers=1)


def execute(warehouse: Path, *statements: str) -> list[tuple]:
    with duckdb.connect(str(warehouse)) as con:
        for statement in statements:
            con.execute(statement)
        return con.fetchall()


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]) -> Path:
    warehouse = tmp_path_factory.mktemp("incremental") / "warehouse.duckdb"
    arrive(warehouse, DAYS_AT_FIRST)
    done = run_dbt(warehouse, dbt_variables, "run")
    assert done.returncode == 0, done.stdout
    return warehouse


class Warehouse:
    """A built warehouse of a test's own."""

    def __init__(self, path: Path, variables: dict[str, str], marts: dict[str, Marts]) -> None:
        self.path, self.variables, self.marts = path, variables, marts

    def execute(self, *statements: str) -> list[tuple]:
        return execute(self.path, *statements)

    def run(self, *arguments: str, given: str = "defaults") -> None:
        variables = vars_arguments(VARS[given]) if given != "defaults" else []
        done = run_dbt(self.path, self.variables, "run", *arguments, *variables)
        assert done.returncode == 0, done.stdout

    def check_like_full_refresh(self, given: str = "defaults", rows: bool = True) -> None:
        with self.marts[given].build_like(self.path) as con:
            check_equal(con, "stored", "compiled")
            for mart in MARTS:
                [(found,)] = con.execute(f"select count(*) > 0 from {mart}").fetchall()
                assert found == rows, f"{mart} has rows to compare"
        assert self.execute("from bookkeeping.outdated") == []


@pytest.fixture
def warehouse(
    built_once: Path, tmp_path: Path, dbt_variables: dict[str, str], marts: dict[str, Marts]
) -> Warehouse:
    path = tmp_path / "warehouse.duckdb"
    shutil.copy(built_once, path)
    return Warehouse(path, dbt_variables, marts)


def test_a_real_full_refresh_is_the_compiled_models(warehouse: Warehouse) -> None:
    warehouse.check_like_full_refresh()
    warehouse.run("--full-refresh")
    warehouse.check_like_full_refresh()


MARK = "update user_daily set country = 'marked' where as_of_date = date '2024-02-01'"
MARKED = "select count(*) > 0 from user_daily where country = 'marked'"
UNMARK = """
    update user_daily set country = users.country from raw.users as users
    where user_daily.user_id = users.user_id and user_daily.country = 'marked'
"""


def test_day_by_day_and_several_days_at_once_redo_no_older_row(warehouse: Warehouse) -> None:
    warehouse.execute(MARK)
    for days in (111, 112, 120):
        arrive(warehouse.path, days)
        warehouse.run()
        assert warehouse.execute(MARKED) == [(True,)]
        warehouse.execute(UNMARK)
        warehouse.check_like_full_refresh()
        warehouse.execute(MARK)


def test_a_repeated_build_redoes_nothing(warehouse: Warehouse) -> None:
    every_mart = ["user_daily", "user_features_daily", "training_dataset"]
    marks = [MARK.replace("user_daily", mart) for mart in every_mart]
    warehouse.execute(*marks, "update churn_labels set future_active_days = 31")
    warehouse.run()
    for mart in every_mart:
        assert warehouse.execute(MARKED.replace("user_daily", mart)) == [(True,)]
    assert warehouse.execute("select min(future_active_days) from churn_labels") == [(31,)]


def event(user: str, day: str, event_type: str = "login", number: int = 0) -> str:
    """SQL that adds one event."""
    return f"""
        insert into raw.events by name select
            {900 + number} as event_id, ({user}) as user_id, date '{day}' as event_date,
            timestamp '{day} 23:59:59.999999' as event_time, '{event_type}' as event_type,
            77.0625 as quiz_score, 12.3456 as watch_minutes, 0.0001 as amount
    """


# The last day is 2024-04-28; user 1 signed up before the first day, 2024-01-10.
A_CHURNED_USER = "select min(user_id) from truth.users where churn_date < date '2024-03-01'"
CHANGES = {
    "an_event_ten_days_late": [event("1", "2024-04-18", "quiz_attempt")],
    "an_event_a_hundred_days_late": [event(A_CHURNED_USER, "2024-01-19", "video_watch")],
    "a_churned_user_comes_back": [event(A_CHURNED_USER, "2024-04-28")],
    "a_late_user_with_late_events": [
        "insert into raw.users values (1000, date '2024-02-10', 'paid', 1, 'IN', 'ads', null)",
        "insert into raw.users values (1001, date '2024-02-11', 'paid', 1, 'IN', 'ads', null)",
        event("1000", "2024-02-29", "payment_success"),
    ],
    "an_earlier_first_day": [
        "insert into raw.users values (1000, date '2023-12-20', 'paid', 1, 'IN', 'ads', null)",
        event("1000", "2023-12-24"),
    ],
    "events_deleted_by_hand": [
        "delete from raw.events where user_id = 7 and event_date > date '2024-03-01'",
        "delete from raw.events where event_date = date '2024-02-14'",
    ],
    "a_user_deleted_by_hand": [
        "delete from raw.events where user_id = 7",
        "delete from raw.users where user_id = 7",
    ],
    "the_last_days_deleted": ["delete from raw.events where event_date > date '2024-04-10'"],
    "scores_and_types_changed_by_hand": [
        "update raw.events set quiz_score = 0.0001 where quiz_score > 60 and user_id % 3 = 0",
        "update raw.events set event_type = 'support_ticket' where event_type = 'login'"
        " and user_id = 11",
    ],
    "a_user_changed_by_hand": [
        "update raw.users set country = 'FR', signup_date = date '2023-12-01' where user_id = 12"
    ],
    "events_given_to_another_user": [
        "update raw.events set user_id = 14 where user_id = 13 and event_date < date '2024-02-01'"
    ],
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_the_raw_tables_is_seen(change: str, warehouse: Warehouse) -> None:
    warehouse.execute(*CHANGES[change])
    warehouse.run()
    warehouse.check_like_full_refresh()


def test_data_replaced_and_then_emptied(warehouse: Warehouse) -> None:
    generate(warehouse.path, Settings(n_users=60, days=90), workers=1)
    warehouse.run()
    warehouse.check_like_full_refresh()
    warehouse.execute("delete from raw.events")
    warehouse.run()
    warehouse.check_like_full_refresh(rows=False)


def test_changed_vars_and_back(warehouse: Warehouse) -> None:
    for given in ("fixed_ends", "defaults"):
        warehouse.run(given=given)
        warehouse.check_like_full_refresh(given)


def test_a_build_of_some_models_leaves_the_others_work_for_the_next(warehouse: Warehouse) -> None:
    arrive(warehouse.path, 115)
    warehouse.run("--select", "user_daily", "churn_labels")
    warehouse.execute(*CHANGES["an_event_ten_days_late"])
    warehouse.run("--select", "user_features_daily")
    warehouse.run()
    warehouse.check_like_full_refresh()


@pytest.mark.parametrize(
    "change", ["add column extra integer", "drop column watch_minutes_sum"], ids=["add", "drop"]
)
def test_a_mart_with_other_columns_fails_and_says_what_to_do(
    change: str, warehouse: Warehouse
) -> None:
    warehouse.execute(f"alter table user_daily {change}")
    done = run_dbt(warehouse.path, warehouse.variables, "run")
    assert done.returncode == 1
    assert "schemas on this incremental model are out of sync" in done.stdout
    assert "full_refresh: True" in done.stdout
    warehouse.run("--full-refresh")
    warehouse.check_like_full_refresh()
