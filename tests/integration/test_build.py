"""The main job, with the real command line, the real dbt and a real DuckDB file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from generator import vocabulary
from generator.warehouse.verify import mart_hashes
from tests.conftest import ROOT, Elearn, run_dbt, run_elearn
from tests.private import query_private

MARTS = sorted(vocabulary.MARTS)
HISTORY_MARTS = vocabulary.HISTORY_MARTS


def query(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


@pytest.fixture
def warehouse(built: Path) -> Path:
    return built / "warehouse.duckdb"


def test_build_ends_with_a_summary(warehouse: Path) -> None:
    summary = warehouse.with_name("summary.txt").read_text()
    for name in ["raw.users", "raw.events", *(f"main.{mart}" for mart in MARTS)]:
        [(count,)] = query(warehouse, f"select count(*) from {name}")
        assert f"{name:<28}{count:>14,} rows" in summary
    [(version,)] = query(warehouse, "select dataset_version from raw.loads")
    rate_in_truth = "select count(churn_date) / count(*) from private.truth.users"
    [(rate,)] = query_private(warehouse, rate_in_truth)
    assert f"dataset version             {version}" in summary
    assert f"realised churn rate         {rate:.4f} of users" in summary
    assert 'duckdb -readonly published/elearn.duckdb "' in summary


def test_the_suggested_query_runs_in_the_duckdb_cli(warehouse: Path) -> None:
    [line] = [
        line
        for line in warehouse.with_name("summary.txt").read_text().splitlines()
        if line.startswith("try")
    ]
    program = Path(sys.executable).parent / "duckdb"
    command = line.removeprefix("try").strip().replace("duckdb ", f"{program} ", 1)
    done = subprocess.run(
        command, shell=True, cwd=warehouse.parent, capture_output=True, text=True, check=True
    )
    assert "churn_label" in done.stdout
    assert done.stderr == ""


def test_marts_have_keys_and_comments_in_the_database(warehouse: Path) -> None:
    keys = query(
        warehouse,
        """
        select table_name, constraint_column_names from duckdb_constraints()
        where schema_name = 'main' and constraint_type = 'PRIMARY KEY' order by table_name
        """,
    )
    by_day = ["user_id", "as_of_date"]
    expected = {
        "scoring_dataset": ["user_id"],
        "training_splits": ["as_of_date"],
        "activity_periods": ["user_id", "period_number"],
        "load_profile": ["load_id", "table_name", "column_name"],
    }
    assert keys == [(mart, expected.get(mart, by_day)) for mart in sorted([*MARTS, *HISTORY_MARTS])]
    uncommented = query(
        warehouse,
        """
        select table_name, column_name from duckdb_columns()
        where schema_name in ('main', 'raw', 'staging') and comment is null and not internal
        """,
    )
    assert uncommented == []
    tables = "select table_name from duckdb_tables() where comment is null"
    assert query(warehouse, f"{tables} and schema_name <> 'bookkeeping'") == []


def test_only_the_schemas_of_the_description_exist(warehouse: Path) -> None:
    found = query(
        warehouse,
        """
        select schema_name, list(name order by name) from (
            select schema_name, table_name as name from duckdb_tables()
            union all select schema_name, view_name from duckdb_views() where not internal
        ) group by all order by all
        """,
    )
    assert found == [
        (
            "bookkeeping",
            [
                *("builds", "content", "definitions", "green_build", "outdated"),
                *("tested", "tested_tables", "user_changes", "users", "version_sums"),
            ],
        ),
        ("main", sorted([*MARTS, *HISTORY_MARTS, "build_info"])),
        ("raw", ["events", "experiment_assignments", "loads", "user_changes", "users"]),
        ("staging", ["stg_events", "stg_user_changes", "stg_users"]),
    ]


def test_marts_use_only_types_that_every_reader_takes(warehouse: Path) -> None:
    types = query(
        warehouse,
        "select distinct data_type from duckdb_columns()"
        " where schema_name = 'main' and not internal",
    )
    assert {name for (name,) in types} <= {
        "INTEGER",
        "BIGINT",
        "DOUBLE",
        "DATE",
        "TIMESTAMP",
        "VARCHAR",
    }


@pytest.mark.slow
def test_another_build_docs_and_test_work_bare(
    warehouse: Path, tmp_path: Path, dbt_variables: dict[str, str]
) -> None:
    copy = shutil.copy(warehouse, tmp_path / "warehouse.duckdb")
    for arguments in (["build"], ["test"], ["docs", "generate"]):
        done = run_dbt(Path(copy), dbt_variables, *arguments)
        assert done.returncode == 0, done.stdout
        assert "WARN=0" in done.stdout or arguments[0] == "docs"


@pytest.mark.parametrize("exists", [False, True])
def test_dbt_before_anything_is_loaded_says_which_command_to_run(
    exists: bool, tmp_path: Path, dbt_variables: dict[str, str]
) -> None:
    warehouse = tmp_path / "empty.duckdb"
    if exists:
        duckdb.connect(str(warehouse)).close()
    done = run_dbt(warehouse, dbt_variables, "build")
    assert done.returncode != 0
    [sentence] = [line for line in done.stdout.splitlines() if "elearn generate" in line]
    assert "elearn load" in sentence


@pytest.mark.slow
def test_marts_are_the_same_bits_on_another_duckdb(
    warehouse: Path, tmp_path: Path, dbt_variables: dict[str, str]
) -> None:
    other = ROOT / ".venv" / "duckdb-2.0.0"
    assert other.is_dir(), "make test installs DuckDB 2.0.0 there"
    copy = Path(shutil.copy(warehouse, tmp_path / "warehouse.duckdb"))
    engine = {"PYTHONPATH": f"{other}{os.pathsep}{ROOT}"}
    code = "import duckdb; assert duckdb.__version__ == '2.0.0'"
    subprocess.run([sys.executable, "-c", code], env=os.environ | engine, check=True)
    done = run_dbt(copy, dbt_variables | engine, "run", "--full-refresh")
    assert done.returncode == 0, done.stdout
    assert mart_hashes(copy) == mart_hashes(warehouse)
    command = ("verify", "--marts", "--json")
    hashes = run_elearn(tmp_path, dbt_variables | engine, *command).stdout
    assert json.loads(hashes)["marts"] == mart_hashes(warehouse)


def test_build_without_data_says_which_command_to_run(elearn: Elearn, tmp_path: Path) -> None:
    done = elearn("build", "--no-generate", check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "run `elearn generate` or `elearn load` first" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_real_export_builds(elearn: Elearn, tmp_path: Path) -> None:
    write_export(tmp_path)
    elearn("load", "--users", "people.csv", "--events", "log.csv")
    summary = json.loads(elearn("build", "--no-generate", "--json").stdout)
    assert summary["realised_churn_rate"] is None
    assert summary["rows"]["raw.events"] == 363
    [(left, stays)] = query(
        tmp_path / "warehouse.duckdb",
        "select sum(churn_label), sum(1 - churn_label) from training_dataset",
    )
    assert left > 0
    assert stays > 0


def write_export(folder: Path) -> None:
    """Write what a real platform may export: other column order and names, holes of months."""
    users = ["country,signup_date,plan,user_id,marketing_source,team"]
    users += [f" North ,2024-01-{day:02d},FREE,{day},organic,x" for day in range(1, 12)]
    events = ["event_time,course_id,event_type,user_id,event_id,watch_minutes"]
    days = [f"2024-{month:02d}-{day:02d}" for month in (2, 3, 7, 8) for day in range(1, 29, 3)]
    for number, day in enumerate(days):
        for user in range(1, 12):
            if (number + user) % 7 or user == 1:
                key = number * 100 + user
                events.append(f"{day}T10:{user:02d}:00,BBB,Video_Watch,{user},{key},{user}.25")
    (folder / "people.csv").write_text("\n".join(users) + "\n")
    (folder / "log.csv").write_text("\n".join(events[: 363 + 1]) + "\n")


def test_a_warehouse_without_events_builds_empty_marts(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", "--n-users", 3, "--days", 1, "--churn-base-rate", 1, "--seed", 3)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("delete from raw.events")
    elearn("build", "--no-generate")
    for mart in MARTS:
        assert query(tmp_path / "warehouse.duckdb", f"select count(*) from {mart}") == [(0,)]
