"""The dataset version names content: all of it, and nothing else."""

from __future__ import annotations

import random
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from generator.warehouse.hashing import row_hashes
from generator.warehouse.table import Column, Table
from generator.warehouse.tables import EVENTS
from generator.warehouse.versions import BATCH_ROWS, content_sum, sum_of, sums_of_days
from tests.conftest import Elearn

ROWS: list[dict[str, Any]] = [
    {
        "event_id": 100000,
        "user_id": 1,
        "event_time": datetime(2025, 1, 1, 8, 30),
        "event_type": "video_watch",
        "event_date": date(2025, 1, 1),
        "course_name": "Python",
        "watch_minutes": 12.5,
        "quiz_score": None,
        "amount": None,
    },
    {
        "event_id": 200000,
        "user_id": 2,
        "event_time": datetime(2025, 1, 2, 9, 0),
        "event_type": "quiz_attempt",
        "event_date": date(2025, 1, 2),
        "course_name": None,
        "watch_minutes": None,
        "quiz_score": 0.0,
        "amount": 19.99,
    },
]
OTHER = {
    "BIGINT": 7,
    "INTEGER": 7,
    "TIMESTAMP": datetime(2025, 1, 1, 8, 30, 0, 1),
    "DATE": date(2025, 1, 3),
    "VARCHAR": "",
    "DOUBLE": 12.5001,
}


def content(rows: list[dict[str, Any]]) -> Any:
    return sum_of(EVENTS, pa.Table.from_pylist(rows, types(rows)).to_batches())


def types(rows: list[dict[str, Any]]) -> pa.Schema:
    arrow = {"TIMESTAMP": pa.timestamp("us"), "VARCHAR": pa.string(), "DOUBLE": pa.float64()}
    return pa.schema(
        [
            (c.name, arrow.get(c.type) or pa.infer_type([row[c.name] for row in rows]))
            for c in EVENTS.columns
        ]
    )


@pytest.mark.parametrize("column", EVENTS.columns, ids=lambda column: column.name)
def test_every_value_counts(column: Column) -> None:
    for number, row in enumerate(ROWS):
        for value in (OTHER[column.type], ROWS[1 - number][column.name]):
            changed = [dict(other) for other in ROWS]
            changed[number][column.name] = value
            assert value == row[column.name] or content(changed) != content(ROWS)


@pytest.mark.parametrize("column", EVENTS.columns, ids=lambda column: column.name)
def test_it_counts_which_row_has_which_value(column: Column) -> None:
    one, two = dict(ROWS[0]), dict(ROWS[1])
    one[column.name], two[column.name] = two[column.name], one[column.name]
    assert content([one, two]) != content(ROWS)


@pytest.mark.parametrize("name", ["watch_minutes", "quiz_score", "amount"])
def test_it_counts_which_column_has_which_value(name: str) -> None:
    bare = ROWS[0] | {"watch_minutes": None, "quiz_score": None, "amount": None}
    sums = {
        content([bare | {column: 12.5}]) for column in ("watch_minutes", "quiz_score", "amount")
    }
    assert len(sums) == 3
    assert content([bare | {name: 0.0}]) != content([bare]), "no value is not zero"
    assert content([bare | {name: -0.0}]) == content([bare | {name: 0.0}])


def test_no_text_is_not_an_empty_text() -> None:
    texts = ["", None, "Python", "Pythons", "python", "é", "e\u0301"]
    assert len({content([ROWS[0] | {"course_name": text}]) for text in texts}) == len(texts)


def test_a_row_that_stands_twice_counts_twice() -> None:
    sums = [content([*ROWS, *[ROWS[0]] * times]) for times in range(4)]
    assert len(set(sums)) == 4


def test_order_pieces_and_encodings_do_not_count() -> None:
    rows = [ROWS[n % 2] | {"event_id": n, "amount": n / 100} for n in range(1000)]
    shuffled = random.Random(3).sample(rows, len(rows))
    table = pa.Table.from_pylist(shuffled, types(rows))
    coded = table.set_column(5, "course_name", table["course_name"].dictionary_encode())
    pieces = coded.to_batches(max_chunksize=7)
    assert sum_of(EVENTS, pieces) == content(rows)
    assert sum_of(EVENTS, pieces[:9]) + sum_of(EVENTS, pieces[9:]) == content(rows)


def test_times_count_in_any_unit() -> None:
    table = pa.Table.from_pylist(ROWS, types(ROWS))
    seconds = table["event_time"].cast(pa.timestamp("s"))
    assert sum_of(EVENTS, table.set_column(2, "event_time", seconds).to_batches()) == content(ROWS)


def test_the_sum_of_each_day_is_that_of_its_rows_alone() -> None:
    """Days in any order, many of them in a batch and each in many batches."""
    con = duckdb.connect()
    con.execute("create schema raw")
    con.execute(
        f"""
        create table raw.events as
        select i as event_id, i % 7 as user_id, now()::timestamp as event_time,
            'login' as event_type, date '2024-12-28' + cast(hash(i) % 9 as integer) as event_date,
            null::varchar as course_name, i / 4 as watch_minutes, null::double as quiz_score,
            if(i % 3 = 0, null, i / 4) as amount
        from range({3 * BATCH_ROWS + 5}) as ids (i)
        """
    )
    days = [date(2024, 12, 28), date(2025, 1, 1), date(2025, 1, 5)]
    assert sums_of_days(con, EVENTS, "event_date", [*days, date(1999, 1, 1)]) == {
        day: content_sum(con, EVENTS, f"raw.events where event_date = '{day}'") for day in days
    }


def test_one_column_of_zeros_is_hashed_as_splitmix64_begins() -> None:
    """The first number that the generator of that name gives for seed 0, as published."""
    numbers = Table("t", "", "", (Column("n", "BIGINT", ""),))
    hashes = row_hashes(numbers, pa.record_batch({"n": pa.array([0, 0])}))
    assert hashes.tolist() == [0xE220A8397B1DCDAF] * 2


def test_hashes_are_spread_evenly() -> None:
    """Each bit of a million hashes of consecutive numbers is set in half of them."""
    numbers = Table("t", "", "", (Column("n", "BIGINT", ""), Column("m", "INTEGER", "")))
    count = 1_000_000
    rows = pa.record_batch({"n": np.arange(count), "m": np.zeros(count, np.int32)})
    hashes = row_hashes(numbers, rows)
    assert len(np.unique(hashes)) == count
    for bit in range(64):
        share = np.mean(hashes >> np.uint64(bit) & np.uint64(1))
        assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(count), bit


def test_a_column_of_another_type_is_said_in_a_sentence(elearn: Elearn, tmp_path: Path) -> None:
    elearn("generate", "--n-users", 5, "--days", 5)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("create or replace table raw.events as from raw.events")
        con.execute("alter table raw.events alter user_id type varchar using 'u' || user_id")
    done = elearn("verify", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: warehouse.duckdb: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", ["blob", "integer"])
def test_a_text_column_of_another_type_is_said_in_a_sentence(
    kind: str, elearn: Elearn, tmp_path: Path
) -> None:
    elearn("generate", "--n-users", 5, "--days", 5, "--output-dir", "x", "--format", "parquet")
    users = tmp_path / "x" / "users.parquet"
    value = "'2'::blob" if kind == "blob" else "2"
    replaced = f"select * replace ({value} as country) from read_parquet('{users}')"
    duckdb.sql(f"copy ({replaced}) to '{users}'")
    done = elearn("verify", "x", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: x: texts are wanted, not values of type ")
    assert done.stderr.count("\n") == 1
