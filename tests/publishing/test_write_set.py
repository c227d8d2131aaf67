"""Publishing after a build reads again only what was written after the tests saw it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator.publishing.write_set import EVERYTHING, Statement, write_set
from generator.warehouse.summary import MARTS
from tests.conftest import ROOT, copy_project, dbt_writing_to
from tests.preloaded import run_python
from tests.publishing.folders import change, query

TABLES = ["raw.users", "raw.events", "raw.user_changes", "raw.loads", *MARTS, "main.load_profile"]

KEPT = Statement("operation.end", False, "insert into bookkeeping.green_build select 1")


def taken(node: str, table: str) -> Statement:
    sql = f"insert into bookkeeping.content select\n    '{table}' as table_name, null as day"
    return Statement(node, False, sql)


def is_late(*statements: Statement) -> bool:
    found = write_set([*statements, KEPT])
    assert found != EVERYTHING
    assert not found.may_hold("main.yours")
    return found.may_hold("main.mine")


def made(node: str, sql: str) -> Statement:
    return Statement(node, False, f'/* {{"node_id": "{node}"}} */\n{sql}')


@pytest.mark.parametrize(
    "sql",
    [
        "insert into main.mine values (1)",
        'insert or replace into "w"."main"."Mine" select 1',
        "/* a; b */ -- update\n delete from main.mine as m using other where m.id = other.id",
        "update MINE set a = 1",
        "merge into main.mine using other on true when matched then delete",
        "truncate main.mine",
        "alter table main.mine alter a drop not null",
        "drop table if exists main.mine cascade",
        "create or replace table w . main . mine as select 1 as a",
        "select 1; begin; update main.mine set a = 1; commit",
    ],
)
def test_a_statement_that_writes_a_table_after_its_content_was_taken_is_found(sql: str) -> None:
    for node in ("model.mine", "operation.hook"):
        run = [made("model.mine", "select 1"), taken("model.mine", "main.mine"), made(node, sql)]
        assert is_late(*run)
    assert not is_late(made("model.mine", sql), taken("model.mine", "main.mine"))


def test_a_table_that_two_nodes_wrote_or_whose_content_was_taken_too_early_is_read_again() -> None:
    own, others = (made(node, "update main.mine set a = 1") for node in ("model.mine", "test.x"))
    by_test = taken("test.x", "main.mine")
    assert is_late(others, own, taken("model.mine", "main.mine"))
    assert is_late(own, by_test, made("model.mine", "commit"))
    assert not is_late(own, by_test)
    assert is_late(own), "never taken"


@pytest.mark.parametrize(
    "sql",
    [
        "with new as (select 1) insert into main.other select * from new",
        "with gone as (delete from main.other returning *) select * from gone",
        "insert into main.yours with new as ( /* */ update main.other set a = 1) from new",
        "prepare change as update main.other set a = 1",
        "execute change",
        "call some_function()",
        "explain analyze delete from main.other",
        "copy main.other from 'other.csv'",
        "drop schema main cascade",
        "truncate main.yours, main.other",
        "attach 'other.duckdb'",
        "insert into main.other values (1), (2)...",
        "with new as (select 1 /* of */) /* new */ insert into main.other select * from new",
        "update only main.other set a = 1",
        "alter table if exists only main.other add column a int",
        "truncate table only main.other",
        "insert into main /* yours */ .other values (1)",
        "insert into e'other' values (1)",
    ],
)
def test_a_statement_that_is_not_understood_may_have_written_everything(sql: str) -> None:
    assert write_set([made("model.other", sql), KEPT]) == EVERYTHING


def test_a_comment_inside_of_a_comment_hides_no_write() -> None:
    sql = "/* /* */ update main.other set a = 1; */ insert into main.mine values (1)"
    run = [taken("model.mine", "main.mine"), made("operation.hook", sql), KEPT]
    assert write_set(run).may_hold("main.mine")


NEWER = """
from generator.publishing.write_set import EVERYTHING, Statement, write_set
for sql in [
    "with gone as (delete from main.other returning *) select * from gone",
    "with gone as materialized ( -- of\\n delete from main.other returning *) from gone",
    "with gone as (with old as (select 1) delete from main.other returning *) from gone",
    "create or replace table main.yours as with new as (from main.other) from new",
]:
    print(write_set([Statement("model.other", False, sql), Statement("operation.end", False,
        "insert into bookkeeping.green_build select 1")]) == EVERYTHING)
"""


def test_a_select_of_the_newer_engine_that_writes_may_have_written_everything() -> None:
    other = ROOT / ".venv" / "duckdb-2.0.0"
    assert other.is_dir(), "run `make` first"
    path = f"{other}:{ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", NEWER],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "True", "True", "False"]


def test_a_model_in_python_and_a_run_that_kept_nothing_may_have_written_everything() -> None:
    assert write_set([Statement("model.p", True, "select 1"), KEPT]) == EVERYTHING
    assert write_set([made("model.mine", "select 1")]) == EVERYTHING
    assert EVERYTHING.may_hold("main.user_daily")


BUILD = f"""
import subprocess, sys
from collections import Counter
from pathlib import Path
from generator.publishing.dbt import dbt_build
from generator.publishing.publish import publish_from
from generator.reporter import SILENT
warehouse, published = Path("warehouse.duckdb"), Path("published/elearn.duckdb")
built = dbt_build(warehouse, SILENT)
asked = Counter(statement.sql.split("*/")[-1] for statement in built.statements
    if "estimated_size" in statement.sql or "tested_now" in statement.sql)
assert len(asked) >= 4 and max(asked.values()) <= 4, "two threads, before and after they look"
with built.opened(warehouse, None) as (con, written):
    print(*[table for table in {TABLES!r} if written.may_hold(table)], flush=True)
    if len(sys.argv) > 1:
        print(subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True).stderr)
    publish_from(con, warehouse, published, SILENT, written)
"""
"""Prints what publishing will read again, and how a Python fails that it starts before that.

What is asked for each mart or table is asked once in a build, not by each of its tests.
"""


def build(folder: Path, *between: str) -> subprocess.CompletedProcess[str]:
    return run_python(["-c", BUILD, *between], folder, os.environ | dbt_writing_to(folder))


LATE = "insert into raw.events select * replace (-1 as event_id) from raw.events limit 1"


WRITE = "import duckdb; duckdb.connect('warehouse.duckdb').execute('create table late (n int)')"


@pytest.mark.slow
@pytest.mark.parametrize("change_of", [LATE, "drop schema bookkeeping cascade"])
def test_a_build_reads_no_table_again_as_no_other_process_writes_before_it_publishes(
    change_of: str, folder: Path
) -> None:
    change(folder / "warehouse.duckdb", change_of)
    done = build(folder, "-c", WRITE)
    assert done.returncode == 0, done.stderr
    read_again, of_the_other = done.stdout.split("\n", 1)
    assert read_again == ""
    assert "Could not set lock" in of_the_other
    loads = "from raw.loads"
    assert query(folder / "published/elearn.duckdb", loads) == query(
        folder / "warehouse.duckdb", loads
    )


ATTACHED = """
import sys
from pathlib import Path
from dbt.adapters.duckdb import environments
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from generator.publishing.built import Built
from generator.warehouse.private import read_private
from generator.warehouse.tables import TRUTH
path, attached = sys.argv[1:]
profile = {"path": path, "schema": "main", "attach": [{"path": attached, "alias": "attached"}]}
engine = environments.create(DuckDBCredentials.from_dict(profile))
engine.handle().close()
warehouse = Path("warehouse.duckdb")
with Built({}, [], engine).opened(warehouse, "1GiB") as (con, _):
    limit = con.execute("select current_setting('memory_limit')").fetchall()
    with read_private(con, warehouse) as private:
        print(private.has(TRUTH), *limit[0])
"""


@pytest.mark.parametrize(
    ("path", "attached"),
    [(":memory:", "warehouse.duckdb"), ("warehouse.duckdb", "warehouse.private.duckdb")],
)
def test_what_a_profile_attaches_is_let_go_before_publishing_within_the_memory_limit(
    path: str, attached: str, folder: Path
) -> None:
    done = run_python(["-c", ATTACHED, path, attached], folder, os.environ)
    assert (done.returncode, done.stdout) == (0, "True 1.0 GiB\n"), done.stderr


FLIP = "update main.churn_labels set churn_label = 1 - churn_label where user_id = 1"
PYTHON = f"""
def model(dbt, session):
    dbt.config(materialized="table", schema="own")
    dbt.ref("training_dataset")
    session.execute("{FLIP}")
    return session.sql("select 1 as one")
"""
PLUGIN = f"""
from dbt.adapters.duckdb.plugins import BasePlugin
TAKEN = "select count(*) from bookkeeping.content where table_name = 'main.training_dataset'"
class Plugin(BasePlugin):
    left = ["{FLIP}"]
    has_begun = False
    def configure_cursor(self, cursor):
        is_taken = cursor.execute(TAKEN).fetchall() != [(0,)]
        self.has_begun |= not is_taken
        if self.has_begun and is_taken and self.left:
            cursor.execute(self.left.pop())
"""
"""Changes a mart as soon as a run has taken the content of another one that is made from it."""
MODEL = """
{{ config(materialized='table', schema='own', post_hook="update main.training_dataset
    set churn_label = 1 - churn_label where user_id = (select min(user_id) from training_dataset)")
}} select count(*) as number_of_rows from {{ ref('training_dataset') }}
"""
TEST = """
{%- if execute -%}
    {%- do run_query('update main.user_daily set logins_count = 99 where user_id = 1') -%}
{%- endif -%}
select * from {{ ref('training_dataset') }} where false
"""


@pytest.fixture
def project(folder: Path) -> Path:
    copy_project(folder)
    return folder


def check_refused(project: Path, changed: str, read_again: set[str]) -> None:
    before = (project / "published/elearn.duckdb").read_bytes()
    done = build(project)
    assert done.returncode == 1
    assert f"{changed} changed since the last build that passed all tests" in done.stderr
    assert set(done.stdout.split()) == read_again
    assert (project / "published/elearn.duckdb").read_bytes() == before


def test_a_hook_at_the_end_that_changes_a_mart_is_found(project: Path) -> None:
    settings = project / "dbt_project.yml"
    ours = '  - "{{ record_green_build() }}"\n'
    assert ours in settings.read_text()
    settings.write_text(settings.read_text().replace(ours, f'{ours}  - "{FLIP}"\n'))
    check_refused(project, "main.churn_labels", {"main.churn_labels"})


@pytest.mark.slow
def test_a_model_in_python_that_changes_a_mart_is_found(project: Path) -> None:
    (project / "dbt_project/models/own.py").write_text(PYTHON)
    check_refused(project, "main.churn_labels", set(TABLES))


@pytest.mark.slow
def test_a_plugin_that_changes_a_mart_is_found(project: Path) -> None:
    (project / "flipping.py").write_text(PLUGIN)
    profile = project / "profiles.yml"
    ours = "      type: duckdb\n"
    assert profile.read_text().count(ours) == 1
    plugin = "      module_paths: ['.']\n      plugins: [{module: flipping}]\n"
    profile.write_text(profile.read_text().replace(ours, ours + plugin))
    check_refused(project, "main.churn_labels", set(TABLES))


@pytest.mark.slow
def test_a_hook_of_a_model_and_a_test_that_change_marts_are_found(project: Path) -> None:
    (project / "dbt_project/models/own.sql").write_text(MODEL)
    (project / "dbt_project/tests/own_test.sql").write_text(TEST)
    check_refused(project, "main.user_daily", {"main.user_daily", "main.training_dataset"})
