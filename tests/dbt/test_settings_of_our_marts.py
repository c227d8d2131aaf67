"""dbt's settings on this project's marts are honoured, or refused in one sentence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.sinks.warehouse import generate_warehouse
from tests.conftest import copy_project, dbt_writing_to, run_dbt

MARK = "update user_daily set country = 'marked' where user_id = 1"
MARKED = "select count(*) > 0 from user_daily where country = 'marked'"


class Project:
    """A copy of the project with a built warehouse; each test writes the settings it is about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = folder / "warehouse.duckdb"
        generate_warehouse(self.warehouse, Settings(n_users=20, days=70), workers=1)
        self.where = copy_project(self.folder)
        assert self.run().returncode == 0
        shutil.copy(self.warehouse, folder / "kept.duckdb")

    def restore(self) -> None:
        copy_project(self.folder)
        shutil.copy(self.folder / "kept.duckdb", self.warehouse)

    def set(self, setting: str) -> None:
        """Give a setting to user_daily where dbt's manual says a project may."""
        path = self.folder / "dbt_project/models/marts/user_daily.sql"
        path.write_text(path.read_text() + f"{{{{ config({setting}) }}}}\n")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        variables = dbt_writing_to(self.folder)
        select = ("run", "--select", "+user_daily", *arguments)
        return run_dbt(self.warehouse, variables, *select, *self.where)

    def execute(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.warehouse)) as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("settings"))


@pytest.fixture
def project(built: Project) -> Project:
    built.restore()
    return built


def test_full_refresh_true_makes_a_mart_anew_in_every_run(project: Project) -> None:
    project.set("full_refresh=true")
    assert project.run().returncode == 0
    project.execute(MARK)
    assert project.run().returncode == 0
    assert project.execute(MARKED) == [(False,)]


@pytest.mark.slow
def test_full_refresh_false_keeps_the_rows_and_says_when_it_cannot(project: Project) -> None:
    settings = project.folder / "dbt_project.yml"
    ours = "    user_daily: {+full_refresh: false}\n"
    settings.write_text(
        settings.read_text().replace("  elearn_churn:\n", f"  elearn_churn:\n    marts:\n  {ours}")
    )
    project.execute(MARK)
    assert project.run("--full-refresh").returncode == 0
    assert project.execute(MARKED) == [(True,)]
    done = project.run("--vars", "label_window_days: 7")
    assert done.returncode == 1
    assert "No row of user_daily can be kept" in done.stdout
    copy_project(project.folder)
    assert project.run().returncode == 0
    assert project.execute(MARKED) == [(False,)]


def test_a_changed_macro_redoes_what_is_made_with_it_and_nothing_else(project: Project) -> None:
    macros = project.folder / "dbt_project/macros"
    for name, is_redone in (("of_ones_own.sql", False), ("scaling.sql", True)):
        project.execute(MARK)
        path = macros / name
        code = path.read_text() if path.exists() else "{% macro unused() %}1{% endmacro %}"
        path.write_text(code.replace("* 10000)", "* 10000 + 0)"))
        assert project.run().returncode == 0
        assert project.execute(MARKED) == [(not is_redone,)]


def test_a_var_of_ones_own_redoes_nothing(project: Project) -> None:
    project.execute(MARK)
    assert project.run("--vars", "my_own: 7").returncode == 0
    assert project.execute(MARKED) == [(True,)]


def test_a_column_is_not_added_to_a_mart_but_the_option_that_helps_is_named(
    project: Project,
) -> None:
    project.set("on_schema_change='append_new_columns'")
    assert project.run().returncode == 0
    project.execute("alter table user_daily drop column amount_paid_sum")
    done = project.run()
    assert done.returncode == 1
    assert (
        "The columns of user_daily are not those of its model, and on_schema_change:"
        " append_new_columns cannot fill them for the rows that stand:"
        " run `dbt build --full-refresh`." in done.stdout
    )
    assert project.run("--full-refresh").returncode == 0


@pytest.mark.parametrize(
    "settings",
    ["incremental_mart()", "config(materialized='incremental', incremental_strategy='redo')"],
)
def test_the_settings_of_our_marts_are_for_no_other_model(settings: str, project: Project) -> None:
    path = project.folder / "dbt_project/models/marts/a_copy.sql"
    path.write_text(f"{{{{ {settings} }}}} select 1 as user_id")
    sentence = "The settings of this project's marts are not for a_copy: call config("
    outputs = [project.run("--select", "a_copy").stdout for _ in range(2)]
    assert sentence in outputs[1]
