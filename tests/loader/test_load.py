"""Loads from end to end: formats, order, failure, quarantine, history and append."""

from __future__ import annotations

import json
import random
from pathlib import Path

import duckdb
import pytest
from hypothesis import strategies as st

from generator import Settings
from generator.errors import UsageError
from generator.loader.quarantine import RejectedError, reason_lines
from generator.sinks.warehouse import generate_warehouse
from tests.drawing import drawn
from tests.loader.desk import EVENT, EVENTS, HISTORY, OTHER, USER, USERS, Desk, Row, day, event
from tests.private import private_tables


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
    [(_, *days)] = desk.query(f"{HISTORY} from raw.loads")
    assert days == [day(5), day(1, 2), day(5), day(1, 2)]


def test_a_load_without_events_leaves_the_days_empty(desk: Desk) -> None:
    report = desk.load(b"event_id,user_id,event_time,event_type\n")
    assert (report.events_read, report.first_day, report.last_day) == (0, None, None)
    assert desk.query("select count(*) from raw.users") == [(2,)]


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


@drawn(many=25, parts=st.lists(ROWS, min_size=1, max_size=3), ragged=st.booleans())
def test_rows_read_are_rows_loaded_repeated_and_rejected(
    tmp_path: Path, parts: list[list[Row]], ragged: bool
) -> None:
    desk = Desk(tmp_path)
    header = [dict.fromkeys(EVENT, "")]  # one bad row, so that there is a header
    good = EVENT | {"event_id": "77"}
    parts.append([good, good])  # and one good one, so that something is loaded and repeated
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
