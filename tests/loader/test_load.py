"""Loads from end to end: formats, order, failure, quarantine, history and append."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator import Settings
from generator.errors import UsageError
from generator.loader.quarantine import RejectedError, reason_lines
from generator.sinks.warehouse import generate_warehouse
from tests.loader.desk import EVENT, EVENTS, USER, USERS, Desk, Row
from tests.private import private_tables

LEDGER = "select dataset_version, first_day, last_day, touched_first_day, touched_last_day"

OTHER = EVENT | {"course_name": "another"}
"""The key of an event with other content."""


def day(number: int, month: int = 1) -> date:
    return date(2025, month, number)


def event(event_id: int, on: str, user_id: int = 1) -> Row:
    return EVENT | {"event_id": str(event_id), "event_time": on, "user_id": str(user_id)}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def export(warehouse: Path, folder: Path, order: str) -> None:
    """Write users and events in every format, in some order."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        for table in ("users", "events"):
            rows = f"(select * from raw.{table} order by {order})"
            for suffix in ("csv", "csv.gz", "parquet"):
                con.execute(f"copy {rows} to '{folder / table}.{suffix}'")


def test_the_version_does_not_depend_on_format_or_row_order(desk: Desk) -> None:
    generate_warehouse(desk.warehouse, Settings(n_users=40, days=60), workers=2)
    [(version,)] = desk.query("select dataset_version from raw.loads")
    again = Desk(desk.folder / "again")
    again.folder.mkdir()
    for order in ("all", "hash(user_id)"):
        export(desk.warehouse, desk.folder, order)
        for suffix in ("csv", "csv.gz", "parquet"):
            users, events = (str(desk.folder / f"{name}.{suffix}") for name in ("users", "events"))
            report = again.load_files([users], [events])
            assert report.dataset_version == version
            assert report.rejected == 0


def test_rows_may_be_spread_over_files_in_any_order(desk: Desk, tmp_path: Path) -> None:
    rows = [event(n, f"2025-01-{n:02}") for n in range(1, 29)]
    whole = desk.load(rows)
    random.Random(1).shuffle(rows)
    parts = Desk(tmp_path / "parts")
    files = [parts.file(f"part{n}.csv", rows[n::3]) for n in range(3)]
    spread = parts.load_files([parts.file("users.csv", USERS)], files)
    assert spread.dataset_version == whole.dataset_version
    assert spread.events_read == 28


def test_columns_in_any_order_and_others_beside_them_are_let_pass(desk: Desk) -> None:
    whole = desk.load()
    turned = [dict(reversed({"x": "1", **row, "Y ": "2"}.items())) for row in EVENTS]
    shouted = [{f"{name.upper()} ": cell for name, cell in row.items()} for row in turned]
    assert desk.load(shouted).dataset_version == whole.dataset_version
    assert any(line.endswith("ignored columns: 'Y  ', 'X '") for line in desk.said)


@pytest.mark.parametrize("both", [False, True])
def test_course_id_stands_for_course_name_unless_that_is_there(desk: Desk, both: bool) -> None:
    names = {"course_name": "k8s"} if both else {}
    row = {name: cell for name, cell in EVENT.items() if name != "course_name"}
    desk.load([row | {"course_id": "7"} | names])
    assert desk.query("select course_name from raw.events") == [("k8s" if both else "7",)]


@pytest.mark.parametrize("exists", [False, True])
def test_a_load_that_fails_changes_nothing(desk: Desk, exists: bool) -> None:
    if exists:
        generate_warehouse(desk.warehouse, Settings(n_users=20, days=60), workers=1)
    before = desk.warehouse.read_bytes() if exists else None
    with pytest.raises(RejectedError):
        desk.load([*EVENTS, OTHER])
    assert (desk.warehouse.read_bytes() if desk.warehouse.exists() else None) == before
    assert {path.suffix for path in desk.folder.iterdir()} <= {".csv", ".duckdb"}


def test_a_failed_load_says_which_rows_break_which_rule(desk: Desk) -> None:
    bad = [EVENT | {"event_id": str(n), "event_type": f"odd{n}"} for n in range(20, 26)]
    files = [desk.file("a.csv", EVENTS), desk.file("b.csv", bad)]
    with pytest.raises(RejectedError) as failure:
        desk.load_files([desk.file("users.csv", [*USERS, USER | {"country": "XX"}])], files)
    assert str(failure.value).startswith("7 of 12 rows rejected; at most 0 may be")
    users, events = failure.value.as_lines()
    assert users == "users   1  duplicate user_id: row 3 '1'"
    assert events.startswith("events  6  event_type is none of login, ")
    assert events.endswith(
        f"{files[1]} row 1 'odd20', {files[1]} row 2 'odd21', {files[1]} row 3 'odd22', ..."
    )


def test_a_report_of_nothing_has_no_lines() -> None:
    assert reason_lines(()) == []


def test_rejected_rows_are_kept_as_they_were_read(desk: Desk) -> None:
    bad = EVENT | {"event_id": "x", "course_name": ' a,"b"\n'}
    desk.load([EVENT, bad | {"more": "?"}], max_rejects=5)
    [(load_id, row, user)] = desk.query("select load_id, row, user_text from private.rejected_rows")
    assert (load_id, user) == (1, "1")
    assert json.loads(row) == {name: cell or None for name, cell in bad.items()} | {"more": "?"}


def test_row_numbers_count_on_over_the_files_of_a_table(desk: Desk) -> None:
    others = [row | {"course_name": "x"} for row in EVENTS]
    files = [desk.file("a.csv", EVENTS), desk.file("b.csv", others)]
    files.append(desk.file("c.csv", b"event_id,user_id,event_time,event_type\n1\n"))
    report = desk.load_files([desk.file("users.csv", USERS)], files, max_rejects=4)
    again = "duplicate event_id"
    assert [(row, reason) for _, row, reason in desk.rejected()][:3] == [
        (4, again),
        (5, again),
        (6, again),
    ]
    assert desk.rejected()[3][1] == 7
    assert (report.events_read, report.events_loaded, report.rejected) == (7, 3, 4)


def test_the_rejected_rows_of_earlier_loads_stay(desk: Desk) -> None:
    desk.load([*EVENTS, OTHER], max_rejects=1)
    desk.load([*EVENTS, OTHER, OTHER], max_rejects=2)
    assert desk.query("select load_id, row_number from private.rejected_rows order by all") == [
        (1, 4),
        (2, 4),
        (2, 5),
    ]


def test_a_load_replaces_a_simulation_with_all_that_belongs_to_it(desk: Desk) -> None:
    generate_warehouse(
        desk.warehouse, Settings(n_users=20, days=60, treatment_ratio=0.5), workers=1
    )
    assert private_tables(desk.warehouse) == {"truth.users", "main.written_by"}
    report = desk.load()
    tables = desk.query(
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where database_name = 'warehouse' order by all"
    )
    assert [name for (name,) in tables] == [
        "raw.events",
        "raw.loads",
        "raw.user_changes",
        "raw.users",
    ]
    assert private_tables(desk.warehouse) == {"main.written_by"}
    assert report.load_id == 2
    assert desk.query("select kind, event_rows from raw.loads order by load_id")[1] == ("files", 3)


def test_a_replacing_load_touches_the_whole_window(desk: Desk) -> None:
    desk.load([event(1, "2025-01-05"), event(2, "2025-02-01")])
    [(_, *days)] = desk.query(f"{LEDGER} from raw.loads")
    assert days == [day(5), day(1, 2), day(5), day(1, 2)]


def test_a_load_without_events_leaves_the_days_empty(desk: Desk) -> None:
    report = desk.load(b"event_id,user_id,event_time,event_type\n")
    assert (report.events_read, report.first_day, report.last_day) == (0, None, None)
    assert desk.query("select count(*) from raw.users") == [(2,)]


def test_an_append_adds_what_is_new_and_rejects_ids_that_are_stored(desk: Desk) -> None:
    desk.load()
    report = desk.load([OTHER, event(20, "2025-01-03")], None, append=True, max_rejects=1)
    assert desk.rejected() == [("events", 1, "event_id already exists")]
    assert desk.event_ids() == [10, 11, 12, 20]
    assert (report.load_id, report.users_read, report.events_loaded) == (2, 0, 1)


def test_the_same_append_twice_changes_nothing(desk: Desk) -> None:
    users = [USER | {"user_id": "3"}]
    events = [event(20, "2025-01-03"), event(21, "2025-01-04", user_id=3)]
    desk.load()
    first = desk.load(events, users, append=True)
    again = desk.load(events, users, append=True)
    assert (again.users_repeated, again.events_repeated, again.rejected) == (1, 2, 0)
    assert (again.users_loaded, again.events_loaded) == (0, 0)
    assert again.dataset_version == first.dataset_version
    [(*_, first_day, last_day)] = desk.query(f"{LEDGER} from raw.loads where load_id = 3")
    assert (first_day, last_day) == (None, None)


def test_half_of_an_old_file_and_half_of_a_new_one_are_appended(desk: Desk) -> None:
    old = [event(n, "2025-01-03") for n in range(20, 30)]
    new = [event(n, "2025-01-04") for n in range(30, 40)]
    desk.load(old)
    report = desk.load(old[5:] + new, None, append=True)
    assert (report.events_repeated, report.events_loaded, report.rejected) == (5, 10, 0)


@pytest.mark.parametrize("append", [False, True])
def test_a_repeated_row_is_compared_as_it_is_stored(desk: Desk, append: bool) -> None:
    first = EVENT | {"watch_minutes": "12"}
    again = first | {"watch_minutes": "12.00001", "event_time": "2025-01-02T15:30+05:30"}
    others = [first | change for change in ({"watch_minutes": ""}, {"user_id": "2"})]
    if append:
        desk.load([first])
    report = desk.load([*([] if append else [first]), again, *others], append=append, max_rejects=2)
    assert (report.events_repeated, report.events_rejected) == (1, 2)
    assert report.users_repeated == (2 if append else 0)


def test_of_rows_with_one_id_the_stored_one_decides(desk: Desk) -> None:
    desk.load([EVENT])
    report = desk.load([OTHER, OTHER, EVENT], None, append=True, max_rejects=2)
    assert (report.events_repeated, report.events_rejected) == (1, 2)


def test_a_users_file_without_the_latent_column_repeats_stored_users(desk: Desk) -> None:
    desk.load(users=[row | {"engagement_score": "0.5"} for row in USERS])
    assert desk.load(append=True).users_repeated == 2
    other = [USERS[0] | {"engagement_score": ""}]
    assert desk.load(users=other, append=True, max_rejects=1).users_rejected == 1


def test_an_append_never_updates_a_user(desk: Desk) -> None:
    desk.load()
    users = [USER | {"country": "XX"}, USER | {"user_id": "3"}]
    desk.load([event(20, "2025-01-03", user_id=3)], users, append=True, max_rejects=1)
    assert desk.rejected() == [
        ("users", 1, "user_id already exists; give valid_from, the day of the change")
    ]
    assert desk.query("select country from raw.users order by user_id") == [("IN",)] * 3


def test_an_append_equals_one_load_of_everything(desk: Desk, tmp_path: Path) -> None:
    later = [event(20, "2025-03-03", user_id=3)]
    user = USER | {"user_id": "3"}
    desk.load()
    report = desk.load(later, [user], append=True)
    whole = Desk(tmp_path / "whole").load(EVENTS + later, [*USERS, user])
    assert report.dataset_version == whole.dataset_version
    keys = """
        select count(*) from duckdb_constraints()
        where constraint_type = 'PRIMARY KEY' and database_name = current_database()
    """
    assert desk.query(keys) == [(4,)]


@pytest.mark.parametrize(
    ("users", "events", "touched"),
    [
        (None, [event(20, "2025-01-12"), event(21, "2025-01-14")], (day(12), day(14))),
        (None, [event(20, "2025-01-25")], (day(21), day(25))),
        (None, [event(20, "2025-01-05")], (day(5), day(9))),
        ([USER | {"user_id": "3", "signup_date": "2025-01-15"}], [], (day(15), day(20))),
        ([USER | {"user_id": "3", "signup_date": "2025-01-30"}], [], (day(30), day(30))),
        (None, [], (None, None)),
    ],
    ids=["inside", "after", "before", "new user", "user after the window", "nothing"],
)
def test_an_append_touches_the_days_that_it_changes(
    desk: Desk, users: list[Row] | None, events: list[Row], touched: tuple[date | None, ...]
) -> None:
    desk.load([event(1, "2025-01-10"), event(2, "2025-01-20")])
    header = b"event_id,user_id,event_time,event_type\n"
    desk.load(events or header, users, append=True)
    [(*_, first, last)] = desk.query(f"{LEDGER} from raw.loads where load_id = 2")
    assert (first, last) == touched


def test_an_append_to_nothing_is_a_first_load(desk: Desk) -> None:
    assert desk.load(append=True).events_loaded == 3
    [(text,)] = desk.query("select settings from raw.loads")
    settings = json.loads(text)
    assert (settings["append"], settings["max_rejects"], settings["events_loaded"]) == (True, 0, 3)


@pytest.mark.parametrize("append", [False, True])
def test_without_users_given_or_stored_there_is_no_load(desk: Desk, append: bool) -> None:
    with pytest.raises(UsageError, match="users: nothing is given"):
        desk.load(users=None, append=append)
    assert not desk.warehouse.exists()


@pytest.mark.parametrize(("last", "warns"), [("2027-01-05", False), ("2027-01-06", True)])
def test_a_day_more_than_366_days_from_any_event_earns_a_warning(
    desk: Desk, last: str, warns: bool
) -> None:
    report = desk.load([event(1, "2025-01-02"), event(2, last)])
    assert bool(report.warnings) == warns
    assert [line for line in report.as_lines() if "warning" in line] == [
        f"warning: {warning}" for warning in report.warnings
    ]


ROWS = st.lists(
    st.builds(
        lambda event_id, user_id, time, kind: (
            EVENT
            | {"event_id": event_id, "user_id": user_id, "event_time": time, "event_type": kind}
        ),
        st.sampled_from(["1", "2", "3", "4", "5", "", "x"]),
        st.sampled_from(["1", "2", "9", "1.0"]),
        st.sampled_from(["2025-01-01", "2025-01-02 10:00", "2024-12-31", "junk"]),
        st.sampled_from(["login", "LOGIN", "payment_failed", "logout"]),
    ),
    max_size=8,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ROWS, min_size=1, max_size=3), st.booleans())
def test_rows_read_are_rows_loaded_repeated_and_rejected(
    tmp_path: Path, parts: list[list[Row]], ragged: bool
) -> None:
    desk = Desk(tmp_path)
    header = [dict.fromkeys(EVENT, "")]  # one bad row, so that there is a header
    parts.append([EVENT | {"event_id": "77"}])  # and one good one, so that something is loaded
    files = [desk.file(f"{n}.csv", header + rows) for n, rows in enumerate(parts)]
    if ragged:
        with Path(files[-1]).open("a") as file:
            file.write("1,2\n")
    report = desk.load_files([desk.file("users.csv", USERS)], files, max_rejects=99)
    written = sum(map(len, parts)) + len(parts) + ragged
    kept = f"select row_number from private.rejected_rows where load_id = {report.load_id}"
    numbers = [number for (number,) in desk.query(kept)]
    left_out = report.events_repeated + report.rejected
    assert report.events_read == written == report.events_loaded + left_out
    assert len(set(numbers)) == len(numbers) == report.rejected
    assert len(desk.event_ids()) == report.events_loaded
