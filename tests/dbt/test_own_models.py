"""Models that somebody adds behave as dbt's manual says, in any folder, and ours stay as they are.

Each model is built twice over changed rows: what it holds then is what its settings promise.
"""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from generator.publishing.publish import publish_warehouse
from generator.warehouse.verify import mart_hashes
from tests.conftest import NO_UNIT_TESTS
from tests.dbt.own_models import DATED, MODELS, SETTINGS, Project


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """After a build of our models, and a first one with the others; not to be changed."""
    project = Project(tmp_path_factory.mktemp("own"))
    project.succeed("run")
    shutil.copy(project.warehouse, project.folder / "ours.duckdb")
    project.add(MODELS)
    project.add_other_kinds()
    project.succeed("build", *NO_UNIT_TESTS, "--exclude-resource-type", "test")
    shutil.copy(project.warehouse, project.folder / "first.duckdb")
    return project


@pytest.fixture(scope="module")
def second(first: Project) -> Project:
    """After a day more and a second build, in which each user has a changed row."""
    first.arrive(71)
    first.succeed("build", "--vars", "is_second: true", "--exclude", "failing", *NO_UNIT_TESTS)
    shutil.copy(first.warehouse, first.folder / "second.duckdb")
    return first


EXPECTED = "select user_id, count(*) as number_of_days from user_daily group by user_id"
BEFORE = f"""
    select user_id, number_of_days - 1 as number_of_days
    from ({EXPECTED}) where number_of_days > 1
"""


@pytest.mark.parametrize(
    "table", ["counts", "deleted", "merged", "own.merged_elsewhere", "a_table", "a_view"]
)
def test_a_key_of_its_own_is_never_doubled_and_its_rows_are_the_new_ones(
    table: str, second: Project
) -> None:
    assert second.query(f"from {table} order by all") == second.query(f"{EXPECTED} order by all")


@pytest.mark.parametrize("table", ["appended", "kept"])
def test_without_a_key_rows_are_appended(table: str, second: Project) -> None:
    both = f"{EXPECTED} union all {BEFORE}"
    assert second.query(f"from {table} order by all") == second.query(f"from ({both}) order by all")


def test_views_ephemeral_models_seeds_and_attached_databases_work_together(second: Project) -> None:
    [(rows,)] = second.query('select count(*) from "Under another name"')
    assert rows == second.query(f"select count(*) from ({EXPECTED})")[0][0]
    kinds = "select table_name, table_type from information_schema.tables where table_name in"
    assert dict(second.query(f"{kinds} ('a_view', 'a_table', 'a_seed', 'an_ephemeral')")) == {
        "a_view": "VIEW",
        "a_table": "BASE TABLE",
        "a_seed": "BASE TABLE",
    }


def test_a_view_in_an_attached_database_names_the_warehouse(second: Project) -> None:
    with duckdb.connect(str(second.folder / "elsewhere.duckdb")) as con:
        con.execute(f"attach '{second.warehouse}' (read_only)")
        found = con.execute("from far_view order by all").fetchall()
    assert found == second.query(f"{EXPECTED} order by all")


def test_a_snapshot_keeps_the_row_before(second: Project) -> None:
    old = "select user_id, number_of_days from a_snapshot where dbt_valid_to is not null"
    new = "select user_id, number_of_days from a_snapshot where dbt_valid_to is null"
    assert second.query(f"{old} order by all") == second.query(f"{BEFORE} order by all")
    assert second.query(f"{new} order by all") == second.query(f"{EXPECTED} order by all")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("ignoring", ["user_id", "removed"]),
        ("appending", ["user_id", "removed", "extra"]),
        ("syncing", ["user_id", "extra"]),
    ],
)
def test_a_changed_column_does_what_on_schema_change_says(
    table: str, columns: list[str], second: Project
) -> None:
    assert second.columns(table) == columns
    assert second.query(f"select count(*) from {table}") == [(1,)]


def test_dbt_itself_refuses_a_changed_column_when_told_to(second: Project) -> None:
    done = second.dbt("run", "--select", "failing", "--vars", "is_second: true")
    assert done.returncode == 1
    assert "The source and target schemas on this incremental model are out of sync!" in done.stdout


def test_full_refresh_false_keeps_the_rows_and_others_are_made_anew(second: Project) -> None:
    before = second.query("select count(*) from kept")[0][0]
    second.succeed("run", "--full-refresh", "--select", "kept", "appended")
    users = second.query(f"select count(*) from ({EXPECTED})")[0][0]
    assert second.query("select count(*) from kept") == [(before + users,)]
    assert second.query("select count(*) from appended") == [(users,)]
    shutil.copy(second.folder / "second.duckdb", second.warehouse)


def test_a_contract_with_a_check_on_a_date_holds_and_may_get_a_column(second: Project) -> None:
    last_day = SETTINGS.start_date + timedelta(days=70)
    assert second.query("select distinct last_day from promised") == [(last_day,)]
    kinds = "select constraint_type from duckdb_constraints() where table_name = 'promised'"
    assert sorted(second.query(kinds)) == [("CHECK",), ("CHECK",), ("NOT NULL",), ("PRIMARY KEY",)]
    second.add(
        {
            "marts/promised.sql": MODELS["marts/promised.sql"].replace(
                DATED, DATED + ", 5 as five"
            ),
            "own/own.yml": MODELS["own/own.yml"] + "      - {name: five, data_type: integer}\n",
        }
    )
    second.succeed("build", "--select", "promised")
    second.add(MODELS)
    assert second.columns("promised") == ["user_id", "last_day", "number_of_days", "five"]
    assert second.query("select count(distinct user_id) = count(*) from promised") == [(True,)]
    assert sorted(second.query(kinds))[-1] == ("PRIMARY KEY",)
    shutil.copy(second.folder / "second.duckdb", second.warehouse)


def test_tables_in_main_are_published_with_keys_and_comments(second: Project) -> None:
    publish_warehouse(second.warehouse, second.folder / "readers.duckdb")
    with duckdb.connect(str(second.folder / "readers.duckdb"), read_only=True) as con:
        names = {
            name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()
        }
        [(comment,)] = con.execute(
            "select comment from duckdb_tables() where table_name = 'promised'"
        ).fetchall()
        [(of_column,)] = con.execute(
            "select comment from duckdb_columns() where table_name = 'promised'"
            " and column_name = 'user_id'"
        ).fetchall()
        keys = con.execute(
            "select table_name from duckdb_constraints() where schema_name = 'main'"
            " and constraint_type in ('PRIMARY KEY', 'FOREIGN KEY')"
        ).fetchall()
    assert {"counts", "appended", "promised", "Under another name", "z_parent"} <= names
    assert not {"a_view", "merged_elsewhere", "an_ephemeral"} & names
    assert comment == "When each user was last seen. One row per user."
    assert of_column == "Whom it is about."
    assert {("promised",), ("z_parent",), ("a_child",)} <= set(keys)


def test_models_that_are_added_leave_ours_as_they_are(first: Project) -> None:
    ours, built = first.folder / "ours.duckdb", first.folder / "first.duckdb"
    assert mart_hashes(built) == mart_hashes(ours)
    with duckdb.connect(str(ours), read_only=True) as con:
        con.execute(f"attach '{built}' as built (read_only)")
        inputs = "select inputs from {}.bookkeeping.builds"
        assert (
            con.execute(inputs.format("ours")).fetchall()
            == con.execute(inputs.format("built")).fetchall()
        ), "nothing of ours was redone"


def test_every_override_of_dbts_macros_stands_in_one_file(first: Project) -> None:
    macros = json.loads((first.folder / "target/manifest.json").read_text())["macros"].values()
    theirs = {macro["name"] for macro in macros if macro["package_name"] != "elearn_churn"}
    theirs |= {name.replace("default__", "duckdb__") for name in theirs} | {"ref", "source"}
    elsewhere = [
        macro["name"]
        for macro in macros
        if macro["package_name"] == "elearn_churn"
        and macro["name"] in theirs
        and Path(macro["original_file_path"]).name != "dbt_overrides.sql"
    ]
    assert elsewhere == []
