"""The analyses run on every kind of warehouse, and paste from their page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pytest

from generator import Settings
from generator.documentation.project import Project
from generator.documentation.queries import Query, read_queries
from generator.loader.load import load_files
from generator.sinks.warehouse import generate_warehouse
from generator.warehouse.tables import ASSIGNMENTS
from tests.conftest import ROOT
from tests.dbt.judge import World
from tests.dbt.marts import Connection, Marts
from tests.dbt.worlds import worlds
from tests.drawing import drawn
from tests.integration.test_build import write_export

PAGE = ROOT / "docs" / "queries.md"
BLOCKS = dict(re.findall(r"^## (.+?)$.*?```sql\n(.+?)\n```", PAGE.read_text(), re.DOTALL | re.M))

Answer = list[dict[str, object]]


@pytest.fixture(scope="module")
def queries(documentation: Path) -> dict[str, Query]:
    return {query.name: query for query in read_queries(Project.read(documentation / "target"))}


def answer(con: Connection, query: Query) -> Answer:
    found = con.execute(query.sql)
    columns = [name for name, *_ in found.description]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


@contextmanager
def built(marts: dict[str, Marts], warehouse: Path) -> Iterator[Connection]:
    """Build the marts of a file in memory, with its experiment when it has one."""
    with marts["defaults"].build_like(warehouse) as con:
        found = con.execute(
            "select 1 from duckdb_tables() where database_name = 'stored'"
            " and table_name = 'experiment_assignments'"
        ).fetchall()
        if found:
            con.execute(f"create table {ASSIGNMENTS.name} as from stored.{ASSIGNMENTS.name}")
        yield con


def test_the_page_has_every_analysis(queries: dict[str, Query]) -> None:
    files = (ROOT / "dbt_project" / "analyses").glob("*.sql")
    assert sorted(queries) == sorted(file.stem for file in files)
    assert {query.question: query.sql for query in queries.values()} == BLOCKS
    for query in queries.values():
        assert query.question.endswith("?")
        assert len(query.explanation) > 50


@pytest.mark.parametrize("question", BLOCKS)
def test_a_query_of_the_page_pastes_into_the_cli_on_a_copy_of_another_name(
    question: str, published: Path
) -> None:
    program = Path(sys.executable).parent / "duckdb"
    done = subprocess.run(
        [program, "-readonly", "-csv", published],
        input=BLOCKS[question],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 1


@pytest.fixture(scope="module")
def published(documentation: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that holds raw and the marts alone, without an experiment."""
    path = tmp_path_factory.mktemp("published") / "elearn.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(f"attach '{documentation / 'target' / 'example.duckdb'}' as built (read_only)")
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'built'"
            " and schema_name in ('raw', 'main') and table_name <> 'experiment_assignments'"
        ).fetchall()
        con.execute("create schema raw")
        for schema, table in tables:
            con.execute(f"create table {schema}.{table} as from built.{schema}.{table}")
    return path


def test_every_query_runs_on_another_duckdb(published: Path, tmp_path: Path) -> None:
    other = ROOT / ".venv" / "duckdb-2.0.0"
    assert other.is_dir(), "make test installs DuckDB 2.0.0 there"
    code = """
import duckdb, sys
assert duckdb.__version__ == "2.0.0"
con = duckdb.connect(sys.argv[1], read_only=True)
for query in sys.argv[2:]:
    assert con.execute(query).fetchall(), query
"""
    done = subprocess.run(
        [sys.executable, "-c", code, published, *BLOCKS.values()],
        env=os.environ | {"PYTHONPATH": str(other)},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_query_answers_on_a_real_export(
    queries: dict[str, Query], marts: dict[str, Marts], tmp_path: Path
) -> None:
    write_export(tmp_path)
    warehouse = tmp_path / "warehouse.duckdb"
    load_files(warehouse, [str(tmp_path / "people.csv")], [str(tmp_path / "log.csv")])
    with built(marts, warehouse) as con:
        answers = {name: answer(con, query) for name, query in queries.items()}
    # Nobody pays, everybody was seen on the last days, and the log has no enrolments.
    silent = {name for name, rows in answers.items() if not rows}
    assert silent == {"revenue_at_risk", "users_at_risk"}
    [course] = answers["course_funnel"]
    assert (course["course_name"], course["users"], course["enrolled"]) == ("BBB", 11, 0)
    assert course["watched_share"] is None
    whole, *_ = answers["churn_rate_by_segment"]
    assert whole["users"] == 11


@pytest.mark.parametrize(("days", "standing"), [(70, "not at risk"), (25, "unknown")])
def test_nobody_is_at_risk_before_anybody_churned(
    days: int, standing: str, queries: dict[str, Query], marts: dict[str, Marts], tmp_path: Path
) -> None:
    world = Settings(n_users=30, days=days, churn_base_rate=0, paid_ratio=1)
    generate_warehouse(tmp_path / "warehouse.duckdb", world, workers=1)
    with built(marts, tmp_path / "warehouse.duckdb") as con:
        assert answer(con, queries["users_at_risk"]) == []
        [row] = answer(con, queries["revenue_at_risk"])
    assert (row["standing"], row["users"]) == (standing, 30)


def test_who_is_scored_no_more_stands_apart_whatever_the_vars(
    queries: dict[str, Query], marts: dict[str, Marts], tmp_path: Path
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    # The last day is that of the vars "other_engagement".
    world = Settings(n_users=40, start_date=date(2024, 1, 22), days=70, paid_ratio=1)
    generate_warehouse(warehouse, world, workers=1)
    for name in ("defaults", "a_label_window_of_one_day", "other_engagement"):
        with marts[name].build_like(warehouse) as con:
            rows = answer(con, queries["revenue_at_risk"])
            [(scored,)] = con.execute("select count(*) from scoring_dataset").fetchall()
        users = {row["standing"]: row["users"] for row in rows}
        assert users.pop("away for too long", 0) == 40 - scored
        assert sum(users.values()) == scored


def test_no_query_finds_anything_in_an_empty_warehouse(
    queries: dict[str, Query], marts: dict[str, Marts]
) -> None:
    with marts["defaults"].build(World((), ())) as con:
        found = {name for name, query in queries.items() if answer(con, query)}
    assert found == {"experiment_effect"}


def test_without_an_experiment_the_verdict_says_so(
    queries: dict[str, Query], marts: dict[str, Marts]
) -> None:
    with marts["defaults"].build(World((), ())) as con:
        missing = answer(con, queries["experiment_effect"])
        con.execute(f"create table {ASSIGNMENTS.name} (user_id integer, treatment_group varchar)")
        empty = answer(con, queries["experiment_effect"])
    assert missing == empty
    for row in missing:
        assert row["verdict"] == "no experiment: raw.experiment_assignments is missing or empty"


@pytest.mark.parametrize("ratio", [0.001, 1.0])
def test_an_experiment_with_an_empty_group_gives_no_interval(
    ratio: float, queries: dict[str, Query], marts: dict[str, Marts], tmp_path: Path
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    generate_warehouse(warehouse, Settings(n_users=20, days=70, treatment_ratio=ratio), workers=1)
    with built(marts, warehouse) as con:
        rows = answer(con, queries["experiment_effect"])
    for row in rows:
        assert {row["control_users"], row["treated_users"]} == {0, 20}
        assert (row["difference"], row["low"], row["high"]) == (None, None, None)
        assert row["verdict"] == "a group has too few users"


@drawn(world=worlds())
def test_every_query_runs_on_any_world(
    world: World, queries: dict[str, Query], marts: dict[str, Marts]
) -> None:
    with marts["defaults"].build(world) as con:
        for query in queries.values():
            check_shares(answer(con, query))


def check_shares(rows: Answer) -> None:
    for row in rows:
        for name, value in row.items():
            if re.search(r"rate|share|^low|^high|^day_", name) and value is not None:
                assert 0 <= value <= 1, (name, value)
