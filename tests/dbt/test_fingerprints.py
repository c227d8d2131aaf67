"""A build sees a change by hand in any column of the raw tables that the marts depend on.

The hook that finds what has to be redone runs in memory; test_incremental.py redoes it with dbt.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from generator.warehouse.tables import EVENTS, USER_CHANGES, USERS
from tests.dbt.marts import Connection, Marts
from tests.dbt.planting import rich_world

INCREMENTAL = ["user_daily", "user_features_daily", "churn_labels", "training_dataset"]
OLD_DAY = "event_date = date '2024-02-01'"

CHANGES = {
    "raw.users.user_id": ("95", "user_id = 90"),
    "raw.users.signup_date": ("signup_date - 1", "user_id = 5"),
    "raw.users.plan": ("case plan when 'free' then 'paid' else 'free' end", "user_id = 6"),
    "raw.users.is_paid": ("1 - is_paid", "user_id = 7"),
    "raw.users.country": ("country || '!'", "user_id = 8"),
    "raw.users.marketing_source": ("marketing_source || '!'", "user_id = 9"),
    "raw.users.engagement_score": ("0.5", "user_id = 10"),
    "raw.user_changes.user_id": ("12", "user_id = 5"),
    "raw.user_changes.valid_from": ("valid_from - 1", "user_id = 7"),
    "raw.user_changes.plan": (
        "case plan when 'free' then 'paid' else 'free' end",
        "user_id = 8",
    ),
    "raw.user_changes.is_paid": ("1 - is_paid", "user_id = 10"),
    "raw.user_changes.country": ("country || '!'", "user_id = 11"),
    "raw.user_changes.marketing_source": ("marketing_source || '!'", "user_id = 13"),
    "raw.events.event_id": ("-event_id", OLD_DAY),
    "raw.events.user_id": ("91", OLD_DAY),
    "raw.events.event_time": ("event_time + interval '1' second", OLD_DAY),
    "raw.events.event_type": ("'support_ticket'", f"{OLD_DAY} and event_type = 'login'"),
    "raw.events.event_date": ("event_date + 1", OLD_DAY),
    "raw.events.course_name": ("'another'", OLD_DAY),
    "raw.events.watch_minutes": (
        "watch_minutes + 0.0001",
        f"{OLD_DAY} and event_type = 'video_watch' and watch_minutes is not null",
    ),
    "raw.events.quiz_score": ("1.5", f"{OLD_DAY} and event_type = 'quiz_attempt'"),
    "raw.events.amount": ("amount + 0.0001", f"{OLD_DAY} and event_type = 'payment_success'"),
}
"""What a column becomes, in the first row for which a condition holds."""

NOT_READ = {
    "raw.users.engagement_score",
    "raw.events.event_id",
    "raw.events.event_time",
    "raw.events.course_name",
}
"""Columns that no mart depends on."""

RAW = (EVENTS, USER_CHANGES, USERS)
COLUMNS = [f"{table.name}.{name}" for table in RAW for name in table.column_names]


@pytest.fixture(scope="module")
def built(marts: dict[str, Marts]) -> Iterator[Connection]:
    """A built world and its fingerprints; its raw tables have no constraints to break."""
    with marts["defaults"].build(rich_world()) as con:
        for table in RAW:
            con.execute(f"create or replace table {table.name} as from {table.name}")
        assert find_outdated(con, marts["defaults"]), "nothing was built before"
        con.execute("delete from bookkeeping.outdated; create schema before")
        for mart in INCREMENTAL:
            con.execute(f"create table before.{mart} as from {mart}")
        yield con


@pytest.fixture
def con(built: Connection) -> Iterator[Connection]:
    """A copy of the built world."""
    [name] = built.execute("select current_database()").fetchone()
    with built.cursor() as con:
        con.execute(f"attach ':memory:' as copied; copy from database {name} to copied; use copied")
        yield con
        con.execute("use memory; detach copied")


def test_without_a_change_nothing_is_outdated(con: Connection, marts: dict[str, Marts]) -> None:
    assert not find_outdated(con, marts["defaults"])


@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_of_one_column_by_hand_is_seen(
    column: str, con: Connection, marts: dict[str, Marts]
) -> None:
    change(con, column)
    outdated = find_outdated(con, marts["defaults"])
    assert all(user_id is not None for _, user_id in outdated), "one user is not everything"
    marts["defaults"].build_models(con)
    moved = [(mart, *row) for mart in INCREMENTAL for row in moved_users(con, mart)]
    assert bool(moved) == (column not in NOT_READ)
    for mart, user_id, first_day in moved:
        redone_from = outdated.get((mart, user_id))
        assert redone_from is not None, f"user {user_id} has other rows of {mart}"
        assert redone_from <= first_day
    if column == "raw.users.engagement_score":
        assert not outdated, "no mart may read it"


@pytest.mark.parametrize("column", COLUMNS)
def test_spark_sees_it_as_well(column: str, con: Connection, marts: dict[str, Marts]) -> None:
    fingerprints = marts["defaults"].macros["fingerprints_by_day"].replace("xxhash64(", "hash(")
    before = set(con.execute(fingerprints).fetchall())
    change(con, column)
    changed = before ^ set(con.execute(fingerprints).fetchall())
    marts["defaults"].build_models(con, ["user_daily"])
    moved_days = [first_day for _, first_day in moved_users(con, "user_daily")]
    changed_days = [day for _, day, _ in changed]
    assert bool(changed) == (column != "raw.users.engagement_score")
    assert not moved_days or min(changed_days) <= min(moved_days)


def change(con: Connection, column: str) -> None:
    """Change one column in one row."""
    table, _, name = column.rpartition(".")
    value, condition = CHANGES[column]
    con.execute(
        f"""
        update {table} set {name} = {value}
        where rowid = (select min(rowid) from {table} where {condition})
        """
    )
    assert con.fetchall() == [(1,)], "no row to change"


def find_outdated(con: Connection, marts: Marts) -> dict[tuple, date | None]:
    """Run the hook; return the first day to redo by mart and user."""
    con.execute(marts.macros["find_outdated_rows"])
    found = con.execute("from bookkeeping.outdated").fetchall()
    return {
        (mart, user_id): date.min if all_days else first_day
        for mart, user_id, first_day, all_days in found
    }


def moved_users(con: Connection, mart: str) -> list[tuple]:
    """Return the users whose rows of a mart are others than before, and from which day on."""
    return con.execute(
        f"""
        select user_id, min(as_of_date) from (
            (from {mart} except all from before.{mart})
            union all
            (from before.{mart} except all from {mart})
        ) group by user_id
        """
    ).fetchall()
