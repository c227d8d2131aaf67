"""Appends: what is new is added, what is stored already is let be, and nothing is updated."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.loader.desk import EVENT, EVENTS, HISTORY, OTHER, USER, USERS, Desk, Row, day, event


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
    [(*_, first_day, last_day)] = desk.query(f"{HISTORY} from raw.loads where load_id = 3")
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
    [(*_, first, last)] = desk.query(f"{HISTORY} from raw.loads where load_id = 2")
    assert (first, last) == touched


def test_an_append_to_nothing_is_a_first_load(desk: Desk) -> None:
    assert desk.load(append=True).events_loaded == 3
    [(text,)] = desk.query("select settings from raw.loads")
    settings = json.loads(text)
    assert (settings["append"], settings["max_rejects"], settings["events_loaded"]) == (True, 0, 3)
