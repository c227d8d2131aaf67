"""Hostile exports: each has its outcome, and rows read are rows loaded and rows rejected."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from generator.errors import ElearnError
from generator.loader.quarantine import RejectedError
from tests.loader.desk import EVENT, EVENTS, USER, USERS, Desk, Row, as_csv
from tests.loader.test_rules import BAD_EVENTS, BAD_USERS

HEADER = as_csv(EVENTS).splitlines(keepends=True)[0]
GOOD_LINE = as_csv(EVENTS).splitlines(keepends=True)[1]
USER_HEADER = as_csv(USERS).splitlines(keepends=True)[0]
SQL = "'); drop table raw.users; copy (select 1) to 'owned.csv'; --"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loaded")
    Desk(folder).load([EVENT | {"event_id": "1"}])
    return folder


@pytest.fixture
def desk(loaded: Path, tmp_path: Path) -> Iterator[Desk]:
    """A desk with something loaded, and a file that no load may touch or read."""
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    desk = Desk(tmp_path)
    secret = desk.file("secret.csv", as_csv([EVENT | {"event_id": "666"}]))
    yield desk
    assert Path(secret).read_bytes() == as_csv([EVENT | {"event_id": "666"}])
    assert not list(tmp_path.rglob("owned*"))
    assert (666,) not in desk.query("select event_id from raw.events")


def check_counts(desk: Desk, load_id: int, read: int, loaded: int) -> None:
    """Rows read = rows loaded + rows rejected, in the quarantine too."""
    rejected = f"select count(*) from private.rejected_rows where load_id = {load_id}"
    assert desk.query(rejected) == [(read - loaded,)]
    history = f"select user_rows + event_rows from raw.loads where load_id = {load_id}"
    assert desk.query(history) == [(loaded,)]


@pytest.mark.parametrize(("change", "reason"), BAD_USERS, ids=str)
@pytest.mark.whole
def test_a_bad_user_alone(change: Row, reason: str, desk: Desk) -> None:
    bad = USER | {"user_id": "7"} | change
    report = desk.load(EVENTS, [*USERS, bad], max_rejects=1)
    assert desk.rejected() == [("users", 3, reason)]
    check_counts(desk, report.load_id, 6, 5)


@pytest.mark.parametrize(("change", "reason"), BAD_EVENTS, ids=str)
@pytest.mark.whole
def test_a_bad_event_alone(change: Row, reason: str, desk: Desk) -> None:
    again = EVENT | {"event_id": "11"}
    report = desk.load([EVENT, again, EVENT | {"event_id": "70"} | change], max_rejects=1)
    assert desk.rejected() == [("events", 3, reason)]
    check_counts(desk, report.load_id, 5, 4)


# What is stored of a hostile value that is data all the same: the column and its value.
GOOD: dict[str, tuple[Row, str, object]] = {
    "id_as_float": ({"event_id": "7.0"}, "event_id", 7),
    "id_with_zeros": ({"event_id": "007"}, "event_id", 7),
    "negative_id": ({"event_id": "-5"}, "event_id", -5),
    "id_over_32_bits": ({"event_id": str(2**31)}, "event_id", 2**31),
    "largest_id": ({"event_id": str(2**63 - 1)}, "event_id", 2**63 - 1),
    "id_beyond_a_double": ({"event_id": str(2**53 + 1)}, "event_id", 2**53 + 1),
    "offset": (
        {"event_time": "2025-03-30T01:30:00+02:00"},
        "event_time",
        datetime(2025, 3, 29, 23, 30),
    ),
    "last_moment": (
        {"event_time": "2099-12-31 23:59:59.999999"},
        "event_time",
        datetime(2099, 12, 31, 23, 59, 59, 999_999),
    ),
    "leap_day": ({"event_time": "2028-02-29"}, "event_time", datetime(2028, 2, 29)),
    "minus_zero": ({"quiz_score": "-0.0"}, "cast(quiz_score as varchar)", "0.0"),
    "exponent": ({"watch_minutes": "1e1"}, "watch_minutes", 10.0),
    "tiny_number": ({"watch_minutes": "1e-300"}, "watch_minutes", 0.0),
    "sql_in_a_cell": ({"course_name": SQL}, "course_name", SQL),
    "formula": ({"course_name": "=cmd|'/c calc'!A1"}, "course_name", "=cmd|'/c calc'!A1"),
    "path_in_a_cell": ({"course_name": "secret.csv"}, "course_name", "secret.csv"),
    "template": ({"course_name": "{{ env_var('HOME') }}"}, "course_name", "{{ env_var('HOME') }}"),
    "quotes": ({"course_name": 'a"b""c'}, "course_name", 'a"b""c'),
    "line_breaks": ({"course_name": "a\n\r\nb"}, "course_name", "a\n\r\nb"),
    "delimiters": ({"course_name": ",;\t|,"}, "course_name", ",;\t|,"),
    "emoji": ({"course_name": "🚀 \u202etfel"}, "course_name", "🚀 \u202etfel"),
    "null_as_a_word": ({"course_name": "NULL"}, "course_name", "NULL"),
    "escape_sequences": ({"course_name": "\x1b[2J\\x00"}, "course_name", "\x1b[2J\\x00"),
    "a_megabyte": ({"course_name": "x" * 10**6}, "length(course_name)", 10**6),
}


@pytest.mark.parametrize("name", GOOD)
def test_an_odd_value_that_is_data_is_stored_as_it_is(name: str, desk: Desk) -> None:
    change, column, stored = GOOD[name]
    report = desk.load([EVENT | {"event_id": "70"} | change])
    assert desk.query(f"select {column} from raw.events") == [(stored,)]
    check_counts(desk, report.load_id, 3, 3)


# Rows with their faults: read, loaded, and what is said of the first rejected row.
MIXED: dict[str, tuple[bytes, bytes, int, int, str]] = {
    "events_without_users": (
        as_csv(USERS[:1]),
        as_csv(EVENTS),
        4,
        3,
        "user_id is not among the users",
    ),
    "users_twice": (
        as_csv([*USERS, *(row | {"country": "XX"} for row in USERS)]),
        as_csv(EVENTS),
        7,
        5,
        "duplicate user_id",
    ),
    "nul_bytes_everywhere": (
        as_csv(USERS),
        HEADER + GOOD_LINE + b"\0" * 50 + b"\n",
        4,
        3,
        "the line has more or fewer cells than the header",
    ),
    "binary_lines": (
        as_csv(USERS),
        HEADER + GOOD_LINE + bytes(range(128, 256)) * 40 + b"\n",
        4,
        3,
        "the line has more or fewer cells than the header",
    ),
    "latin_1_cell": (
        as_csv(USERS),
        as_csv([EVENT, EVENT | {"course_name": "caf\xe9"}]).decode().encode("latin-1"),
        4,
        3,
        "the line is not UTF-8",
    ),
    "every_line_ragged": (
        as_csv(USERS),
        HEADER + GOOD_LINE + b"1,2,3\n" * 500,
        503,
        3,
        "the line has more or fewer cells than the header",
    ),
    "a_quote_that_never_closes": (
        as_csv(USERS),
        as_csv(EVENTS)
        + b'13,1,2025-01-02,login,"open,,,\n'
        + b"14,1,2025-01-02,login,,,,\n15,1,2025-01-02,login,,,,\n",
        8,
        7,
        "the quotes do not match",
    ),
    "header_again_in_the_middle": (
        as_csv(USERS),
        as_csv(EVENTS) + as_csv([EVENT | {"event_id": "99"}]),
        7,
        6,
        "event_id is not a whole number",
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_bad_rows_are_rejected_and_the_others_loaded(name: str, desk: Desk) -> None:
    users, events, read, loaded, reason = MIXED[name]
    with pytest.raises(RejectedError):
        desk.load(events, users)
    assert desk.event_ids() == [1], "a load that fails changes nothing"
    report = desk.load(events, users, max_rejects=1000)
    check_counts(desk, report.load_id, read, loaded)
    assert desk.rejected()[0][2] == reason


def test_users_without_events_and_files_of_a_header_alone_are_data(desk: Desk) -> None:
    report = desk.load(HEADER, USER_HEADER)
    check_counts(desk, report.load_id, 0, 0)
    report = desk.load(HEADER)
    check_counts(desk, report.load_id, 2, 2)


def test_a_load_that_would_replace_all_events_by_none_changes_nothing(desk: Desk) -> None:
    bad = [event | {"event_type": "?"} for event in EVENTS]
    with pytest.raises(RejectedError, match="all 3 events rejected"):
        desk.load(bad, max_rejects=10)
    assert desk.event_ids() == [1]
    report = desk.load(bad, max_rejects=10, append=True, users=None)
    assert (report.events_read, report.events_loaded, report.rejected) == (3, 0, 3)
    assert desk.event_ids() == [1]


def test_an_id_in_two_files_is_loaded_once(desk: Desk) -> None:
    files = [desk.file(f"{number}.csv", EVENTS) for number in range(3)]
    report = desk.load_files([desk.file("users.csv", USERS)], files)
    assert (report.events_read, report.events_loaded, report.events_repeated) == (9, 3, 6)
    check_counts(desk, report.load_id, 5, 5)


@pytest.mark.parametrize(
    "name", [f"{SQL[:40]}.csv", '"quoted".csv', "$(touch owned).csv", "-x.csv"]
)
def test_a_name_of_a_file_is_only_a_name(name: str, desk: Desk) -> None:
    name = name.replace("/", "_")
    report = desk.load_files([desk.file("users.csv", USERS)], [desk.file(name, EVENTS)])
    check_counts(desk, report.load_id, 5, 5)


@pytest.mark.parametrize(
    "column", [SQL, "read_text('secret.csv')", "c0", "user_id; drop", "', '", "\\", "select *"]
)
def test_a_name_of_a_column_is_only_a_name(column: str, desk: Desk) -> None:
    rows = [row | {column: SQL} for row in [*EVENTS, EVENT | {"amount": "1"}]]
    report = desk.load(rows, max_rejects=1)
    check_counts(desk, report.load_id, 6, 5)
    [(kept,)] = desk.query("select json_keys(row) from private.rejected_rows")
    assert column in kept


@pytest.mark.parametrize("name", ["folder.csv", "empty"])
def test_a_folder_in_place_of_a_file_is_no_data(name: str, desk: Desk) -> None:
    (desk.folder / name).mkdir()
    with pytest.raises(ElearnError, match=r"with a data file"):
        desk.load_files([desk.file("users.csv", USERS)], [str(desk.folder / name)])


def gzip_bomb(path: Path, megabytes: int) -> None:
    """Write a header and then that many megabytes of one cell, packed to a thousandth."""
    packer = zlib.compressobj(9, wbits=31)
    with path.open("wb") as file:
        file.write(packer.compress(HEADER + GOOD_LINE + b"13,1,2025-01-02,login,"))
        for _ in range(megabytes):
            file.write(packer.compress(b"x" * 2**20))
        file.write(packer.compress(b",,,\n") + packer.flush())


@pytest.mark.parametrize("megabytes", [100, pytest.param(4000, marks=pytest.mark.whole)])
def test_a_gzip_bomb_is_one_rejected_row(megabytes: int, desk: Desk) -> None:
    gzip_bomb(desk.folder / "events.csv.gz", megabytes)
    report = desk.load_files(
        [desk.file("users.csv", USERS)], [str(desk.folder / "events.csv.gz")], max_rejects=1
    )
    check_counts(desk, report.load_id, 4, 3)
    assert desk.rejected()[0][2].startswith("the line is longer than 4,000,000")


def test_a_gzip_that_is_cut_off_anywhere_changes_nothing(desk: Desk) -> None:
    whole = gzip.compress(as_csv([EVENT | {"event_id": str(number)} for number in range(500)]))
    for size in range(3, len(whole), max(1, len(whole) // 12)):
        with pytest.raises(ElearnError, match=r"cannot be read|is empty|no column"):
            desk.load_files(
                [desk.file("users.csv", USERS)], [desk.file("events.csv.gz", whole[:size])]
            )
    assert desk.event_ids() == [1]


@pytest.mark.parametrize("rows", [300_000, pytest.param(10_000_000, marks=pytest.mark.whole)])
@pytest.mark.parametrize(
    "bad",
    [
        b"x,1,2025-01-02,login\n",
        pytest.param(b"9,1,2025-01-02,login,1\n", marks=pytest.mark.slow),
    ],
)
def test_one_bad_row_at_the_end_of_many_is_found_and_fails_the_load(
    rows: int, bad: bytes, desk: Desk
) -> None:
    path = desk.folder / "events.csv"
    with path.open("wb") as file:
        file.write(b"event_id,user_id,event_time,event_type\n")
        for start in range(0, rows, 100_000):
            numbers = range(10 + start, 10 + min(start + 100_000, rows))
            file.write(b"".join(b"%d,1,2025-01-02,login\n" % number for number in numbers))
        file.write(bad)
    users = [desk.file("users.csv", USERS)]
    with pytest.raises(RejectedError, match=rf"^1 of {rows + 3:,} rows rejected") as failure:
        desk.load_files(users, [str(path)])
    assert f"row {rows + 1:,}" in failure.value.as_lines()[0]
    assert desk.event_ids() == [1]
