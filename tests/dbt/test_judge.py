"""Every column of every mart equals the naive judge exactly."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import strategies as st

from generator import Settings
from generator.sinks.warehouse import generate_warehouse
from tests.conftest import run_dbt
from tests.dbt.judge import Event, Row, User, UserChange, World, judge
from tests.dbt.marts import MARTS, Connection, Marts, check_equal, rows_of, vars_arguments
from tests.dbt.planting import rich_world
from tests.dbt.worlds import VARS, worlds
from tests.drawing import drawn

# Its days hold the last_day of the vars "other_engagement", and a leap day.
SIMULATED = Settings(
    n_users=15,
    days=110,
    start_date=date(2024, 1, 15),
    churn_base_rate=0.9,
    paid_ratio=0.5,
    upgrade_rate=0.9,
)


@pytest.mark.parametrize("name", VARS)
@drawn(world=worlds(), threads=st.sampled_from([1, 4]))
def test_every_mart_of_any_world_is_what_the_judge_says(
    name: str, world: World, threads: int, marts: dict[str, Marts]
) -> None:
    with marts[name].build(world, threads) as con:
        check_against_judge(con, world, name)


def test_every_mart_of_a_rich_world_is_what_the_judge_says(marts: dict[str, Marts]) -> None:
    """A few drawn worlds may miss a fault that takes a long pause or many quizzes."""
    world = rich_world()
    with marts["defaults"].build(world) as con:
        check_against_judge(con, world, "defaults")


@pytest.mark.parametrize(
    "name", ["defaults", pytest.param("other_engagement", marks=pytest.mark.slow)]
)
def test_a_real_run_of_dbt_over_a_real_file_is_what_the_judge_says(
    name: str, tmp_path: Path, dbt_variables: dict[str, str]
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    generate_warehouse(warehouse, SIMULATED, workers=1)
    done = run_dbt(warehouse, dbt_variables, "run", *vars_arguments(VARS[name]))
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(warehouse), read_only=True) as con:
        check_against_judge(con, read_world(con), name)
        for mart in MARTS:
            assert rows_of(con, mart), f"{mart} has rows to compare"


def check_against_judge(con: Connection, world: World, name: str) -> None:
    expected = judge(world, VARS[name])
    for mart in MARTS:
        assert as_texts(rows_of(con, mart)) == as_texts(expected[mart]), mart


def as_texts(rows: list[Row]) -> dict[str, str]:
    """Rows by key, as text: 1 and 1.0 differ, floats to the last bit, columns by order."""
    texts = {" ".join(map(str, list(row.values())[:2])): repr(row) for row in rows}
    assert len(texts) == len(rows), "a key stands twice"
    return texts


def read_world(con: Connection) -> World:
    def read(table: str, fields: tuple[str, ...]) -> list[tuple]:
        return con.execute(f"select {', '.join(fields)} from {table}").fetchall()

    return World(
        tuple(map(User._make, read("raw.users", User._fields))),
        tuple(map(Event._make, read("raw.events", Event._fields))),
        tuple(map(UserChange._make, read("raw.user_changes", UserChange._fields))),
    )


# More user-days than DuckDB hands to one thread at a time (122,880).
LARGE = Settings(n_users=1200, days=120)


def test_one_thread_and_four_give_the_same_bits(marts: dict[str, Marts], tmp_path: Path) -> None:
    warehouse = tmp_path / "large.duckdb"
    generate_warehouse(warehouse, LARGE, workers=2)
    hashes = []
    for threads in (1, 4):
        with marts["defaults"].build_like(warehouse, threads) as con:
            summed = "select count(*), sum(hash(mart)) from {} as mart"
            hashes.append({name: con.execute(summed.format(name)).fetchall() for name in MARTS})
    assert hashes[0]["user_features_daily"][0][0] > 130_000
    assert hashes[0] == hashes[1]


@pytest.mark.slow
def test_a_dbt_of_four_threads_gives_the_same_bits(
    marts: dict[str, Marts], tmp_path: Path, dbt_variables: dict[str, str]
) -> None:
    warehouse = tmp_path / "large.duckdb"
    generate_warehouse(warehouse, LARGE, workers=2)
    done = run_dbt(warehouse, dbt_variables, "run", "--threads", "4")
    assert done.returncode == 0, done.stdout
    with marts["defaults"].build_like(warehouse, threads=1) as con:
        assert con.execute("select count(*) > 130_000 from user_features_daily").fetchone()[0]
        check_equal(con, "stored", "compiled")
