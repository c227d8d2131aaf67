"""Models that somebody adds behave as dbt's manual says, in any folder, and ours stay as they are.

Each model is built twice over changed rows: what it holds then is what its settings promise.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.arriving import generate_through
from generator.publishing import publish
from generator.verifying import mart_hashes
from tests.conftest import copy_project, dbt_writing_to, run_dbt

SETTINGS = Settings(n_users=30, days=71, churn_base_rate=0.5)
COUNTS = "select user_id, count(*) as number_of_days from {{ ref('user_daily') }} group by user_id"
EXTRA = "{% if var('is_second', false) %}, 1 as extra{% else %}, 2 as removed{% endif %}"
DATED = "select user_id, max(as_of_date) as last_day, count(*) as number_of_days"


def incremental(
    sql: str, unique_key: str | list[str] | None = "user_id", **settings: object
) -> str:
    given = {"materialized": "incremental", "unique_key": unique_key} | settings
    return f"{{{{ config(**{given!r}) }}}} {sql}"


def table(sql: str, **settings: object) -> str:
    return f"{{{{ config(**{ {'materialized': 'table'} | settings!r}) }}}} {sql}"


MODELS = {
    "marts/counts.sql": incremental(COUNTS),
    "marts/deleted.sql": incremental(COUNTS, ["user_id"], incremental_strategy="delete+insert"),
    "marts/merged.sql": incremental(COUNTS, incremental_strategy="merge"),
    "own/appended.sql": incremental(COUNTS, None, incremental_strategy="append"),
    "own/merged_elsewhere.sql": incremental(COUNTS, incremental_strategy="merge", schema="own"),
    "marts/kept.sql": incremental(COUNTS, None, full_refresh=False),
    "staging/a_table.sql": table(COUNTS),
    "intermediate/a_view.sql": COUNTS,
    "own/an_ephemeral.sql": "{{ config(materialized='ephemeral') }} " + COUNTS,
    "own/from_them.sql": table(
        "select * from {{ ref('an_ephemeral') }} inner join {{ ref('a_view') }} using (user_id)"
        " inner join {{ ref('a_seed') }} using (user_id)"
        " inner join {{ source('elsewhere', 'accounts') }} using (user_id)",
        alias="Under another name",
    ),
    "marts/ignoring.sql": incremental(
        "select 1 as user_id, 2 as removed {% if var('is_second', false) %}, 1 as extra{% endif %}"
    ),
    "marts/appending.sql": incremental(
        "select 1 as user_id" + EXTRA, on_schema_change="append_new_columns"
    ),
    "marts/syncing.sql": incremental(
        "select 1 as user_id" + EXTRA, on_schema_change="sync_all_columns"
    ),
    "marts/failing.sql": incremental("select 1 as user_id" + EXTRA, on_schema_change="fail"),
    "marts/promised.sql": incremental(
        DATED + " from {{ ref('user_daily') }} group by user_id",
        on_schema_change="append_new_columns",
    ),
    "own/z_parent.sql": table("select user_id from {{ ref('stg_users') }}"),
    "own/a_child.sql": table("select user_id from {{ ref('z_parent') }}"),
    "own/own.yml": """
sources:
  - name: elsewhere
    database: elsewhere
    schema: main
    tables: [{name: accounts}]
models:
  - name: a_child
    config: {contract: {enforced: true}}
    columns:
      - name: user_id
        data_type: integer
        constraints:
          - {type: not_null}
          - {type: foreign_key, to: ref('z_parent'), to_columns: [user_id]}
  - name: z_parent
    config: {contract: {enforced: true}}
    columns:
      - name: user_id
        data_type: integer
        constraints: [{type: primary_key}]
  - name: promised
    description: When each user was last seen. One row per user.
    config: {contract: {enforced: true}}
    constraints:
      - {type: primary_key, columns: [user_id]}
      - {type: check, expression: "number_of_days > 0"}
    columns:
      - name: user_id
        description: Whom it is about.
        data_type: integer
        constraints: [{type: not_null}]
      - name: last_day
        data_type: date
        constraints: [{type: check, expression: "last_day >= date '2025-01-01'"}]
      - name: number_of_days
        data_type: bigint
""",
}
SEED = "user_id\n" + "".join(f"{user}\n" for user in range(1, 31))
SNAPSHOT = """
snapshots:
  - name: a_snapshot
    relation: ref('a_table')
    config: {unique_key: user_id, strategy: check, check_cols: all}
"""


class Project:
    """A copy of the project with models that somebody added, and a warehouse."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = folder / "warehouse.duckdb"
        self.arrive(70)
        self.where = copy_project(folder)
        self.variables = dbt_writing_to(folder)

    def arrive(self, days: int) -> None:
        through = SETTINGS.start_date + timedelta(days=days - 1)
        generate_through(self.warehouse, SETTINGS, through, replace=False, workers=1)

    def add(self, models: dict[str, str]) -> None:
        for name, text in models.items():
            path = self.folder / "dbt_project/models" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def add_other_kinds(self) -> None:
        """Add a seed, a snapshot and an attached database, whose folders and settings are dbt's."""
        for place, name, text in [("seeds", "a_seed.csv", SEED), ("snapshots", "a.yml", SNAPSHOT)]:
            (self.folder / place).mkdir()
            (self.folder / place / name).write_text(text)
        with duckdb.connect(str(self.folder / "elsewhere.duckdb")) as con:
            con.execute(
                "create table accounts as select n::integer as user_id from range(99) as r(n)"
            )
        profiles = self.folder / "profiles.yml"
        kind = "      type: duckdb\n"
        attached = f"      attach: [{{path: '{self.folder}/elsewhere.duckdb'}}]\n"
        assert kind in profiles.read_text()
        profiles.write_text(profiles.read_text().replace(kind, kind + attached))

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_dbt(self.warehouse, self.variables, *arguments, *self.where)

    def succeed(self, *arguments: str) -> None:
        done = self.dbt(*arguments)
        assert done.returncode == 0, done.stdout

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            return con.execute(sql).fetchall()

    def columns(self, table: str) -> list[str]:
        return [row[0] for row in self.query(f"describe {table}")]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """After a build of our models, and a first one with the others; not to be changed."""
    project = Project(tmp_path_factory.mktemp("own"))
    project.succeed("run")
    shutil.copy(project.warehouse, project.folder / "ours.duckdb")
    project.add(MODELS)
    project.add_other_kinds()
    project.succeed("build")
    shutil.copy(project.warehouse, project.folder / "first.duckdb")
    return project


@pytest.fixture(scope="module")
def second(first: Project) -> Project:
    """After a day more and a second build, in which each user has a changed row."""
    first.arrive(71)
    first.succeed("build", "--vars", "is_second: true", "--exclude", "failing")
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
    publish(second.warehouse, second.folder / "readers.duckdb")
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
