"""What makes a table the one that was tested: its columns and constraints, not the text of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from generator.errors import ElearnError
from generator.publishing.publish import publish_warehouse
from tests.conftest import ROOT, run_elearn

OWN_MODEL = {
    "recent_days.sql": "select user_id, as_of_date from {{ ref('user_daily') }}"
    " where as_of_date >= date '2025-02-01'",
    "recent_days.yml": """
models:
  - name: recent_days
    config:
      materialized: table
      contract: {enforced: true}
    columns:
      - name: user_id
        data_type: integer
      - name: as_of_date
        data_type: date
        constraints:
          - type: check
            expression: as_of_date >= date '2025-02-01'
""",
}
"""A model of a person's own; DuckDB writes the check anew when it opens the file again."""

OWN_TABLES = """
create table raw."my own codes" (
    code varchar unique, amount double default 1e15 check (amount <= 1e15)
);
create table raw.a_first_name (
    code varchar references raw."my own codes" (code), label_day date default date '2025-01-01'
);
create table raw.annotations (
    event_id bigint primary key references raw.events (event_id),
    answers_to bigint references raw.annotations (event_id),
    noted_at timestamp check (noted_at >= timestamp '2025-01-01 00:00:00')
);
insert into raw."my own codes" values ('x', 1), (null, null);
insert into raw.a_first_name values ('x', date '2025-01-02');
insert into raw.annotations select min(event_id), null, '2025-01-03' from raw.events;
"""
"""Tables of a person's own in raw, named so that children sort before their parents."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]) -> Path:
    """A project with a model of a person's own, and its warehouse with tables of their own."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, folder)
    for name in ("dbt_project", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    for name, text in OWN_MODEL.items():
        (folder / "dbt_project/models/marts" / name).write_text(text)
    run_elearn(folder, dbt_variables, "generate", "--n-users", 40, "--days", 70)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        for statement in OWN_TABLES.split(";"):
            con.execute(statement)
    run_elearn(folder, dbt_variables, "build", "--no-generate")
    return folder


def test_tables_and_models_of_ones_own_are_published_as_they_are(built: Path) -> None:
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as con:
        con.execute(f"attach '{built}/published/elearn.duckdb' as readers (read_only)")
        definitions = (
            "select table_name, definition from bookkeeping.definitions"
            " where database_name = ? and (table_name like 'raw.%' or table_name like 'main.%')"
            " and table_name <> 'main.build_info' order by all"
        )
        tested = con.execute(definitions, ["warehouse"]).fetchall()
        assert con.execute(definitions, ["readers"]).fetchall() == tested
        names = ["main.recent_days", "raw.my own codes", "raw.a_first_name", "raw.annotations"]
        assert set(names) <= {name for name, _ in tested}
        for name in ["main.recent_days", 'raw."my own codes"', "raw.annotations"]:
            both = f"from warehouse.{name} except from readers.{name}"
            assert con.execute(both).fetchall() == []
            assert con.execute(f"select count(*) > 0 from readers.{name}").fetchall() == [(True,)]


def test_what_did_not_change_can_be_published_and_exported_again_and_again(
    built: Path, dbt_variables: dict[str, str]
) -> None:
    for number in range(2):
        run_elearn(built, dbt_variables, "publish")
        run_elearn(built, dbt_variables, "export", "--output-dir", f"exported {number}")


CHANGES = {
    "no check": ("main.recent_days", "create or replace table recent_days as from recent_days"),
    "a key": (
        "main.recent_days",
        "alter table recent_days add primary key (user_id, as_of_date)",
    ),
    "not null": ("main.recent_days", "alter table recent_days alter user_id set not null"),
    "another type": ("main.recent_days", "alter table recent_days alter user_id type bigint"),
    "no foreign key": (
        "raw.a_first_name",
        "create or replace table raw.a_first_name as from raw.a_first_name",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_table_with_the_same_rows_in_another_structure_is_not_published(
    name: str, built: Path, tmp_path: Path
) -> None:
    table, statement = CHANGES[name]
    warehouse = tmp_path / "warehouse.duckdb"
    shutil.copy(built / "warehouse.duckdb", warehouse)
    with duckdb.connect(str(warehouse)) as con:
        con.execute(statement)
    with pytest.raises(
        ElearnError, match=f"{table} changed since the last build that passed all tests"
    ):
        publish_warehouse(warehouse, tmp_path / "readers.duckdb")


def test_a_warehouse_that_was_built_before_structures_were_kept_asks_for_a_build(
    built: Path, tmp_path: Path
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    shutil.copy(built / "warehouse.duckdb", warehouse)
    with duckdb.connect(str(warehouse)) as con:
        con.execute("drop view bookkeeping.definitions")
    with pytest.raises(ElearnError, match=r"earlier version .* run `elearn build"):
        publish_warehouse(warehouse, tmp_path / "readers.duckdb")
