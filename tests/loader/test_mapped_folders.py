"""Columns of a mapping that stand in a file and in the names of its folders."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generator.errors import UsageError
from generator.loader.mapping_file import read_mapping
from generator.loader.quarantine import RejectedError
from generator.loader.text_format import TextFormat
from tests.loader.desk import EVENT, USER, USERS, Desk, Row, as_csv
from tests.loader.test_mapping import load_mapped

AS_IN_RAW = "[events]\n" + "".join(
    f'{name} = "{name}"\n'
    for name in ("event_id", "user_id", "event_time", "event_type", "course_name", "watch_minutes")
)
CELLS = {
    "course_name=math": ["math", " math ", "", "Math"],
    "course_name=__HIVE_DEFAULT_PARTITION__": ["", "math"],
    "event_type=LOGIN": ["login", "video_watch"],
    "watch_minutes=12.50": ["12.5", "1.25e1", "12.51", ""],
    "event_time=2025-01-02": ["2025-01-02 00:00:00", "2025-01-02T01:00+0100", "2025-01-02 00:01"],
}


def lake(desk: Desk, kind: str) -> str:
    """Files below folders, each with the cells of CELLS in the column of its folder."""
    number = 0
    for folder, cells in CELLS.items():
        rows = []
        for cell in cells:
            number += 1
            rows.append(EVENT | {"event_id": str(number), folder.split("=")[0]: cell})
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        desk.file(f"lake/{folder}/part.{kind}", lines if kind == "jsonl" else as_csv(rows))
    return str(desk.folder / "lake")


def test_a_mapping_reads_folders_as_a_load_without_one_does(desk: Desk) -> None:
    files = lake(desk, "csv"), desk.file("users.csv", USERS)
    desk.load_files([files[1]], [files[0]], max_rejects=99)
    plain = desk.query("from raw.events order by event_id"), desk.rejected()
    load_mapped(desk, AS_IN_RAW, [files[0]], users=[files[1]], max_rejects=99)
    again = "select table_name, row_number, reason from private.rejected_rows where load_id = 2"
    assert desk.query("from raw.events order by event_id") == plain[0]
    assert desk.query(f"{again} order by all") == plain[1]
    assert [row[0] for row in plain[0]] == [1, 2, 5, 7, 9, 10, 13, 14]


def test_lines_may_lack_what_their_folder_says(desk: Desk) -> None:
    users = desk.file("users.csv", USERS)
    load_mapped(desk, AS_IN_RAW, [lake(desk, "jsonl")], users=[users], max_rejects=99)
    assert desk.event_ids() == [1, 2, 3, 5, 7, 9, 10, 12, 13, 14]
    assert desk.query("select course_name, watch_minutes from raw.events where event_id = 3") == [
        ("math", None)
    ]


def test_folders_and_cells_agree_by_what_the_mapping_makes_of_them(desk: Desk) -> None:
    text = AS_IN_RAW.replace(
        'event_type = "event_type"',
        'event_type = { from = "kind", values = { "in" = "login", "IN" = "login" },'
        ' others = "ignore" }',
    )
    rows = [EVENT | {"event_id": str(n), "kind": k} for n, k in enumerate(["in", "IN", "x", ""])]
    desk.file("lake/kind=in/a.csv", as_csv(rows))
    users = desk.file("users.csv", USERS)
    report = load_mapped(desk, text, [str(desk.folder / "lake")], users=[users], max_rejects=1)
    assert (report.events_loaded, report.events_ignored, report.events_rejected) == (2, 1, 1)
    [(row,)] = desk.query("select row from private.rejected_rows")
    assert row.count('"kind"') == 1


def as_lines(rows: list[Row]) -> bytes:
    """Lines that lack their empty cells."""
    return "".join(json.dumps({n: t for n, t in r.items() if t}) + "\n" for r in rows).encode()


def test_folders_have_points_and_cells_the_mark_of_the_mapping(desk: Desk) -> None:
    text = 'decimal = ","\n' + AS_IN_RAW.replace(
        'watch_minutes = "watch_minutes"',
        'watch_minutes = { from = "watch_minutes", values = { "x" = 3.5 }, default = 2.5 }',
    )
    cells = {"1.5": ["1,5", "1,50", "2,5", "1.5"], "x": ["3,5", "x", ""], "": ["", "2,5", "1,5"]}
    rows = [(f, EVENT | {"watch_minutes": cell}) for f, some in cells.items() for cell in some]
    for number, (said, row) in enumerate(rows):
        folder = f"lake/watch_minutes={said or '__HIVE_DEFAULT_PARTITION__'}"
        desk.file(f"{folder}/{number}.csv", as_csv([row | {"event_id": str(number)}]))
        desk.file(f"{folder}/{number}.jsonl", as_lines([row | {"event_id": str(number + 20)}]))
    numbers = [EVENT | {"event_id": n, "watch_minutes": m} for n, m in (("40", 1.5), ("41", 15.0))]
    pq.write_table(pa.Table.from_pylist(numbers), desk.folder / "lake/watch_minutes=1.5/a.parquet")
    users, files = [desk.file("users.csv", USERS)], [str(desk.folder / "lake")]
    load_mapped(desk, text, files, users=users, max_rejects=99)
    loaded = desk.query("select event_id, watch_minutes from raw.events order by all")
    of_csv = [(0, 1.5), (1, 1.5), (4, 3.5), (5, 3.5), (7, 2.5), (8, 2.5)]
    of_lines = [(n + 20, minutes) for n, minutes in (*of_csv[:4], (6, 3.5), *of_csv[4:])]
    assert loaded == [*of_csv, *of_lines, (40, 1.5)]


def test_folders_have_iso_dates_and_cells_those_of_the_options(desk: Desk) -> None:
    times = ["03.01.2025", "04.01.2025", "2025-01-03"]
    rows = [EVENT | {"event_id": str(n), "event_time": time} for n, time in enumerate(times)]
    desk.file("lake/event_time=2025-01-03/a.csv", as_csv(rows))
    users = [desk.file("users.csv", as_csv([USER | {"signup_date": "01.01.2025"}]))]
    mapping = read_mapping(desk.file("mapping.toml", AS_IN_RAW.encode()))
    options = TextFormat.of(mapping, [], None, "%d.%m.%Y", None)
    files = [str(desk.folder / "lake")]
    desk.load_files(users, files, mapping=mapping, text_format=options, max_rejects=2)
    assert desk.event_ids() == [0]
    lacking = [row | {"event_time": ""} for row in rows[1:2]]
    desk.file("lines/event_time=2025-01-03/a.jsonl", as_lines(lacking + rows[:1]))
    folder = [str(desk.folder / "lines")]
    report = desk.load_files([], folder, mapping=mapping, text_format=options, append=True)
    assert (report.events_loaded, report.events_repeated) == (1, 1)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_the_highest_score_is_compared_with_its_folder(desk: Desk, kind: str) -> None:
    text = 'decimal = ","\n' + AS_IN_RAW + 'quiz_score = { from = "score", of = "hi" }\n'
    scores = [("10,25", "20,5"), ("10,25", "20,50"), ("10", "40"), ("10,25", "")]
    rows = [
        EVENT | {"event_id": str(n), "event_type": "quiz_attempt", "score": score, "hi": highest}
        for n, (score, highest) in enumerate(scores)
    ]
    desk.file(f"lake/hi=20.5/a.{kind}", as_csv(rows) if kind == "csv" else as_lines(rows))
    desk.file("lake/score=10/b.csv", as_csv([rows[0] | {"event_id": "9", "score": "10,0"}]))
    users, files = [desk.file("users.csv", USERS)], [str(desk.folder / "lake")]
    load_mapped(desk, text, files, users=users, max_rejects=2)
    loaded = [(0, 50.0), (1, 50.0), *([(3, 50.0)] if kind == "jsonl" else []), (9, 48.7805)]
    assert desk.query("select event_id, quiz_score from raw.events order by all") == loaded


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_rows_that_count_agree_with_their_folders(desk: Desk, kind: str) -> None:
    text = AS_IN_RAW + '[events.only]\nsource = ["web", "Web"]\n'
    cells = {"web": ["web", "Web", "app", ""], "app": ["web", "app", ""], "web/more": [None]}
    number, write = iter(range(99)), as_csv if kind == "csv" else as_lines
    for folder, some in cells.items():
        rows = [EVENT | {"event_id": str(next(number)), "source": cell or ""} for cell in some]
        if some == [None]:
            del rows[0]["source"]
        desk.file(f"lake/source={folder}/a.{kind}", write(rows))
    users, files = [desk.file("users.csv", USERS)], [str(desk.folder / "lake")]
    report = load_mapped(desk, text, files, users=users, max_rejects=2)
    assert (report.events_ignored, report.events_rejected) == (4 if kind == "csv" else 3, 2)
    assert desk.event_ids() == ([0, 7] if kind == "csv" else [0, 3, 7])
    with pytest.raises(RejectedError) as failure:
        load_mapped(desk, text, files, users=users)
    [line] = failure.value.as_lines()
    assert line.startswith("events  2  a column of `only` is not what the name of its folder says")
    assert f"""source=app/a.{kind} row 1 '{{"source":"web"}}'""" in line
    assert f"""source=web/a.{kind} row 2 '{{"source":"Web"}}'""" in line


SEVERAL = """
decimal = ","
[events]
event_id = "event_id"
user_id = "user_id"
event_type = { from = ["kind", "event_type"], values = { "in" = "login", "IN" = "login" } }
event_time = { from = ["at", "day"] }
watch_minutes = { from = ["length", "minutes"] }
"""
AGREEING = [
    ("day=2025-01-03", {"day": "03.01.2025", "length": ""}),
    ("at=2025-01-03", {"day": "04.01.2025", "length": ""}),
    ("minutes=1.5", {"minutes": "1,50"}),
    ("length=1.5", {"length": "1,50"}),
    ("length=1.5", {"minutes": "9,5"}),  # what the folder says alone counts
    ("minutes=1.5", {"length": "9,5"}),
    ("minutes=1.5", {"length": "9,5", "minutes": "1,5"}),
    ("kind=in", {"kind": "IN", "length": ""}),
]
DIFFERING = [
    ("day=2025-01-03", {"day": "04.01.2025", "length": ""}),
    ("day=2025-01-03", {"day": "2025-01-03", "length": ""}),
    ("minutes=1.5", {"minutes": "1,6"}),
    ("minutes=1.5", {"minutes": "1.5"}),
    ("minutes=1.5", {"length": "9,5", "minutes": "1,6"}),
    ("length=1.5", {"length": "1,6", "minutes": "1,5"}),
    ("kind=in", {"kind": "video_watch", "length": ""}),
]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_of_several_names_the_one_that_counts_is_compared_as_it_is_read(
    desk: Desk, kind: str
) -> None:
    write = as_csv if kind == "csv" else as_lines
    for number, (folder, cells) in enumerate([*AGREEING, *DIFFERING]):
        row = EVENT | {"event_id": str(number), "day": "02.01.2025"} | cells
        desk.file(f"lake/{folder}/{number}.{kind}", write([row]))
    users = [desk.file("users.csv", [USER | {"signup_date": "01.01.2025"}])]
    files = [str(desk.folder / "lake")]
    mapping = read_mapping(desk.file("mapping.toml", SEVERAL.encode()))
    options = TextFormat.of(mapping, [], None, "%d.%m.%Y", None)
    rejects = len(DIFFERING)
    desk.load_files(users, files, mapping=mapping, text_format=options, max_rejects=rejects)
    assert desk.event_ids() == list(range(len(AGREEING)))
    minutes = "select distinct watch_minutes from raw.events where event_id in (2, 3, 4)"
    assert desk.query(minutes) == [(1.5,)]
    assert desk.query("select distinct event_date from raw.events where event_id < 2") == [
        (date(2025, 1, 3),)
    ]


def test_text_ids_of_users_are_compared_with_their_folders(desk: Desk) -> None:
    desk.file("lake/user_id=ann/a.csv", as_csv([EVENT | {"user_id": "ann"}]))
    desk.file("lake/user_id=bob/a.csv", as_csv([EVENT | {"user_id": "ann", "event_id": "11"}]))
    for text in ('user_key = "text"\n', 'user_key = "text"\n' + AS_IN_RAW):
        users = desk.file("users.csv", as_csv([USER | {"user_id": "ann"}]))
        lake = str(desk.folder / "lake")
        report = load_mapped(desk, text, [lake], users=[users], max_rejects=1)
        assert (report.events_loaded, desk.event_ids()) == (1, [10])


@pytest.mark.parametrize(
    ("name", "course"),
    [("math.csv", "math"), ("a.b.csv", "a.b"), ("a.b.csv.gz", "a.b"), ("a=b c.CSV", "a=b c")],
)
def test_the_name_of_a_file_is_read_without_its_endings(desk: Desk, name: str, course: str) -> None:
    text = AS_IN_RAW.replace('course_name = "course_name"', 'course_name = "$file"')
    file, users = desk.file(name, as_csv([EVENT | {"$file": "no"}])), desk.file("u.csv", USERS)
    load_mapped(desk, text, [file], users=[users])
    assert desk.query("select course_name from raw.events") == [(course,)]


def test_a_users_file_needs_a_mapping_of_its_ids(desk: Desk) -> None:
    users = desk.file("users.csv", USERS)
    with pytest.raises(UsageError, match=r"\[users\] user_id is missing; a users file needs it"):
        load_mapped(
            desk, AS_IN_RAW + '[users]\nplan = { default = "paid" }\n', [users], users=[users]
        )
