"""``elearn ceiling``: what it writes, and what it refuses in one sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from generator.ceiling import compute_ceiling
from generator.errors import ElearnError, UsageError
from generator.settings import Settings
from generator.sinks.daily import generate_through
from generator.warehouse.versions import dataset_version
from tests.ceiling.chain import build
from tests.conftest import Elearn, run_dbt

SETTINGS = Settings(n_users=150, days=80, seed=5, churn_base_rate=0.6, upgrade_rate=0.3)
Variables = dict[str, str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, dbt_variables: Variables) -> Path:
    warehouse = tmp_path_factory.mktemp("built") / "warehouse.duckdb"
    build(warehouse, SETTINGS, dbt_variables)
    return warehouse


@pytest.fixture
def warehouse(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(built, tmp_path / "warehouse.duckdb"))


def change(warehouse: Path, *statements: str) -> None:
    with duckdb.connect(str(warehouse)) as con:
        for statement in statements:
            con.execute(statement)


def probabilities(warehouse: Path, folder: Path) -> dict[tuple[int, date], float]:
    compute_ceiling(warehouse, folder / "ceiling.parquet")
    rows = pq.read_table(folder / "ceiling.parquet").to_pylist()
    return {(row["user_id"], row["as_of_date"]): row["probability"] for row in rows}


def test_the_command_writes_one_probability_for_each_row(warehouse: Path, elearn: Elearn) -> None:
    output = warehouse.with_name("ceiling.parquet")
    done = elearn("ceiling", "--warehouse", warehouse, "--output", output, "--json")
    told = json.loads(done.stdout)
    with duckdb.connect(str(warehouse)) as con:
        assert con.execute(f"describe from '{output}'").fetchall() == [
            ("user_id", "INTEGER", "YES", None, None, None),
            ("as_of_date", "DATE", "YES", None, None, None),
            ("probability", "DOUBLE", "YES", None, None, None),
        ]
        keys = "select user_id, as_of_date from training_dataset order by all"
        wanted = con.execute(keys).fetchall()
        assert con.execute(f"select user_id, as_of_date from '{output}'").fetchall() == wanted
        outside = f"select count(*) from '{output}' where not probability between 0 and 1"
        assert con.execute(outside).fetchall() == [(0,)]
        rows = "select count(*), sum(churn_label), sum(is_active_day) from training_dataset"
        [(all_rows, positives, active)] = con.execute(rows).fetchall()
    assert told["metrics"]["all"]["rows"] == all_rows
    assert told["metrics"]["all"]["positives"] == positives
    assert told["metrics"]["all_active"]["rows"] == active
    assert sum(each["rows"] for each in told["metrics"]["all"]["bins"]) == all_rows
    assert told["metrics"]["test"]["roc_auc"].keys() == {"value", "standard_error"}
    assert (told["label_gap_days"], told["label_window_days"]) == (0, 30)
    lines = elearn("ceiling", "--warehouse", warehouse, "--quiet").stdout
    assert f"{told['metrics']['test']['roc_auc']['value']:.4f} ±" in lines


def test_erased_users_take_nothing_from_the_others(warehouse: Path, tmp_path: Path) -> None:
    before = probabilities(warehouse, tmp_path)
    tables = ("raw.events", "raw.user_changes", "main.training_dataset", "raw.users")
    change(warehouse, *(f"delete from {table} where user_id % 7 = 3" for table in tables))
    with pytest.raises(ElearnError, match="the marts were built from other data"):
        compute_ceiling(warehouse)
    record_version(warehouse)
    kept = {key: value for key, value in before.items() if key[0] % 7 != 3}
    assert probabilities(warehouse, tmp_path) == pytest.approx(kept, abs=1e-12)


def record_version(warehouse: Path) -> None:
    """Record what the content is now, as a load does."""
    with duckdb.connect(str(warehouse)) as con:
        version = dataset_version(con)
        con.execute("update raw.loads set dataset_version = ?", [version])
        con.execute("update main.build_info set dataset_version = ?", [version])


@pytest.mark.slow
def test_a_simulation_that_arrived_in_part_is_judged_by_the_days_that_came(
    built: Path, tmp_path: Path, dbt_variables: Variables
) -> None:
    part = tmp_path / "part.duckdb"
    generate_through(part, SETTINGS, date(2025, 3, 8), replace=False, workers=1)
    assert run_dbt(part, dbt_variables, "run").returncode == 0
    whole, came = probabilities(built, tmp_path), probabilities(part, tmp_path)
    assert max(day for _, day in came) == date(2025, 2, 6)
    assert came == pytest.approx({key: whole[key] for key in came}, abs=1e-12)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("drop table main.build_info", "does not hold the vars of the build; run `elearn build"),
        ("update main.build_info set vars = null", "does not hold the vars of the build"),
        (
            "update main.build_info set vars = replace(vars, '\"quiz_attempt\"', '\"login\"')",
            "engagement_event_types is not course_enroll, login, quiz_attempt, video_watch",
        ),
        ("update main.build_info set dataset_version = '0'", "the marts were built from other"),
        ("update raw.loads set kind = 'files'", "nobody knows the probabilities behind real data"),
        (
            "update main.user_daily set as_of_date = date '2024-12-31'"
            " where user_id = 1 and as_of_date = date '2025-01-01'",
            r"the days 2024-12-31 to 2025-03-21, and simulated are 2025-01-01 to 2025-03-21",
        ),
        ("drop table main.training_dataset", "main.training_dataset is not there"),
    ],
)
def test_what_the_ceiling_does_not_know_is_refused(
    warehouse: Path, statement: str, message: str
) -> None:
    change(warehouse, statement)
    with pytest.raises(ElearnError, match=message) as refused:
        compute_ceiling(warehouse)
    assert refused.value.exit_code == 1
    assert "\n" not in str(refused.value)


def test_files_loaded_over_a_simulation_are_told_so_and_not_asked_for_other_days(
    warehouse: Path,
) -> None:
    later = "update main.user_daily set as_of_date = as_of_date + 1000 where user_id = 1"
    load = "insert into raw.loads by name select * replace (2 as load_id, 'files' as kind)"
    change(warehouse, later, f"{load} from raw.loads")
    with pytest.raises(ElearnError, match="nobody knows the probabilities behind real data"):
        compute_ceiling(warehouse)


@pytest.mark.parametrize(
    "statement",
    [
        "update raw.events set quiz_score = 1 where event_id in"
        " (select min(event_id) from raw.events where event_type = 'quiz_attempt')",
        "delete from raw.events where event_id in (select max(event_id) from raw.events)",
        "delete from raw.user_changes where user_id in (select min(user_id) from raw.user_changes)",
        "update raw.loads set settings = replace(settings, '\"seed\": 5', '\"seed\": 6')",
    ],
)
def test_content_that_the_settings_do_not_simulate_is_refused(
    warehouse: Path, statement: str
) -> None:
    change(warehouse, statement)
    record_version(warehouse)
    with pytest.raises(ElearnError, match="not what the settings of the load history simulate"):
        compute_ceiling(warehouse)


def test_the_output_never_takes_the_place_of_the_warehouse(warehouse: Path) -> None:
    before = warehouse.read_bytes()
    with pytest.raises(UsageError, match="a file that is not the warehouse"):
        compute_ceiling(warehouse, warehouse)
    assert warehouse.read_bytes() == before


def test_a_warehouse_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "ceiling.parquet").touch()
    with pytest.raises(ElearnError, match="nothing is loaded"):
        compute_ceiling(tmp_path / "missing.duckdb", tmp_path / "ceiling.parquet")


@pytest.mark.slow
def test_no_row_has_no_metrics(tmp_path: Path, dbt_variables: Variables) -> None:
    build(tmp_path / "short.duckdb", replace(SETTINGS, n_users=5, days=20), dbt_variables)
    found = compute_ceiling(tmp_path / "short.duckdb", tmp_path / "ceiling.parquet")
    assert found.metrics["all"].rows == 0
    assert found.metrics["all"].roc_auc.value is None
    assert "-" in found.as_lines()[1]
    assert pq.read_table(tmp_path / "ceiling.parquet").num_rows == 0
