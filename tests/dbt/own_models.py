"""A copy of the project with models that somebody added, of every kind that dbt's manual names."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import duckdb

from generator import Settings
from generator.sinks.daily import generate_through
from tests.conftest import WRITING_RESULTS, copy_project, dbt_writing_to, run_dbt

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
    "own/far_view.sql": "{{ config(database='elsewhere', materialized='view') }} " + COUNTS,
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
        self.variables = dbt_writing_to(folder) | WRITING_RESULTS

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
