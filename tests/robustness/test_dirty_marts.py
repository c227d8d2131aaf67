"""Faults planted in the tables by hand: the dbt test that is there for each catches it, by name."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.conftest import WRITING_RESULTS, dbt_writing_to, run_dbt, run_elearn


def bare(*tables: str) -> list[str]:
    """Statements that rebuild tables without their constraints; children first."""
    return [
        f"create table raw.bare_{name} as from raw.{name}; drop table raw.{name};"
        f" alter table raw.bare_{name} rename to {name}"
        for name in tables
    ]


def event(change: str) -> list[str]:
    """Statements that add a changed copy of an event of the day to a table without constraints."""
    found = "(from raw.events where event_date = {day} order by event_id limit 1)"
    return [*bare("events"), f"insert into raw.events select * replace ({change}) from {found}"]


def user(change: str) -> list[str]:
    """Statements that change the first user in a table without constraints."""
    first = "user_id = (select min(user_id) from raw.users)"
    return [
        *bare("events", "user_changes", "users"),
        f"update raw.users set {change} where {first}",
    ]


def first_row(mart: str, where: str = "true") -> str:
    """Return the condition of one row of the day."""
    rows = f"select (user_id, as_of_date) from {mart} where as_of_date = {{day}} and {where}"
    return f"(user_id, as_of_date) = ({rows} order by all limit 1)"


# The statements that plant a fault, and the start of the name of the test that catches it. Where
# a fault falls on a day, it is {day}.
FAULTS: dict[str, tuple[list[str], str]] = {
    "an_event_twice": (event("user_id as user_id"), "source_unique_raw_events_event_id"),
    "an_event_of_nobody": (
        event("-1 as event_id, -1 as user_id"),
        "source_relationships_raw_events_user_id",
    ),
    "an_event_of_another_kind": (
        event("-1 as event_id, 'logout' as event_type"),
        "source_accepted_values_raw_events_event_type",
    ),
    "an_event_of_no_kind": (
        event("-1 as event_id, null as event_type"),
        "source_not_null_columns_raw_events",
    ),
    "an_event_on_two_days": (
        event("-1 as event_id, event_time + interval 1 day as event_time"),
        "raw_events_event_date_is_the_date_of_event_time",
    ),
    "an_event_before_the_signup": (
        event("-1 as event_id, date '1999-01-01' as event_date"),
        "no_event_is_before_its_users_signup",
    ),
    "an_event_of_the_next_century": (
        event("-1 as event_id, date '2101-01-01' as event_date"),
        "raw_events_event_date_in_range",
    ),
    "a_score_that_is_no_number": (
        event("-1 as event_id, 'nan'::double as quiz_score"),
        "source_accepted_range_raw_events_quiz_score",
    ),
    "endless_minutes": (
        event("-1 as event_id, 'inf'::double as watch_minutes"),
        "source_accepted_range_raw_events_watch_minutes",
    ),
    "a_payment_of_nothing": (
        event("-1 as event_id, 'payment_success' as event_type, null as amount"),
        "raw_events_payments_have_an_amount",
    ),
    "a_user_twice": (
        [*bare("events", "user_changes", "users"), "insert into raw.users from raw.users limit 1"],
        "source_unique_raw_users_user_id",
    ),
    "a_golden_plan": (user("plan = 'gold'"), "source_accepted_values_raw_users_plan"),
    "a_free_user_who_pays": (user("is_paid = 1 - is_paid"), "raw_users_is_paid_agrees_with_plan"),
    "a_signup_of_another_century": (
        user("signup_date = date '1890-01-01'"),
        "raw_users_signup_date_in_range",
    ),
    "a_load_twice": (
        [*bare("loads"), "insert into raw.loads from raw.loads"],
        "source_unique_raw_loads_load_id",
    ),
    "one_event_more_in_a_day": (
        [
            "update user_daily set logins_count = logins_count + 1,"
            " total_events = total_events + 1 where as_of_date = {day}"
        ],
        "every_event_in_the_window_is_counted_once",
    ),
    "a_day_that_is_gone": (
        [f"delete from user_daily where {first_row('user_daily')}"],
        "user_daily_has_every_user_day",
    ),
    "a_day_of_another_country": (
        [f"update user_daily set country = 'XX' where {first_row('user_daily')}"],
        "user_daily_has_the_attributes_of_raw_users",
    ),
    "a_window_with_a_day_more": (
        ["update user_features_daily set logins_14d = logins_14d + 1 where as_of_date = {day}"],
        "features_agree_with_the_days",
    ),
    "a_feature_row_that_is_gone": (
        [f"delete from user_features_daily where {first_row('user_features_daily')}"],
        "features_have_the_rows_of_user_daily",
    ),
    "a_label_that_is_turned": (
        [
            "update churn_labels set churn_label = 1, future_active_days = 0"
            f" where {first_row('churn_labels', 'churn_label = 0')}"
        ],
        "labels_agree_with_the_events",
    ),
    "a_label_that_is_gone": (
        [f"delete from churn_labels where {first_row('churn_labels')}"],
        "labels_cover_exactly_the_observed_label_windows",
    ),
    "a_training_row_that_is_gone": (
        [f"delete from training_dataset where {first_row('training_dataset')}"],
        "training_dataset_is_features_with_labels",
    ),
    "a_score_of_another_day": (
        ["update scoring_dataset set watch_minutes_7d = watch_minutes_7d + 1"],
        "datasets_hold_the_features_of_their_days",
    ),
    "scores_of_yesterday": (
        [
            "delete from scoring_dataset",
            "insert into scoring_dataset by name from user_features_daily where as_of_date ="
            " (select max(as_of_date) - 1 from user_features_daily) and active_days_30d > 0",
        ],
        "datasets_hold_the_features_of_their_days",
    ),
    "a_train_day_after_the_test_days": (
        [
            "update training_splits set split = 'train'"
            " where as_of_date = (select max(as_of_date) from training_splits)"
        ],
        "splits_do_not_overlap",
    ),
    "a_period_that_ends_early": (
        [
            "update activity_periods set last_active_day = period_start, churn_observed = 1,"
            " churn_date = period_start + 1, duration_days = 1 where user_id = 3"
        ],
        "activity_periods_agree_with_the_events",
    ),
    "a_column_of_the_future": (
        ["alter table training_dataset rename country to churn_date"],
        "no_mart_holds_a_latent_or_future_column",
    ),
    "a_column_of_another_name": (
        ["alter table user_daily rename logins_count to logins"],
        "constraints_hold_user_daily",
    ),
}
ON_A_DAY = [name for name, (statements, _) in FAULTS.items() if "{day}" in str(statements)]
OLD_DAY = "date '2025-01-21'"  # not the first of a month, where dear tests look anyway
IN_THE_SAMPLE = ("an_event_twice", "a_label_that_is_turned")


@dataclass(frozen=True)
class Built:
    """A warehouse that was built, kept beside the one that is tried."""

    folder: Path
    variables: dict[str, str]

    def failing_tests(self, statements: list[str]) -> set[str]:
        """Plant a fault and return the names of the dbt tests that fail."""
        warehouse = self.folder / "warehouse.duckdb"
        shutil.copy(self.folder / "kept.duckdb", warehouse)
        with duckdb.connect(str(warehouse)) as con:
            for statement in statements:
                con.execute(statement.replace("{day}", OLD_DAY))
        done = run_dbt(
            warehouse,
            self.variables | WRITING_RESULTS,
            "test",
            "--exclude",
            "resource_type:unit_test",
        )
        results = json.loads((self.folder / "target/run_results.json").read_text())["results"]
        assert results, done.stdout
        failed = {row["unique_id"] for row in results if row["status"] in ("fail", "error")}
        assert bool(failed) == bool(done.returncode)
        return {unique_id.split(".")[2] for unique_id in failed}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    variables = dbt_writing_to(folder)
    size = ("--n-users", 40, "--days", 75, "--paid-ratio", 0.6, "--churn-base-rate", 0.8)
    run_elearn(folder, variables, "build", *size, "--quiet")
    shutil.move(folder / "warehouse.duckdb", folder / "kept.duckdb")
    return Built(folder, variables)


def test_without_a_fault_every_test_passes(built: Built) -> None:
    assert built.failing_tests([]) == set()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in IN_THE_SAMPLE else [pytest.mark.whole])
        for name in FAULTS
    ],
)
def test_a_planted_fault_is_caught_by_its_test(name: str, built: Built) -> None:
    statements, caught_by = FAULTS[name]
    failed = built.failing_tests(statements)
    assert any(test.startswith(caught_by) for test in failed), failed


class Cut:
    """A warehouse with two days of each table untested, and what its tests ask of those."""

    def __init__(self, built: Built) -> None:
        built.failing_tests(
            [
                *bare("events", "user_changes", "users"),
                f"delete from bookkeeping.tested where day = {OLD_DAY} or (table_name, day) in"
                " (select (table_name, max(day)) from bookkeeping.tested group by table_name)",
                # The days that some faults bring.
                "insert into bookkeeping.tested select distinct tested.table_name, days.day, 1, 1,"
                " tested.test_version from bookkeeping.tested, (values (date '1999-01-01'),"
                " (date '2101-01-01')) as days (day)",
            ]
        )
        moved = built.folder / "cut"
        moved.mkdir()
        shutil.move(built.folder / "warehouse.duckdb", moved)
        results = json.loads((built.folder / "target/run_results.json").read_text())["results"]
        self.sql = {row["unique_id"].split(".")[2]: row["compiled_code"] for row in results}
        self.con = duckdb.connect(str(moved / "warehouse.duckdb"))

    def catches(self, name: str, day: str) -> bool:
        """Tell whether the test that is there for a fault finds it on a day."""
        statements, caught_by = FAULTS[name]
        [sql] = [sql for test, sql in self.sql.items() if test.startswith(caught_by)]
        count = f"select count(*) from ({sql}\n)"
        assert self.con.execute(count).fetchone() == (0,), "nothing is planted yet"
        self.con.begin()
        try:
            for statement in statements[-1:] if "raw." in statements[-1] else statements:
                self.con.execute(statement.replace("{day}", day))
            return self.con.execute(count).fetchone() != (0,)
        finally:
            self.con.rollback()


@pytest.fixture(scope="module")
def cut(built: Built) -> Iterator[Cut]:
    found = Cut(built)
    yield found
    found.con.close()


@pytest.mark.parametrize("name", ON_A_DAY)
def test_a_fault_is_caught_in_an_old_day_and_in_one_that_changed(name: str, cut: Cut) -> None:
    [table, *_] = re.findall(r"raw\.events|[a-z]\w+_(?:daily|labels|dataset)", FAULTS[name][0][-1])
    day = "event_date" if table == "raw.events" else "as_of_date"
    [(changed,)] = cut.con.execute(f"select max({day}) from {table}").fetchall()
    assert cut.catches(name, OLD_DAY)
    assert cut.catches(name, f"date '{changed}'")


def test_tests_that_look_at_everything_are_the_cheap_ones(cut: Cut) -> None:
    names = tuple(FAULTS[name][1] for name in ON_A_DAY)
    is_cut = r"between date '[-0-9]+' - [0-9]"
    whole = {test for test, sql in cut.sql.items() if not re.search(is_cut, sql or "")}
    assert {test for test in whole if test.startswith(names)} == {
        "every_event_in_the_window_is_counted_once",
        "source_relationships_raw_events_user_id__user_id__source_raw_users_",
        "source_unique_raw_events_event_id",
        "user_daily_has_every_user_day",
    }
