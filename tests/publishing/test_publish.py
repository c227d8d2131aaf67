"""What readers open: whole, tested, and never what is being built."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest

from generator.publishing.publish import publish_warehouse
from generator.warehouse.summary import MARTS
from tests.conftest import run_elearn
from tests.publishing.folders import change, query

RAW = [
    "raw.users",
    "raw.events",
    "raw.user_changes",
    "raw.experiment_assignments",
    "raw.loads",
]


def test_readers_get_raw_the_marts_and_the_build_and_nothing_else(built: Path) -> None:
    found = query(
        built / "published/elearn.duckdb",
        """
        select schema_name || '.' || table_name from duckdb_tables()
        union all select schema_name || '.' || view_name from duckdb_views() where not internal
        order by all
        """,
    )
    assert [name for (name,) in found] == sorted(
        [*RAW, *MARTS, "main.load_profile", "main.build_info"]
    )


OWN = (
    "create schema own",
    "create table own.parents (id integer primary key)",
    "create table own.children (id integer references own.parents (id))",
    "create view own.view_of_children as from own.children",
    "create table main.notes (id integer primary key)",
    "create table main.more_notes (id integer references notes (id))",
    "create table raw.visits (visitor integer references raw.users (user_id))",
    "create view main.view_of_users as from raw.users",
    "create macro one_more(number) as number + 1",
    "create macro numbers() as table select 1 as number",
    "create type mood as enum ('good', 'bad')",
    "create sequence counter",
)


def test_what_a_person_made_beside_the_models_is_not_published(folder: Path) -> None:
    change(folder / "warehouse.duckdb", *OWN)
    names = """
        select schema_name, table_name as name from duckdb_tables()
        union all select schema_name, view_name from duckdb_views() where not internal
        union all select schema_name, function_name from duckdb_functions() where not internal
        union all select schema_name, type_name from duckdb_types() where not internal
        union all select schema_name, sequence_name from duckdb_sequences()
        union all select schema_name, null from duckdb_schemas() where not internal
        order by all
    """
    before = query(folder / "published/elearn.duckdb", names)
    publish_warehouse(folder / "warehouse.duckdb", folder / "published/elearn.duckdb")
    assert query(folder / "published/elearn.duckdb", names) == before


def test_the_published_rows_keys_checks_and_comments_are_the_warehouses(built: Path) -> None:
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as con:
        con.execute(f"attach '{built}/published/elearn.duckdb' as readers (read_only)")
        for table in [*RAW, *MARTS]:
            for one, other in [("warehouse", "readers"), ("readers", "warehouse")]:
                sql = f"select count(*) from (from {one}.{table} except all from {other}.{table})"
                assert con.execute(sql).fetchone() == (0,), table
        about = {
            "duckdb_tables": "table_name, sql, comment",
            "duckdb_columns": "table_name, column_name, data_type, is_nullable, comment",
            "duckdb_constraints": "table_name, constraint_type, constraint_text",
        }
        for function, columns in about.items():
            in_warehouse, in_readers = (
                con.execute(
                    f"select schema_name, {columns} from {function}() where database_name = ?"
                    " and schema_name in ('raw', 'main') and table_name <> 'build_info'"
                    " order by all",
                    [database],
                ).fetchall()
                for database in ("warehouse", "readers")
            )
            assert in_readers == in_warehouse
            assert in_readers


def test_the_foreign_key_of_the_published_file_is_enforced(folder: Path) -> None:
    path = folder / "published/elearn.duckdb"
    path.chmod(0o644)
    orphan = "insert into raw.events select * replace (-1 as event_id, -1 as user_id) from"
    with pytest.raises(duckdb.ConstraintException, match="foreign key"):
        change(path, f"{orphan} raw.events limit 1")


def test_build_info_says_what_was_tested_when_and_by_what(built: Path) -> None:
    summary = (built / "summary.txt").read_text().splitlines()
    with duckdb.connect(str(built / "published/elearn.duckdb"), read_only=True) as con:
        [row] = con.execute("from build_info").fetchdf().to_dict("records")
    assert f"{'dataset version':<28}{row['dataset_version']}" in summary
    assert f"{'tests':<28}{row['tests_passed']:>14,} passed" in summary
    assert row["tests_passed"] > 90
    assert row["tests_warned"] == 0
    assert row["duckdb_version"] == f"v{duckdb.__version__}"
    assert row["dbt_version"] == version("dbt-core")
    assert row["elearn_version"] == version("elearn-churn-warehouse")
    assert query(
        built / "published/elearn.duckdb",
        "select built_at between loaded_at and loaded_at + interval 1 hour"
        " from build_info cross join raw.loads",
    ) == [(True,)]


def test_every_column_has_a_comment_and_a_type_that_bi_tools_take(built: Path) -> None:
    assert (
        query(
            built / "published/elearn.duckdb",
            "select table_name, column_name from duckdb_columns() where comment is null"
            " and not internal",
        )
        == []
    )
    types = query(
        built / "published/elearn.duckdb",
        "select distinct data_type from information_schema.columns"
        " where table_schema in ('raw', 'main')",
    )
    readable = {"INTEGER", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "VARCHAR"}
    assert {name for (name,) in types} <= readable


def test_the_file_is_read_only_and_alone(built: Path) -> None:
    path = built / "published/elearn.duckdb"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask() & ~0o222
    assert list(path.parent.iterdir()) == [path]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_published_file_is_a_warehouse_for_reading_commands(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    for command in [
        ("versions",),
        ("verify",),
        ("verify", "--marts"),
        ("export", "--output-dir", "x"),
    ]:
        on_warehouse = run_elearn(folder, dbt_variables, *command, "--json").stdout
        where = ("--warehouse", "published/elearn.duckdb", "--json")
        on_published = run_elearn(folder, dbt_variables, *command, *where).stdout
        results = [json.loads(text) for text in (on_warehouse, on_published)]
        for result in results:
            result.pop("seconds", None)
            result.pop("place", None)
        assert results[0] == results[1]
        if command[0] == "export":
            assert set(results[0]["rows"]) == {*RAW, *MARTS} - {"raw.loads"}
