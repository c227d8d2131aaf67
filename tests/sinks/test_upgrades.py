"""Upgrades wherever a simulation goes: the warehouse, day by day, files, shards."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.compute as pc
import pytest

from generator import Settings
from generator.errors import ElearnError
from generator.simulation import simulate_blocks
from generator.simulation.rows import Rows, joined
from generator.sinks.daily import generate_through
from generator.sinks.files import Shard, generate_files
from generator.sinks.spark import users_of_parts, write_part
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.sql import has_table
from generator.warehouse.verify import verify_files, verify_warehouse
from generator.warehouse.versions import added, version_of
from tests.conftest import dbt_writing_to, run_dbt
from tests.warehouse.earlier import write_earlier

SETTINGS = Settings(n_users=600, days=90, upgrade_rate=0.5)
CHANGES = "from raw.user_changes order by user_id, valid_from"


def query(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("at_once") / "warehouse.duckdb"
    generate_warehouse(path, SETTINGS, workers=2)
    return path


def arrive(path: Path, *days: int) -> None:
    for day in days:
        through = SETTINGS.start_date + timedelta(days=day - 1)
        generate_through(path, SETTINGS, through, replace=False, workers=2)


def test_upgrades_are_rows_of_user_changes_and_users_keep_their_first_plan(at_once: Path) -> None:
    [(changes, users, plans)] = query(
        at_once,
        "select count(*), count(distinct user_id), count(*) filter (users.plan = 'free')"
        " from raw.user_changes join raw.users using (user_id)",
    )
    assert changes == users == plans > 100
    assert verify_warehouse(at_once).matches
    assert verify_warehouse(at_once).found == "7be401f50cb5f1db"


def test_the_number_of_workers_and_of_users_changes_no_upgrade() -> None:
    def simulated(settings: Settings, workers: int) -> Rows:
        return joined(simulate_blocks(settings, workers))

    many = simulated(replace(SETTINGS, n_users=1500), 4)
    for name, rows in simulated(SETTINGS, 1).items():
        first = many[name].filter(pc.less_equal(many[name]["user_id"], 600))
        assert rows.equals(first), name


def test_an_upgrade_moves_nothing_but_the_payments_of_its_user() -> None:
    plain, upgraded = (
        joined(simulate_blocks(settings, 1))
        for settings in (replace(SETTINGS, upgrade_rate=0.0), SETTINGS)
    )
    for name in ("raw.users", "truth.users"):
        assert plain[name].equals(upgraded[name])
    is_changed = upgraded["raw.user_changes"]["user_id"].to_pylist()
    kept = []
    for rows in (plain["raw.events"], upgraded["raw.events"]):
        events = rows.to_pandas().drop(columns="event_id")
        is_payment = events.event_type.isin(["payment_success", "payment_failed"])
        kept.append(events[~(is_payment & events.user_id.isin(is_changed))].reset_index(drop=True))
    pd.testing.assert_frame_equal(*kept)
    assert len(upgraded["raw.events"]) > len(plain["raw.events"])


def test_a_change_arrives_on_its_day_and_the_steps_equal_one_load(
    at_once: Path, tmp_path: Path
) -> None:
    path = tmp_path / "stepwise.duckdb"
    for day in (1, 40, 41, 75):
        arrive(path, day)
        through = SETTINGS.start_date + timedelta(days=day - 1)
        expected = f"from raw.user_changes where valid_from <= '{through}' order by all"
        assert query(path, CHANGES) == query(at_once, expected)
        assert verify_warehouse(path).matches
    arrive(path, 90)
    assert query(path, CHANGES) == query(at_once, CHANGES)
    assert verify_warehouse(path).found == verify_warehouse(at_once).found


def test_the_version_counts_changes_where_there_are_any(at_once: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(at_once.read_bytes())
    versions = {verify_warehouse(warehouse).found}
    for statement in (
        "update raw.user_changes set country = 'XX' where user_id = 2",
        "delete from raw.user_changes where user_id = 2",
        "delete from raw.user_changes",
    ):
        with duckdb.connect(str(warehouse)) as con:
            con.execute(statement)
        versions.add(verify_warehouse(warehouse).found)
    assert len(versions) == 4
    with duckdb.connect(str(warehouse)) as con:
        con.execute("drop table raw.user_changes")
    assert verify_warehouse(warehouse).found in versions, "an empty table counts as none"


def test_parts_that_spark_draws_have_the_version_of_one_machine(
    at_once: Path, tmp_path: Path
) -> None:
    """What Spark's workers run, without Spark; the slow tests start one."""
    sums = []
    for number, users in enumerate(users_of_parts(SETTINGS, 2)):
        part = write_part(SETTINGS, number, users, tmp_path)
        assert f"user_changes-{number:05}.parquet" in part["files"]
        sums.append(part["sums"])
    assert version_of(added(*sums)) == verify_warehouse(at_once).found


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_shards_of_files_hold_the_changes_of_their_users(
    file_format: str, at_once: Path, tmp_path: Path
) -> None:
    found = []
    for number in (1, 2):
        report = generate_files(
            SETTINGS,
            tmp_path / str(number),
            file_format=file_format,
            layout="flat",
            shard=Shard(number, 2),
            workers=1,
        )
        path = report.folder / f"user_changes.{file_format}"
        rows = duckdb.sql(f"from '{path}' order by user_id").fetchall()
        assert report.manifest["change_rows"] == len(rows)
        assert verify_files(report.folder).matches
        found += rows
    assert found == query(at_once, CHANGES)


def test_whole_files_have_the_version_of_the_warehouse_and_a_changed_one_is_noticed(
    at_once: Path, tmp_path: Path
) -> None:
    report = generate_files(
        SETTINGS, tmp_path, file_format="csv", layout="flat", shard=Shard(), workers=2
    )
    assert report.manifest["dataset_version"] == verify_warehouse(at_once).found
    path = tmp_path / "user_changes.csv"
    text = path.read_text()
    assert report.as_lines()[2].split() == ["user_changes", str(text.count("\n") - 1), "rows"]
    path.write_text(text.replace(",organic", ",ads", 1))
    assert not verify_files(tmp_path).matches
    path.unlink()
    with pytest.raises(ElearnError, match="user_changes"):
        verify_files(tmp_path)


def test_without_a_rate_there_is_no_file_and_the_table_is_empty(tmp_path: Path) -> None:
    settings = Settings(n_users=20, days=40)
    generate_files(settings, tmp_path, file_format="csv", layout="flat", shard=Shard(), workers=1)
    assert {path.name for path in tmp_path.iterdir()} == {
        "users.csv",
        "events.csv",
        "manifest.json",
    }
    generate_warehouse(tmp_path / "w.duckdb", settings, workers=1)
    assert query(tmp_path / "w.duckdb", CHANGES) == []


ABOUT_CHANGES = {
    "columns": "select column_name, data_type, is_nullable, comment from duckdb_columns()",
    "constraints": """
        select constraint_type, constraint_column_names, referenced_table, constraint_text
        from duckdb_constraints()
    """,
    "comment": "select comment from duckdb_tables()",
}


def test_a_bare_dbt_run_gives_an_earlier_warehouse_the_same_table(tmp_path: Path) -> None:
    path = write_earlier(tmp_path / "warehouse.duckdb")
    done = run_dbt(path, dbt_writing_to(tmp_path), "run")
    assert done.returncode == 0, done.stdout
    assert verify_warehouse(path).matches
    generate_warehouse(tmp_path / "new.duckdb", Settings(n_users=5, days=5), workers=1)
    for kind, sql in ABOUT_CHANGES.items():
        statement = f"{sql} where schema_name = 'raw' and table_name = 'user_changes' order by all"
        assert query(path, statement) == query(tmp_path / "new.duckdb", statement), kind


def test_a_warehouse_of_an_earlier_version_continues_and_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    settings = Settings(n_users=60, days=60)
    first, last = date(2025, 1, 20), settings.last_date
    generate_through(path, settings, first, replace=False, workers=1)
    with duckdb.connect(str(path)) as con:
        [(stored,)] = con.execute("select settings from raw.loads").fetchall()
        known = {name: v for name, v in json.loads(stored).items() if name != "upgrade_rate"}
        con.execute("update raw.loads set settings = ?", [json.dumps(known)])
        con.execute("drop table raw.user_changes")
    assert verify_warehouse(path).matches
    generate_through(path, settings, last, replace=False, workers=1)
    with duckdb.connect(str(path), read_only=True) as con:
        assert has_table(con, "raw.user_changes")
    generate_warehouse(tmp_path / "new.duckdb", settings, workers=1)
    assert verify_warehouse(path).found == verify_warehouse(tmp_path / "new.duckdb").found
