"""load_profile says what raw.loads says, and dbt tells how fresh the loads are."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator import Settings
from generator.sinks.daily import generate_through
from tests.conftest import WRITING_RESULTS, dbt_writing_to, run_dbt

SETTINGS = Settings(n_users=12, days=60, upgrade_rate=0.9)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of two loads."""
    path = tmp_path_factory.mktemp("loads") / "warehouse.duckdb"
    for days in (40, 59):
        through = SETTINGS.start_date + timedelta(days=days)
        generate_through(path, SETTINGS, through, replace=False, workers=1)
    return path


@pytest.fixture
def warehouse(loaded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(loaded, tmp_path / "warehouse.duckdb"))


def run(warehouse: Path, *arguments: str) -> tuple[int, Path]:
    variables = dbt_writing_to(warehouse.parent)
    if "freshness" in arguments:
        variables |= WRITING_RESULTS
    done = run_dbt(warehouse, variables, *arguments)
    return done.returncode, warehouse.parent / "target"


def rows(warehouse: Path, sql: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(warehouse)) as con:
        found = con.execute(sql)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_the_mart_has_one_row_for_each_column_of_each_load(warehouse: Path) -> None:
    assert run(warehouse, "build", "--select", "load_profile")[0] == 0
    expected = []
    for load in rows(warehouse, "select load_id, profile from raw.loads order by load_id"):
        for table, counts in json.loads(load["profile"]).items():
            for column, said in counts["columns"].items():
                mix = said.get("event_mix")
                expected.append(
                    {
                        "load_id": load["load_id"],
                        "table_name": table,
                        "column_name": column,
                        "loaded_rows": counts["rows"],
                        "late_rows": counts["late_rows"],
                        "repeated_rows": counts["repeated"],
                        "ignored_rows": counts["ignored"],
                        "rejected_rows": counts["rejected"],
                        "null_share": said["null_share"],
                        "mean": said.get("mean"),
                    }
                    | {
                        f"decile_{number + 1}": (said.get("deciles") or [None] * 9)[number]
                        for number in range(9)
                    }
                    | {"event_mix": mix and json.dumps(mix, separators=(",", ":"))}
                )
    found = rows(warehouse, "from main.load_profile")
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert {row["table_name"] for row in found} == {"users", "events", "user_changes"}


def test_an_earlier_warehouse_gets_the_column_from_dbt(warehouse: Path) -> None:
    rows(warehouse, "alter table raw.loads drop column profile")
    assert run(warehouse, "build", "--select", "load_profile")[0] == 0
    assert rows(warehouse, "from main.load_profile") == []
    assert {row["profile"] for row in rows(warehouse, "from raw.loads")} == {None}


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (timedelta(hours=1), "pass"),
        (timedelta(hours=37), "warn"),
        (timedelta(days=7, hours=1), "error"),
    ],
)
def test_the_freshness_of_the_source_is_the_age_of_its_last_load(
    age: timedelta, status: str, warehouse: Path
) -> None:
    loaded_at = datetime.now(UTC).replace(tzinfo=None) - age
    rows(warehouse, f"update raw.loads set loaded_at = timestamp '{loaded_at}' - interval 9 day")
    rows(warehouse, f"update raw.loads set loaded_at = '{loaded_at}' where load_id = 2")
    code, target = run(warehouse, "source", "freshness")
    [found] = json.loads((target / "sources.json").read_text())["results"]
    assert (found["unique_id"], found["status"]) == ("source.elearn_churn.raw.loads", status)
    assert found["max_loaded_at_time_ago_in_s"] == pytest.approx(age.total_seconds(), abs=120)
    assert code == (status == "error")


COMPLETE = ("--select", "load_profile_has_every_load")
MADE_AND_TESTED = ("build", "--select", "load_profile", "load_profile_has_every_load")


def test_a_load_profile_that_lacks_a_load_fails_its_test(warehouse: Path) -> None:
    assert run(warehouse, *MADE_AND_TESTED)[0] == 0
    again = "select * replace (load_id + 1 as load_id) from raw.loads where load_id = 2"
    rows(warehouse, f"insert into raw.loads {again}")  # such as a load that brings no row
    assert run(warehouse, "test", *COMPLETE)[0] == 1
    assert run(warehouse, *MADE_AND_TESTED)[0] == 0
    rows(warehouse, "delete from main.load_profile where load_id = 1 and table_name = 'users'")
    assert run(warehouse, "test", *COMPLETE)[0] == 1


def test_without_a_load_history_there_is_no_profile(warehouse: Path) -> None:
    rows(warehouse, "drop table raw.loads")
    assert run(warehouse, *MADE_AND_TESTED)[0] == 0
    assert rows(warehouse, "from main.load_profile") == []
