"""Lakes: what the names of folders say of the rows in them."""

from __future__ import annotations

import gzip
import json
import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generator.errors import UsageError
from generator.loader.text_format import TextFormat
from tests.loader.desk import EVENT, EVENTS, USERS, Desk, Row, as_csv


def without(row: Row, *names: str) -> Row:
    return {name: cell for name, cell in row.items() if name not in names}


def load_lake(desk: Desk, **options: object) -> list[tuple]:
    desk.load_files([desk.file("users.csv", USERS)], [str(desk.folder / "lake")], **options)
    return desk.query("select event_id, course_name from raw.events order by event_id")


@pytest.mark.parametrize("kind", ["csv", "parquet", "csv.gz"])
@pytest.mark.parametrize(
    ("folder", "course"),
    [
        ("course_name=math", "math"),
        ("year=2025/course_name=math/month=1", "math"),
        ("course_name=a%20b%2Fc%3D%C3%A9", "a b/c=é"),
        ("course_name=__HIVE_DEFAULT_PARTITION__", None),
        ("course_name=", None),
        ("COURSE_NAME= math ", "math"),
        ("course_id=math", "math"),
        ("course_name=it's", "it's"),
    ],
)
def test_a_column_that_stands_in_the_name_of_a_folder_is_loaded(
    desk: Desk, kind: str, folder: str, course: str | None
) -> None:
    rows = [without(event, "course_name") for event in EVENTS]
    desk.file(f"lake/{folder}/part.{kind}", rows)
    assert load_lake(desk) == [(10, course), (11, course), (12, course)]


def test_a_required_column_may_stand_in_folders_alone(desk: Desk) -> None:
    for user_id in ("1", "2"):
        rows = [without(event, "user_id") for event in EVENTS if event["user_id"] == user_id]
        desk.file(f"lake/user_id={user_id}/part.csv", rows)
    load_lake(desk)
    assert desk.query("select user_id, count(*) from raw.events group by all order by all") == [
        (1, 2),
        (2, 1),
    ]


@pytest.mark.parametrize("kind", ["csv", "csv line by line", "parquet"])
def test_a_column_in_both_must_agree_after_its_type_is_applied(desk: Desk, kind: str) -> None:
    agreeing = [
        EVENT | {"event_id": "1", "watch_minutes": "5.0", "course_name": " math"},
        EVENT | {"event_id": "2", "watch_minutes": "5", "course_name": "math", "event_date": ""},
    ]
    differing = [
        EVENT | {"event_id": "3", "watch_minutes": "5", "course_name": "art"},
        EVENT | {"event_id": "4", "watch_minutes": "6", "course_name": "math"},
        EVENT | {"event_id": "5", "watch_minutes": "5", "course_name": ""},
        EVENT | {"event_id": "6", "watch_minutes": "", "course_name": "math"},
    ]
    rows = [{"event_date": "2025-01-02"} | row for row in agreeing + differing]
    folder = "lake/event_date=2025-01-02/course_name=math/watch_minutes=5.00"
    if kind == "parquet":
        desk.file(f"{folder}/part.parquet", rows)
    else:
        desk.file(f"{folder}/part.csv", as_csv(rows) + (b"1,2\n" if "line" in kind else b""))
    assert load_lake(desk, max_rejects=6) == [(1, "math")]
    course = "course_name is not what the name of its folder says"
    minutes = "watch_minutes is not what the name of its folder says"
    assert desk.rejected()[:5] == [
        ("events", 2, "event_date is not what the name of its folder says"),
        ("events", 3, course),
        ("events", 4, minutes),
        ("events", 5, course),
        ("events", 6, minutes),
    ]


def test_a_null_folder_disagrees_with_a_value(desk: Desk) -> None:
    row = EVENT | {"event_id": "1"}
    folder = "lake/course_name=__HIVE_DEFAULT_PARTITION__"
    desk.file(f"{folder}/part.csv", [row, row | {"event_id": "2", "course_name": "math"}])
    assert load_lake(desk, max_rejects=1) == [(1, None)]


def test_many_small_files_of_different_folders_keep_their_own_values(desk: Desk) -> None:
    for number in range(30):
        row = EVENT | {"event_id": str(number), "course_name": f"c{number}"}
        names = () if number % 3 == 0 else ("course_name",)
        folder = "plain" if number % 3 == 1 else f"course_name=c{number}"
        desk.file(f"lake/{folder}/{number}.csv", [without(row, *names)])
    assert load_lake(desk) == [
        (number, None if number % 3 == 1 else f"c{number}") for number in range(30)
    ]


def test_what_spark_writes_is_read(desk: Desk) -> None:
    """Folders named like files, with a marker, checksums and an empty part."""
    for day in ("2025-01-02", "2025-01-03"):
        folder = f"lake/feb.parquet/event_date={day}"
        table = pa.table({name: [EVENT[name] or None] for name in EVENT})
        table = table.set_column(0, "event_id", pa.array([int(day[-2:])]))
        table = table.set_column(2, "event_time", pa.array([day]))
        (desk.folder / folder).mkdir(parents=True)
        pq.write_table(table, desk.folder / folder / "part-00000.snappy.parquet")
        desk.file(f"{folder}/.part-00000.snappy.parquet.crc", b"crc")
    desk.file("lake/feb.parquet/_SUCCESS", b"")
    desk.file("lake/feb.parquet/part-00001.csv", b"")
    load_lake(desk)
    assert desk.query("select event_date from raw.events order by 1") == [
        (date(2025, 1, 2),),
        (date(2025, 1, 3),),
    ]
    assert any("skipped (empty)" in line for line in desk.said)


def test_a_rejected_row_is_kept_with_what_its_folders_say(desk: Desk) -> None:
    bad = without(EVENT | {"event_type": "?"}, "course_name")
    desk.file("lake/course_name=math/a.csv", [bad, bad | {"event_type": "login"}])
    desk.file("lake/course_name=art/b.csv", as_csv([bad]) + b"1,2\n")
    load_lake(desk, max_rejects=3)
    kept = [json.loads(row) for (row,) in desk.query("select row from private.rejected_rows")]
    assert [row.get("course_name") for row in kept] == [None, "art", "math"]


def test_folders_above_the_path_given_and_columns_that_are_not_read_say_nothing(desk: Desk) -> None:
    rows = [without(event, "course_name") for event in EVENTS]
    path = desk.file("course_name=math/year=2025/part.csv", rows)
    users = [desk.file("users.csv", USERS)]
    query = "select distinct course_name from raw.events"
    desk.load_files(users, [str(Path(path).parent)])
    assert desk.query(query) == [(None,)]
    desk.load_files(users, [str(desk.folder / "c*" / "year=2025" / "*.csv")])
    assert desk.query(query) == [("math",)]
    assert f"{path}: ignored columns: 'year'" in desk.said


@pytest.mark.parametrize(
    ("folder", "name"), [("course_id", "course_name"), ("course_name", "course_id")]
)
def test_a_course_id_gives_way_to_a_course_name_wherever_that_stands(
    desk: Desk, folder: str, name: str
) -> None:
    row = without(EVENT, "course_name") | {name: "k8s"}
    desk.file(f"lake/{folder}=math/part.csv", [row])
    assert load_lake(desk) == [(10, "k8s" if name == "course_name" else "math")]


def test_days_in_the_names_of_folders_are_iso_whatever_the_option(desk: Desk) -> None:
    row = EVENT | {"event_time": "02.01.2025 10:00"}
    desk.file("lake/event_date=2025-01-02/a.csv", [row])
    both = row | {"event_id": "11", "event_date": "02.01.2025"}
    desk.file(
        "lake/event_date=2025-01-02/watch_minutes=1.5/b.csv", [without(both, "watch_minutes")]
    )
    users = [user | {"signup_date": "01.01.2025"} for user in USERS]
    given = TextFormat(date_format="%d.%m.%Y", decimal=",", nulls=("x",))
    lake = [str(desk.folder / "lake")]
    desk.load_files([desk.file("users.csv", users)], lake, text_format=given)
    query = "select event_date, watch_minutes from raw.events order by event_id"
    assert desk.query(query) == [(date(2025, 1, 2), None), (date(2025, 1, 2), 1.5)]


def test_hidden_folders_are_skipped_but_no_column_whose_name_begins_like_one(desk: Desk) -> None:
    desk.file("lake/_day=1/part.csv", EVENTS[:1])
    desk.file("lake/_temporary/0/part.csv", EVENTS[1:])
    desk.file("lake/_temporary/1/part.csv", EVENTS[1:])
    desk.file("lake/empty/part.csv", b"\n")
    desk.file("lake/empty/part.csv.gz", gzip.compress(b""))
    (desk.folder / "lake/gone.csv").symlink_to(desk.folder / "nothing.csv")
    for given in ("lake", "lake/*"):
        desk.said.clear()
        desk.load_files([desk.file("users.csv", USERS)], [str(desk.folder / given)])
        assert desk.event_ids() == [10]
        assert "--events: 2 skipped (name starts with . or _)" in desk.said
        assert sum("2 skipped (empty)" in line for line in desk.said) == 1


@pytest.mark.parametrize(
    "folder", ["quiz_score=500", "watch_minutes=junk", "event_date=2025-99-99"]
)
def test_a_folder_that_names_no_value_agrees_with_no_cell(desk: Desk, folder: str) -> None:
    bad = {"event_date": "", **EVENT, "event_id": "11"}
    desk.file(f"lake/{folder}/a.csv", [bad])
    desk.file("lake/b.csv", [EVENT])
    assert load_lake(desk, max_rejects=1) == [(10, None)]
    column = folder.partition("=")[0]
    reason = f"{column} is not what the name of its folder says"
    assert desk.rejected() == [("events", 2, reason)]


def test_a_glob_of_all_folders_below_reads_all_of_them(desk: Desk) -> None:
    for number, name in enumerate(["a.csv", "x/b.csv", "x/y/c.csv"]):
        desk.file(f"lake/{name}", [EVENT | {"event_id": str(number)}])
    desk.file("lake/x/empty.csv", b"")
    desk.file("lake/~$a.csv", b"lock")
    desk.load_files([desk.file("users.csv", USERS)], [str(desk.folder / "lake/**/*.csv")])
    assert desk.event_ids() == [0, 1, 2]


def test_a_folder_that_is_named_twice_is_read_once(desk: Desk) -> None:
    desk.file("lake/day=1/part.csv", EVENTS)
    named = [str(desk.folder / "lake"), str(desk.folder / "lake" / "day=1")] * 2
    report = desk.load_files([desk.file("users.csv", USERS)], named)
    assert (report.events_read, report.events_loaded) == (3, 3)


def test_a_glob_of_which_nothing_is_read_is_an_error_of_the_call(desk: Desk) -> None:
    desk.load()
    desk.file("more/events.zip", b"PK")
    for option in ("users", "events"):
        files = {"users": [], "events": []} | {option: [str(desk.folder / "more" / "*.zip")]}
        with pytest.raises(UsageError, match=rf"--{option}: .*1 skipped \(compressed"):
            desk.load_files(**files, append=True)
    with pytest.raises(UsageError, match="is compressed; give gzip or zstandard"):
        desk.load_files([], [str(desk.folder / "more/events.zip")], append=True)


def test_a_name_that_is_not_utf_8_is_one_line(desk: Desk) -> None:
    (desk.folder / "lake").mkdir()
    (desk.folder / "lake" / os.fsdecode(b"caf\xe9.csv")).write_bytes(as_csv(EVENTS))
    with pytest.raises(UsageError, match="give files whose names are UTF-8"):
        load_lake(desk)


def test_a_column_twice_on_a_path_is_an_error_of_the_call(desk: Desk) -> None:
    desk.file("lake/course_name=a/course_name=b/part.csv", EVENTS)
    with pytest.raises(UsageError, match="--events: course_name= stands twice in a path"):
        load_lake(desk)
