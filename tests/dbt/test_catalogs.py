"""A warehouse means its own tables under any name and alias: nothing in it names its catalog."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.publishing.publish import publish_warehouse
from generator.sinks.warehouse import generate_warehouse
from tests.conftest import NO_UNIT_TESTS, WRITING_RESULTS, dbt_writing_to, run_dbt

STAGING = ("staging.stg_users", "staging.stg_user_changes", "staging.stg_events")
TEXTS = {
    "views": "select sql from duckdb_views() where not internal",
    "tables": "select sql from duckdb_tables()",
    "constraints": "select constraint_text from duckdb_constraints()",
    "comments": "select comment from duckdb_tables() where comment is not null",
    "comments_of_columns": "select comment from duckdb_columns() where comment is not null",
    "tested_tables": "select cast(tested as varchar) from bookkeeping.tested_tables as tested",
    "builds": "select cast(builds as varchar) from bookkeeping.builds as builds",
}
"""Every text that a file keeps."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a built warehouse, and another one of which staging is built."""
    folder = tmp_path_factory.mktemp("catalogs")
    for name, users, arguments in [
        ("first_catalog", 20, ("build", *NO_UNIT_TESTS)),
        ("second_catalog", 45, ("run", "--select", "staging")),
    ]:
        warehouse = folder / f"{name}.duckdb"
        generate_warehouse(warehouse, Settings(n_users=users, days=70), workers=1)
        done = run_dbt(warehouse, dbt_writing_to(folder / name), *arguments)
        assert done.returncode == 0, done.stdout
    return folder


def count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    [(rows,)] = con.execute(f"select count(*) from {table}").fetchall()
    return rows


def test_the_views_of_each_of_two_attached_files_read_their_own_file(folder: Path) -> None:
    with duckdb.connect(str(folder / "first_catalog.duckdb"), read_only=True) as con:
        con.execute(f"attach '{folder}/second_catalog.duckdb' as other (read_only)")
        for view in STAGING:
            raw = view.replace("staging.stg_", "raw.")
            assert count(con, view) == count(con, raw)
            assert count(con, f"other.{view}") == count(con, f"other.{raw}")
        assert count(con, "staging.stg_users") == 20
        assert count(con, "other.staging.stg_users") == 45


@pytest.mark.parametrize("name", ["renamed.duckdb", "a copy of 2026-01.v2.duckdb"])
def test_the_views_of_a_renamed_file_read_it(name: str, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "first_catalog.duckdb", tmp_path / name)
    with duckdb.connect(str(tmp_path / name), read_only=True) as con:
        assert count(con, "staging.stg_users") == 20


@pytest.mark.slow
def test_tests_in_a_renamed_copy_are_green_and_keep_the_record_of_the_build(
    folder: Path, tmp_path: Path
) -> None:
    renamed = tmp_path / "renamed.duckdb"
    shutil.copy(folder / "first_catalog.duckdb", renamed)
    done = run_dbt(renamed, dbt_writing_to(tmp_path), "test", *NO_UNIT_TESTS)
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(renamed), read_only=True) as con:
        assert count(con, "bookkeeping.green_build") == 1
        assert count(con, "bookkeeping.outdated") == 0
    assert publish_warehouse(renamed, tmp_path / "readers.duckdb").build.tests_passed > 70


def test_nothing_that_dbt_compiles_names_the_catalog(folder: Path, tmp_path: Path) -> None:
    variables = dbt_writing_to(tmp_path) | WRITING_RESULTS
    done = run_dbt(folder / "first_catalog.duckdb", variables, "compile", "--full-refresh")
    assert done.returncode == 0, done.stdout
    manifest = json.loads((tmp_path / "target/manifest.json").read_text())
    nodes = manifest["nodes"].values()
    assert {"model", "test", "analysis"} <= {node["resource_type"] for node in nodes}
    compiled = {node["name"]: node["compiled_code"] for node in nodes if "compiled_code" in node}
    assert len(compiled) > 90
    assert [name for name, sql in compiled.items() if "first_catalog" in sql] == []


def test_nothing_in_the_file_names_the_catalog(folder: Path) -> None:
    with duckdb.connect(str(folder / "first_catalog.duckdb"), read_only=True) as con:
        found = {place: con.execute(f"from ({sql})").fetchall() for place, sql in TEXTS.items()}
    for place, texts in found.items():
        assert texts, place
        assert [text for (text,) in texts if "first_catalog" in text] == []


@pytest.mark.parametrize("schema", ["raw", pytest.param("STAGING", marks=pytest.mark.slow)])
def test_a_file_with_the_name_of_a_schema_is_refused_in_a_sentence(
    schema: str, folder: Path, tmp_path: Path
) -> None:
    named = tmp_path / f"{schema}.duckdb"
    shutil.copy(folder / "first_catalog.duckdb", named)
    done = run_dbt(named, dbt_writing_to(tmp_path), "test")
    assert done.returncode != 0
    assert f"{named} has the name of one of the schemas in it: rename the file." in done.stdout
