from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.errors import UsageError
from generator.sinks.daily import generate_through
from generator.sinks.warehouse import generate_warehouse
from tests.conftest import Elearn
from tests.private import query_private

SETTINGS = Settings(n_users=600, days=90)


def query(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


def arrive(path: Path, *days: int, settings: Settings = SETTINGS) -> None:
    for day in days:
        through = settings.start_date + timedelta(days=day - 1)
        generate_through(path, settings, through, replace=False, workers=2)


def test_eighty_days_and_ten_times_one_day_equal_ninety_at_once(tmp_path: Path) -> None:
    stepwise, at_once = tmp_path / "stepwise.duckdb", tmp_path / "at_once.duckdb"
    arrive(stepwise, 80, *range(81, 91))
    generate_warehouse(at_once, SETTINGS, workers=1)
    version = "select dataset_version from raw.loads order by load_id desc limit 1"
    assert query(stepwise, version) == query(at_once, version)
    for table in ("raw.users", "raw.events", "private.truth.users"):
        rows = f"from {table} order by 1"
        assert query_private(stepwise, rows) == query_private(at_once, rows), table


def test_each_step_is_a_load_that_names_the_days_it_touched(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    arrive(path, 60, 61, 75)
    touched = "select touched_first_day, touched_last_day, last_day from raw.loads order by load_id"
    assert query(path, touched) == [
        (date(2025, 1, 1), date(2025, 3, 1), date(2025, 3, 1)),
        (date(2025, 3, 2), date(2025, 3, 2), date(2025, 3, 2)),
        (date(2025, 3, 3), date(2025, 3, 16), date(2025, 3, 16)),
    ]


def test_a_step_holds_no_signal_of_a_later_day_but_the_whole_truth(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    arrive(path, 30)
    assert query(path, "select max(event_date) from raw.events") == [(date(2025, 1, 30),)]
    assert query(path, "select count(*) from raw.users") == [(600,)]
    truth = "select count(*), max(churn_date) from private.truth.users"
    [(users, last_churn)] = query_private(path, truth)
    assert users == 600
    assert last_churn > date(2025, 1, 30)


def test_the_same_day_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    arrive(path, 30)
    before = path.read_bytes()
    arrive(path, 30)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("days", "settings", "message"),
    [
        (29, SETTINGS, "through: '2025-01-29' is not allowed; give a day from 2025-01-30 on"),
        (31, Settings(n_users=601, days=90), "n_users: 601 is not allowed"),
        (31, Settings(n_users=600, days=90, seed=1), "seed: 1 is not allowed"),
        (31, Settings(n_users=600, days=91), "days: 91 is not allowed"),
    ],
)
def test_going_back_or_another_simulation_is_refused(
    days: int, settings: Settings, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "w.duckdb"
    arrive(path, 30)
    before = path.read_bytes()
    with pytest.raises(UsageError) as caught:
        arrive(path, days, settings=settings)
    assert str(caught.value).startswith(message)
    assert path.read_bytes() == before


def test_a_load_of_another_kind_is_not_continued_and_replace_starts_over(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    generate_warehouse(path, SETTINGS, workers=1)
    with pytest.raises(UsageError, match="was not a --through; --replace starts over"):
        arrive(path, 30)
    generate_through(path, SETTINGS, date(2025, 1, 30), replace=True, workers=1)
    touched = "select touched_first_day, touched_last_day from raw.loads where load_id = 2"
    assert query(path, touched) == [(date(2025, 1, 1), SETTINGS.last_date)]  # of old and new rows
    arrive(path, 31)
    assert query(path, "select max(event_date) from raw.events") == [(date(2025, 1, 31),)]


@pytest.mark.parametrize("day", ["2024-12-31", "2025-06-30", "2025-02-30", "tomorrow"])
def test_a_day_outside_the_window_is_refused(day: str, elearn: Elearn) -> None:
    done = elearn("generate", "--through", day, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: --through: {day!r} is not allowed; give a")
    assert done.stderr.count("\n") == 1
