"""Mappings against a judge in plain Python, over CSV, JSON lines and Parquet."""

from __future__ import annotations

import csv
import json
import random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generator.errors import UsageError
from generator.loader.load_report import LoadReport
from generator.loader.mapping_file import read_mapping
from generator.loader.quarantine import RejectedError
from generator.loader.text_format import TextFormat
from tests.loader.desk import USER, Desk, as_csv
from tests.loader.mapping_judge import Judge, WrongCellError

RICH = """
null = ["NULL"]
[events]
event_id = "id"
user_id = { from = ["user", "context.user.id"], missing = "ignore" }
event_time = { from = "ts", timezone = "Europe/Berlin" }
event_type.from = "verb"
event_type.values = { "play" = "video_watch", "in" = "login", "gone" = "" }
event_type.others = "ignore"
course_name = { from = 'context."course.name"', values = { "x" = "y" }, default = "none" }
watch_minutes = { from = "length", unit = "seconds" }
quiz_score = { from = "grade", of = "most" }
[events.only]
source = ["server", "both"]
"""
MAPPING = {
    "events": {
        "event_id": "id",
        "user_id": {"from": ["user", "context.user.id"], "missing": "ignore"},
        "event_time": {"from": "ts", "timezone": "Europe/Berlin"},
        "event_type": {
            "from": "verb",
            "values": {"play": "video_watch", "in": "login", "gone": ""},
            "others": "ignore",
        },
        "course_name": {
            "from": 'context."course.name"',
            "values": {"x": "y"},
            "default": "none",
        },
        "watch_minutes": {"from": "length", "unit": "seconds"},
        "quiz_score": {"from": "grade", "of": "most"},
        "only": {"source": ["server", "both"]},
    }
}
CELLS: dict[str, list[Any]] = {
    "user": ["1", "2", " 3 ", "", "NULL", "x", "2147483648", "1.0", None],
    "ts": [
        "2025-03-30 02:30:00",
        "2025-10-26 02:30",
        "2025-10-26T02:30:00+01:00",
        "2025-07-01",
        "2025-07-01 23:30:00Z",
        "2025-07-01T23:30:00.123456",
        "2025-07-01 23:30:00 +0530",
        "2016",
        "soon",
        "",
    ],
    "verb": ["play", "in", "gone", "Play", " play", "other", "", "NULL", None],
    "length": ["100", "0.07", "59999999.9", "60000001", "-1", "", "1e2", "x", "399", None],
    "grade": ["1", "2", "0", "3.5", "", "x", "0.3333", None],
    "most": ["3", "0", "", "7", "x", "1", None],
    "source": ["server", "both", "browser", "", None],
    "course": ["x", "k8s", " ", "NULL", "a.b", None],
    "inner": ["1", "7", "", None],
}


def rows_of(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with an object in them, each with an id of its own."""
    rows = []
    for number, cells in enumerate(drawn):
        row = {name: cell for name, cell in cells.items() if name not in ("course", "inner")}
        row["context"] = {"course.name": cells["course"], "user": {"id": cells["inner"]}}
        rows.append(row | {"id": str(number)})
    return rows


def write(desk: Desk, kind: str, rows: list[dict[str, Any]]) -> str:
    """Write rows: the object as one, as a text that holds it, or as a struct."""
    path = desk.folder / f"events.{kind}"
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif kind == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(row | {"context": json.dumps(row["context"])} for row in rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows, schema_of(rows[0])), path)
    return str(path)


def schema_of(row: dict[str, Any]) -> pa.Schema:
    user = pa.struct({"id": pa.string()})
    types = {name: pa.string() for name in row}
    return pa.schema(types | {"context": pa.struct({"course.name": pa.string(), "user": user})})


def load_mapped(desk: Desk, text: str, files: list[str], **options: Any) -> LoadReport:
    mapping = read_mapping(desk.file("mapping.toml", text.encode()))
    users, nulls = options.pop("users", []), options.pop("nulls", [])
    text_format = TextFormat.of(mapping, nulls, None, None, options.pop("days_in", None))
    return desk.load_files(users, files, mapping=mapping, text_format=text_format, **options)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("days_in", [None, "Asia/Kolkata"])
def test_every_row_becomes_what_the_judge_says(desk: Desk, kind: str, days_in: str | None) -> None:
    draw = random.Random(f"{kind} {days_in}")
    rows = rows_of([{n: draw.choice(cells) for n, cells in CELLS.items()} for _ in range(2000)])
    good = {"user": "1", "ts": "2025-01-01 10:00", "verb": "in", "source": "server"}
    rows.append(dict.fromkeys(rows[0]) | good | {"context": {}, "id": "9999"})
    judge = Judge(MAPPING, ("NULL",), days_in or "UTC")
    expected = {row["id"]: judge.outcome(row) for row in rows}
    file = write(desk, kind, rows)
    report = load_mapped(desk, RICH, [file], days_in=days_in, max_rejects=9999)
    columns = "event_id, user_id, event_time, event_type, course_name, watch_minutes, quiz_score"
    stored = {str(row[0]): row for row in desk.query(f"select {columns} from raw.events")}
    names = columns.split(", ")
    wrong = [
        (row, expected[row["id"]], stored.get(row["id"]))
        for row in rows
        if stored.get(row["id"]) != as_stored(expected[row["id"]], names)
    ]
    assert wrong[:3] == []
    assert report.events_ignored == list(expected.values()).count("ignored")
    assert report.events_rejected == list(expected.values()).count("rejected")


def as_stored(outcome: str | dict[str, Any], names: list[str]) -> tuple[Any, ...] | None:
    return None if isinstance(outcome, str) else tuple(outcome[name] for name in names)


TEXT_KEYS = """
user_key = "text"
[events]
event_id = "id"
user_id = "user"
event_time = "ts"
event_type = { default = "login" }
"""


def text_rows(*rows: tuple[int, str, str]) -> bytes:
    lines = (json.dumps({"id": id_, "user": user, "ts": ts}) for id_, user, ts in rows)
    return "\n".join(lines).encode()


def keys(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.query(
        "select user_id, source_key, signup_date::varchar from private.user_keys"
        " join raw.users using (user_id) order by user_id"
    )


def test_text_ids_are_numbered_by_signup_then_code_point_and_stay(desk: Desk) -> None:
    first = text_rows(
        (1, "zoe@x.org", "2025-01-02"),
        (2, "Ann", "2025-01-02"),
        (3, "\u00e9", "2025-01-02"),
        (4, " ann ", "2025-01-01"),
        (5, "bad@x.org", "soon"),
        (6, "zoe@x.org", "2025-01-05"),
    )
    report = load_mapped(desk, TEXT_KEYS, [desk.file("a.jsonl", first)], max_rejects=1)
    numbered = [
        (1, "ann", "2025-01-01"),
        (2, "Ann", "2025-01-02"),
        (3, "zoe@x.org", "2025-01-02"),
        (4, "\u00e9", "2025-01-02"),
    ]
    assert (report.users_created, keys(desk)) == (4, numbered)
    assert desk.query("select user_id from raw.events order by event_id") == [
        (3,),
        (2,),
        (4,),
        (1,),
        (3,),
    ]
    later = text_rows((7, "Ann", "2025-01-03"), (8, "new", "2025-01-03"), (2, "Ann", "2025-01-02"))
    report = load_mapped(desk, TEXT_KEYS, [desk.file("b.jsonl", later)], append=True)
    assert (report.events_repeated, report.users_created) == (1, 1)
    assert keys(desk) == [*numbered, (5, "new", "2025-01-03")]
    again = load_mapped(desk, TEXT_KEYS, [desk.file("b.jsonl", later)], append=True)
    assert (again.events_repeated, again.dataset_version) == (3, report.dataset_version)


def test_a_text_id_is_in_no_message_and_not_in_the_load_history(desk: Desk) -> None:
    rows = text_rows((1, "zoe@x.org", "2025-01-02"), (1, "zoe@x.org", "2025-01-03"))
    users = as_csv([USER | {"user_id": "other@x.org"}])
    files = [desk.file("a.jsonl", rows + b'\n{"user": "zoe@x.org')]
    with pytest.raises(RejectedError) as failure:
        load_mapped(desk, TEXT_KEYS, files, users=[desk.file("users.csv", users)])
    assert "x.org" not in "".join([str(failure.value), *failure.value.as_lines(), *desk.said])
    load_mapped(desk, TEXT_KEYS, files, max_rejects=2)
    with duckdb.connect(str(desk.warehouse), read_only=True) as con:
        assert "x.org" not in str(con.execute("from raw.loads").fetchall())


def test_an_append_of_other_days_or_ids_than_the_stored_ones_is_refused(desk: Desk) -> None:
    file = desk.file("a.jsonl", text_rows((1, "7", "2025-01-02")))
    load_mapped(desk, TEXT_KEYS, [file], days_in="Asia/Kolkata")
    with pytest.raises(UsageError, match="user_key of the warehouse is 'text', not 'integer'"):
        text = TEXT_KEYS.replace('"text"', '"integer"')
        load_mapped(desk, text, [file], days_in="Asia/Kolkata", append=True)
    with pytest.raises(UsageError, match="days_in of the warehouse is 'Asia/Kolkata', not 'UTC'"):
        load_mapped(desk, TEXT_KEYS, [file], append=True)
    assert load_mapped(desk, TEXT_KEYS, [file], days_in="Asia/Kolkata", append=True).events_repeated
    desk.warehouse.with_name("warehouse.private.duckdb").unlink()
    with pytest.raises(UsageError, match=r"the private file of .* is missing"):
        load_mapped(desk, TEXT_KEYS, [file], days_in="Asia/Kolkata", append=True)
    load_mapped(desk, TEXT_KEYS, [file])  # which replaces, and starts anew
    assert [number for number, *_ in keys(desk)] == [1]


UNITS = {
    "minutes": ("watch_minutes", 1_000_000),
    "seconds": ("watch_minutes", 60_000_000),
    "milliseconds": ("watch_minutes", 60_000_000_000),
    "fraction": ("quiz_score", 1),
}


def numbers(draw: random.Random, most: int) -> list[str]:
    """Numbers around all limits and ties, with few decimals and with many."""
    ties = [f"{(2 * n + 1) * 3 / 1000:.3f}" for n in range(100)]
    whole = [str(draw.randrange(most + 1)) for _ in range(100)]
    long = [f"{draw.uniform(0, most):.{draw.randrange(1, 12)}f}" for _ in range(200)]
    edges = ["0", "-0", "-0.1", str(most), f"{most}.00000001", f"{most + 1}", ".5", "5.", "007"]
    return [*ties, *whole, *long, *edges, "1e2", "1E-3", "x", "", "0.00000000001"]


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_converted_exactly_and_rounded_once(desk: Desk, unit: str) -> None:
    column, most = UNITS[unit]
    texts = numbers(random.Random(unit), most)
    text = TEXT_KEYS + f'{column} = {{ from = "n", unit = "{unit}" }}\n'
    row = {"user": "1", "ts": "2025-01-02"}
    rows = [json.dumps(row | {"id": n, "n": given}) for n, given in enumerate(texts)]
    load_mapped(desk, text, [desk.file("e.jsonl", "\n".join(rows).encode())], max_rejects=9999)
    judge = Judge({})
    expected = {}
    for number, given in enumerate(texts):
        measure = judge.minutes if column == "watch_minutes" else judge.score
        arguments = (given or None, {"unit": unit}, *([None] if column == "quiz_score" else []))
        try:
            expected[number] = measure(*arguments)
        except WrongCellError:
            continue
    assert dict(desk.query(f"select event_id, {column} from raw.events")) == expected
