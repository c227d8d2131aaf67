"""Parquet: types of its own, and values that no column takes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from generator.errors import ElearnError
from generator.loader.text_format import TextFormat
from tests.loader.desk import EVENT, EVENTS, USERS, Desk, Row, as_csv


def test_parquet_types_are_read_for_what_they_mean(desk: Desk) -> None:
    noon = 1_735_732_800  # 2025-01-01 12:00 UTC
    times = pa.array([noon * 10**6, (noon + 1) * 10**6], pa.timestamp("us", "Asia/Kolkata"))
    table = pa.table(
        {
            "event_id": pa.array([1.0, 2.0]),
            "user_id": pa.array([1, 2], pa.uint8()),
            "event_time": times,
            "event_date": times.cast(pa.timestamp("us", "UTC")).cast(pa.date32()),
            "event_type": pa.array([b"login", b"login"]),
            "watch_minutes": pa.array([0.1, None], pa.float32()),
            "quiz_score": pa.array([5e-05, -0.0]),
        }
    )
    pq.write_table(table, desk.folder / "events.parquet")
    desk.load_files([desk.file("users.csv", USERS)], [str(desk.folder / "events.parquet")])
    assert desk.query(
        "select event_id, hour(event_time), watch_minutes, quiz_score from raw.events order by 1"
    ) == [(1, 12, 0.1, 0.0001), (2, 12, None, 0.0)]


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.float16()])
def test_a_nan_in_parquet_is_null_and_an_infinity_is_rejected(
    kind: pa.DataType, desk: Desk
) -> None:
    table = pa.table({name: [row[name] or None for row in EVENTS] for name in EVENT})
    for name, numbers in {
        "quiz_score": [float("nan"), float("inf"), 1.0],
        "course_name": [float("nan"), None, 7.0],  # as pandas writes a column of few values
    }.items():
        column = pa.array(np.array(numbers, float)).cast(kind)
        table = table.set_column(table.schema.get_field_index(name), name, column)
    pq.write_table(table, desk.folder / "events.parquet")
    events = [str(desk.folder / "events.parquet")]
    desk.load_files([desk.file("users.csv", USERS)], events, max_rejects=1)
    assert desk.query("select quiz_score, course_name from raw.events order by event_id") == [
        (None, None),
        (1.0, "7.0"),
    ]
    assert desk.rejected() == [("events", 2, "quiz_score is not a number")]


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (pa.list_(pa.string()), [["a"], []], "course_name holds lists or structs"),
        (pa.struct({"a": pa.int64()}), [{"a": 1}, None], "course_name holds lists or structs"),
        (pa.decimal256(50, 10), [Decimal("0.05"), None], "course_name is a DECIMAL of over 38"),
    ],
    ids=str,
)
def test_a_column_of_parquet_that_holds_no_value_the_engine_reads_is_one_line(
    desk: Desk, kind: pa.DataType, values: list, message: str
) -> None:
    table = pa.table({name: [row[name] or None for row in EVENTS[:2]] for name in EVENT})
    column = pa.array(values, kind)
    table = table.set_column(table.schema.get_field_index("course_name"), "course_name", column)
    pq.write_table(table, desk.folder / "events.parquet")
    with pytest.raises(ElearnError, match=message):
        desk.load_files([desk.file("users.csv", USERS)], [str(desk.folder / "events.parquet")])


def test_a_number_of_parquet_that_stands_for_a_date_is_read_by_the_pattern(desk: Desk) -> None:
    table = pa.table({name: [EVENT[name] or None] for name in EVENT})
    for name, value in (("event_id", 10), ("event_time", 20250203)):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array([value]))
    pq.write_table(table, desk.folder / "events.parquet")
    users = [user | {"signup_date": "20250101"} for user in USERS]
    files = [desk.file("users.csv", users)], [str(desk.folder / "events.parquet")]
    desk.load_files(*files, text_format=TextFormat(date_format="%Y%m%d"))
    assert desk.query("select event_time from raw.events") == [(datetime(2025, 2, 3),)]


def test_columns_with_a_type_of_their_own_are_no_texts(desk: Desk) -> None:
    """A Parquet file's numbers and dates are what they are; its texts follow the options."""
    table = pa.table(
        {
            "event_id": pa.array([10, 11]),
            "user_id": pa.array(["1", "2"]),
            "event_time": pa.array([datetime(2025, 1, 2, 3, 4, 5)] * 2),
            "event_date": pa.array(["02.01.2025", "02.01.2025 00:00"]),
            "event_type": pa.array(["login", "login"]),
            "watch_minutes": pa.array([1.5, 0.25]),
            "quiz_score": pa.array(["1,5", "none"]),
        }
    )
    pq.write_table(table, desk.folder / "events.parquet")
    users = [user | {"signup_date": "01.01.2025"} for user in USERS]
    given = TextFormat(nulls=("none",), decimal=",", date_format="%d.%m.%Y")
    files = [str(desk.folder / "events.parquet"), desk.file("more.csv", as_csv([MORE], ";"))]
    desk.load_files([desk.file("users.csv", users)], files, text_format=given)
    assert desk.query("select event_time, watch_minutes, quiz_score from raw.events") == [
        (datetime(2025, 1, 2, 3, 4, 5), 1.5, 1.5),
        (datetime(2025, 1, 2, 3, 4, 5), 0.25, None),
        (datetime(2025, 1, 3), 0.5, 2.5),
    ]


MORE: Row = EVENT | {
    "event_id": "12",
    "event_time": "03.01.2025",
    "watch_minutes": "0,5",
    "quiz_score": "2,5",
}
