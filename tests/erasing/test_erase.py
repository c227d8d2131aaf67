"""Erasure on real files: no byte of the user stays, and everybody else's rows do."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import Settings
from generator.errors import ElearnError, UsageError
from generator.sinks.daily import generate_through
from generator.warehouse.paths import private_path
from generator.warehouse.verify import verify_warehouse
from tests.conftest import Elearn
from tests.erasing.desk import (
    WORD,
    all_bytes,
    change,
    holding_the_word,
    load_keys,
    load_with_word,
    take_out,
)
from tests.loader.desk import EVENTS, USERS, Desk
from tests.warehouse.earlier import write_earlier


def test_no_byte_of_the_user_stays_and_the_others_keep_their_rows(desk: Desk) -> None:
    load_with_word(desk)
    before = desk.query("from raw.events where user_id = 1 order by all")
    assert holding_the_word(desk) == ["warehouse.duckdb", "warehouse.private.duckdb"]
    report = take_out(desk, user_id="2")
    assert report.rows == {"raw.events": 1, "raw.users": 1, "main.rejected_rows": 1}
    assert {*all_bytes(desk)} == {"warehouse.duckdb", "warehouse.private.duckdb"}
    assert not holding_the_word(desk)
    assert desk.query("from raw.events order by all") == before
    assert desk.query("select user_id from raw.users") == [(1,)]
    assert desk.query("select user_text from private.rejected_rows") == [("1",)]
    indexes = desk.query("select index_name from duckdb_indexes() order by all")
    assert indexes == [("by_country",), ("by_course",)]


def test_the_load_history_has_counts_and_no_ids(desk: Desk) -> None:
    load_with_word(desk)
    report = take_out(desk, user_id="2")
    [row] = desk.query(
        """
        select kind, user_rows, event_rows, first_day, last_day, settings::varchar,
            touched_first_day, touched_last_day
        from raw.loads where load_id = 2
        """
    )
    assert [str(cell) for cell in row] == [
        *("erased", "1", "2", "2025-01-02", "2025-01-02"),
        '{"users": 1, "events": 0, "unknown": 0, "rows": {"raw.events": 1, "raw.users": 1, '
        '"main.rejected_rows": 1}}',
        *("2025-01-01", "2025-01-02"),
    ]
    verdict = verify_warehouse(desk.warehouse)
    assert verdict.matches
    assert verdict.recorded == report.dataset_version
    desk.load(EVENTS[:2], USERS[:1])
    assert verify_warehouse(desk.warehouse).recorded == report.dataset_version


def test_a_text_key_goes_and_its_number_is_not_given_again(desk: Desk) -> None:
    keys = {"1": "ann@example.org", "2": f"user-{WORD}@example.org"}
    rows = [[row | {"user_id": keys[row["user_id"]]} for row in table] for table in (USERS, EVENTS)]
    load_keys(desk, *rows)
    path = private_path(desk.warehouse)
    assert WORD.encode() in path.read_bytes()
    take_out(desk, user_key=f" {keys['2']} ")
    assert WORD.encode() not in path.read_bytes()
    assert desk.query("from private.user_keys") == [(1, keys["1"])]
    with pytest.raises(UsageError, match="no such user is known") as error:
        take_out(desk, user_key=keys["2"])
    assert WORD not in str(error.value)
    load_keys(desk, [rows[0][1]], [rows[1][2]], append=True)
    assert desk.query("from private.user_keys order by all") == [(1, keys["1"]), (3, keys["2"])]
    path.rename(desk.folder / "away.csv")
    with pytest.raises(UsageError, match="the private file with the texts of the users is missing"):
        take_out(desk, user_key=keys["1"])


def test_the_same_person_is_a_new_user_in_a_later_load(desk: Desk) -> None:
    later = USERS[1] | {"valid_from": "2025-01-09", "plan": "free"}
    desk.load(users=[*(row | {"valid_from": ""} for row in USERS), later])
    take_out(desk, user_id="2")
    assert desk.query("from raw.user_changes") == []
    back = USERS[1] | {"signup_date": "2025-01-03", "country": "FR"}
    report = desk.load([EVENTS[2] | {"event_time": "2025-01-04"}], [back], append=True)
    assert (report.users_loaded, report.users_repeated) == (1, 0)
    stored = "select country, cast(signup_date as varchar) from raw.users where user_id = 2"
    assert desk.query(stored) == [("FR", "2025-01-03")]


def test_of_a_file_the_unknown_are_counted(desk: Desk) -> None:
    desk.load()
    file = desk.file("ids.txt", b"\xef\xbb\xbf2\r\n\r\n99\n 02 \n")
    report = take_out(desk, file=file)
    assert (report.users, report.unknown) == (1, 1)
    before = all_bytes(desk)
    with pytest.raises(UsageError, match="no user of the file is known"):
        take_out(desk, file=file)
    assert all_bytes(desk) == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give exactly one of --user-id, --user-key, --file, --event-id, --event-file"),
        ({"user_id": "1", "event_id": "10"}, "give exactly one of"),
        ({"user_id": "x"}, "user_id: 'x' is not allowed; give a whole number"),
        ({"user_id": "  "}, "user_id: nothing is named that could be erased"),
        ({"user_key": "1"}, "user_key: the users of this warehouse have ids; give --user-id"),
        ({"event_id": "99"}, "event_id: no such event is known"),
        ({"file": "missing.txt"}, "a file that can be read"),
    ],
)
def test_a_wrong_call_is_one_line_and_changes_nothing(
    given: dict[str, str], message: str, desk: Desk
) -> None:
    desk.load()
    before = all_bytes(desk)
    with pytest.raises(UsageError, match=message):
        take_out(desk, **given)
    assert all_bytes(desk) == before


def test_a_dry_run_says_what_would_go_and_changes_no_byte(desk: Desk) -> None:
    load_with_word(desk)
    before = all_bytes(desk)
    planned = take_out(desk, dry_run=True, user_id="2")
    assert all_bytes(desk) == before
    done = take_out(desk, user_id="2")
    assert (planned.rows, planned.touched) == (done.rows, done.touched)
    assert (planned.dry_run, done.dry_run) == (True, False)


def test_a_wrong_event_is_erased_and_the_right_one_appended(desk: Desk) -> None:
    desk.load()
    report = take_out(desk, event_file=desk.file("events.txt", b"11\n404\n"))
    assert (report.events, report.unknown, report.rows) == (1, 1, {"raw.events": 1})
    assert desk.event_ids() == [10, 12]
    desk.load([EVENTS[1] | {"watch_minutes": "7"}], None, append=True)
    assert desk.query("select watch_minutes from raw.events where event_id = 11") == [(7,)]
    kinds = desk.query("select kind, event_rows from raw.loads order by load_id")
    assert kinds == [("files", 3), ("erased", 2), ("files", 3)]
    assert verify_warehouse(desk.warehouse).matches


def test_own_tables_are_named_and_a_foreign_key_to_the_user_is_refused(desk: Desk) -> None:
    desk.load()
    change(desk.warehouse, "create table notes as select 2 as user_id, 'mine' as note")
    report = take_out(desk, user_id="2")
    assert report.own_tables == ("main.notes",)
    assert desk.query("from notes") == [(2, "mine")]
    change(
        desk.warehouse,
        "create table raw.own (id integer references raw.users (user_id))",
        "insert into raw.own values (1)",
    )
    before = all_bytes(desk)
    with pytest.raises(ElearnError, match=r"the foreign key of raw\.own refers to rows that would"):
        take_out(desk, user_id="1")
    assert all_bytes(desk) == before


def test_rows_in_tables_of_models_and_in_the_bookkeeping_go(desk: Desk) -> None:
    desk.load()
    change(
        desk.warehouse,
        "create schema bookkeeping",
        "create table bookkeeping.tested_tables as select 'main.my totals' as table_name",
        'create table main."my totals" as from (values (1), (2)) as totals (user_id)',
        "create table bookkeeping.outdated as from (values (1), (2), (null)) as rows (user_id)",
        """
        create table bookkeeping.content as
        select * from (values ('raw.events', 7, 9::hugeint)) as of (table_name, row_count, hash_sum)
        cross join (values (date '2025-01-01'), (date '2025-01-02')) as days (day)
        """,
        "create table bookkeeping.version_sums as select 7 as version_sum",
    )
    take_out(desk, event_id="12")
    assert desk.query("from bookkeeping.version_sums") == []
    days = "select row_count, hash_sum from bookkeeping.content order by day"
    assert desk.query(days) == [(7, 9), (0, 0)]
    report = take_out(desk, user_id="2")
    assert report.rows == {"main.my totals": 1, "raw.users": 1}
    assert report.own_tables == ()
    assert desk.query('from main."my totals"') == [(1,)]
    assert desk.query("from bookkeeping.outdated order by all") == [(1,), (None,)]
    assert desk.query(days) == [(0, 0), (0, 0)]


def test_a_simulation_by_day_does_not_bring_the_erased_back(tmp_path: Path) -> None:
    desk, settings = Desk(tmp_path), Settings(n_users=20, days=40, treatment_ratio=0.5)
    step = {"replace": False, "workers": 1}
    generate_through(desk.warehouse, settings, settings.last_date, **step)
    report = take_out(desk, user_id="7")
    gone = {table: report.rows[table] for table in ("truth.users", "raw.experiment_assignments")}
    assert gone == {"truth.users": 1, "raw.experiment_assignments": 1}
    with pytest.raises(UsageError, match="users or events were erased"):
        generate_through(desk.warehouse, settings, settings.last_date, **step)
    generate_through(desk.warehouse, settings, settings.last_date, replace=True, workers=1)
    assert desk.query("select count(*) from raw.users") == [(20,)]


def test_a_warehouse_of_the_version_before_is_moved_over_first(desk: Desk) -> None:
    write_earlier(desk.warehouse)
    report = take_out(desk, user_id="3")
    assert report.rows["truth.users"] == 1
    assert desk.query("select count(*) from private.truth.users") == [(4,)]
    assert verify_warehouse(desk.warehouse).matches


def test_the_command_says_what_went(desk: Desk, elearn: Elearn) -> None:
    desk.load()
    done = elearn("erase", "--user-id", 2)
    assert done.stdout.splitlines()[:3] == [
        "users                                    1 erased",
        "raw.events                               1 rows erased",
        "raw.users                                1 rows erased",
    ]
    before = all_bytes(desk)
    two = elearn("erase", "--user-id", 1, "--user-id", 2, check=False)
    assert (two.returncode, all_bytes(desk)) == (2, before)
    assert "give exactly one of --user-id, --user-key," in two.stderr
    again = elearn("erase", "--user-id", 2, check=False)
    assert (again.returncode, again.stderr.splitlines()[-1]) == (
        2,
        "Error: --user-id: no such user is known; nothing was changed",
    )
