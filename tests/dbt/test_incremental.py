"""An incremental build gives the bits of a full refresh, whatever happened to the raw tables.

The full refresh is the models as ``dbt compile --full-refresh`` writes them, run in memory on a
copy of the same raw tables; one test holds a real full refresh to it.
"""

from __future__ import annotations

import pytest

from generator import Settings
from generator.sinks.warehouse import generate_warehouse
from tests.dbt.warehouses import Warehouse, arrive

MARK = "update user_daily set country = 'marked' where as_of_date = date '2024-02-01'"
MARKED = "select count(*) > 0 from user_daily where country = 'marked'"
UNMARK = """
    update user_daily set country = users.country from raw.users as users
    where user_daily.user_id = users.user_id and user_daily.country = 'marked'
"""


def test_a_new_day_and_then_several_at_once_redo_no_older_row(warehouse: Warehouse) -> None:
    for days in (111, 120):
        warehouse.execute(MARK)
        arrive(warehouse.path, days)
        warehouse.run()
        assert warehouse.execute(MARKED) == [(True,)]
        warehouse.execute(UNMARK)
        warehouse.check_like_full_refresh()


def test_a_repeated_build_redoes_nothing(warehouse: Warehouse) -> None:
    by_country = ["user_daily", "user_features_daily", "training_dataset"]
    warehouse.execute(*(MARK.replace("user_daily", mart) for mart in by_country))
    warehouse.execute("update churn_labels set future_active_days = 30")
    warehouse.run()
    for mart in by_country:
        assert warehouse.execute(MARKED.replace("user_daily", mart)) == [(True,)]
    assert warehouse.execute("select min(future_active_days) from churn_labels") == [(30,)]


SIZE = """
    select estimated_size, (select count(*) from user_daily) from duckdb_tables()
    where schema_name = 'main' and table_name = 'user_daily'
"""


def test_a_mart_with_many_dead_rows_is_made_anew(warehouse: Warehouse) -> None:
    some = "user_id % 3 = 0"
    again = (
        f"create temp table moved as from user_daily where {some}",
        f"delete from user_daily where {some}",
        "insert into user_daily from moved",
    )
    warehouse.execute(MARK, *again)
    [(stored, rows)] = warehouse.execute(SIZE)
    assert 1.25 * rows < stored
    warehouse.run()
    assert warehouse.execute(MARKED) == [(False,)]
    assert warehouse.execute(SIZE) == [(rows, rows)]
    warehouse.check_like_full_refresh()


def test_a_mart_with_few_dead_rows_is_kept(warehouse: Warehouse) -> None:
    again = (
        "create temp table moved as from user_daily where user_id % 6 = 0",
        "delete from user_daily where user_id % 6 = 0",
        "insert into user_daily from moved",
    )
    warehouse.execute(MARK, *again)
    [(stored, rows)] = warehouse.execute(SIZE)
    assert rows < stored < 1.25 * rows
    warehouse.run()
    assert warehouse.execute(MARKED) == [(True,)]


def event(user: str, day: str, event_type: str = "login") -> str:
    """SQL that adds one event with measures that its type may not have."""
    return f"""
        insert into raw.events by name select
            900 as event_id, ({user}) as user_id, date '{day}' as event_date,
            timestamp '{day} 23:59:59.999999' as event_time, '{event_type}' as event_type,
            77.0625 as quiz_score, 12.3456 as watch_minutes, 0.0001 as amount
    """


def changed_event(change: str, condition: str = "true", user: str = "24") -> str:
    """SQL that changes the first event of a user in an old month for which a condition holds."""
    return f"""
        update raw.events set {change} where event_id = (
            select min(event_id) from raw.events
            where user_id = ({user}) and month(event_date) = 2 and {condition}
        )
    """


# The last day is 2024-04-28; user 1 signed up before the first day, 2024-01-10.
A_CHURNED_USER = """
    select min(user_id) from (
        from raw.events select user_id group by all having max(event_date) < date '2024-03-01'
    )
"""
A_PAYING_USER = """
    select min(user_id) from raw.events
    where event_type = 'payment_success' and month(event_date) = 2 and user_id > 30
"""
LATE_EVENT = event("1", "2024-04-18", "quiz_attempt")
CHANGES = {
    "an_event_ten_days_late": [LATE_EVENT],
    "an_event_a_hundred_days_late": [event(A_CHURNED_USER, "2024-01-19", "video_watch")],
    "a_churned_user_comes_back": [event(A_CHURNED_USER, "2024-04-28")],
    "late_users": [
        "insert into raw.users values (1000, date '2024-02-10', 'paid', 1, 'IN', 'ads', null)",
        "insert into raw.users values (1001, date '2024-02-11', 'paid', 1, 'IN', 'ads', null)",
        event("1000", "2024-02-29", "payment_success"),
    ],
    "an_earlier_first_day": [
        "insert into raw.users values (1000, date '2023-12-20', 'paid', 1, 'IN', 'ads', null)",
        event("1000", "2023-12-24"),
    ],
    "events_and_a_user_deleted_by_hand": [
        "delete from raw.events where user_id = 7 or event_date = date '2024-02-14'",
        "delete from raw.user_changes where user_id = 7",
        "delete from raw.users where user_id = 7",
    ],
    "the_last_days_deleted": ["delete from raw.events where event_date > date '2024-04-10'"],
    "measures_and_types_changed_by_hand": [
        "update raw.events set quiz_score = 0.0001 where quiz_score > 60 and user_id % 3 = 0",
        "update raw.events set event_type = 'support_ticket' where event_type = 'login'"
        " and user_id = 11",
    ],
    "every_column_of_another_user": [
        changed_event("watch_minutes = 0.0001", "event_type = 'video_watch'", "21"),
        changed_event("quiz_score = null", "event_type = 'quiz_attempt'", "22"),
        changed_event("amount = 0.5", "event_type = 'payment_success'", A_PAYING_USER),
        changed_event("event_type = 'support_ticket'", "event_type = 'login'", "23"),
        changed_event("event_time = event_time + interval '1' day, event_date = event_date + 1"),
        changed_event("user_id = 25", "event_type = 'login'", "26"),
        "update raw.users set plan = 'paid', is_paid = 1 where user_id = 27",
        "update raw.users set country = 'FR' where user_id = 28",
        "update raw.users set marketing_source = 'radio' where user_id = 29",
        "update raw.users set signup_date = signup_date - 1 where user_id = 30",
    ],
    "changes_a_hundred_days_late_and_twice": [
        "insert into raw.user_changes values"
        " (1, date '2024-01-20', 'paid', 1, 'FR', 'radio'),"
        " (1, date '2024-04-28', 'free', 0, 'FR', 'radio'),"
        " (2, date '2024-01-02', 'paid', 1, 'DE', 'ads'),"
        " (3, date '2024-06-01', 'paid', 1, 'DE', 'ads')",
    ],
    "changes_changed_and_taken_back_by_hand": [
        "update raw.user_changes set marketing_source = 'radio' where user_id % 2 = 0",
        "delete from raw.user_changes where user_id % 2 = 1",
    ],
    "a_change_and_an_event_of_one_user": [
        "insert into raw.user_changes values (1, date '2024-03-20', 'paid', 1, 'FR', 'radio')",
        LATE_EVENT,
    ],
    "users_changed_by_hand": [
        "update raw.users set country = 'FR', signup_date = date '2023-12-01' where user_id = 12",
        "update raw.events set user_id = 14 where user_id = 13 and event_date < date '2024-02-01'",
    ],
}


OF_EACH_KIND = {
    "an_event_a_hundred_days_late",
    "an_earlier_first_day",
    "events_and_a_user_deleted_by_hand",
    "every_column_of_another_user",
    "changes_changed_and_taken_back_by_hand",
}
"""One change by an event that is late, one of the window, and one of each table by hand."""


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(name, marks=() if name in OF_EACH_KIND else pytest.mark.slow)
        for name in CHANGES
    ],
)
def test_any_change_of_the_raw_tables_is_seen(change: str, warehouse: Warehouse) -> None:
    warehouse.execute(*CHANGES[change])
    warehouse.run()
    warehouse.check_like_full_refresh()


def test_a_late_change_redoes_its_user_from_its_day_on(warehouse: Warehouse) -> None:
    others = "select count(*) from user_daily where country = 'marked' and user_id != 1"
    warehouse.execute(MARK)
    marked = warehouse.execute(others)
    for day, is_kept in (("2024-02-02", True), ("2024-01-20", False)):
        warehouse.execute(
            f"insert into raw.user_changes values (1, date '{day}', 'paid', 1, 'FR', 'radio')"
        )
        warehouse.run()
        kept = "select count(*) = 1 from user_daily where country = 'marked' and user_id = 1"
        assert warehouse.execute(kept) == [(is_kept,)]
    assert warehouse.execute(others) == marked
    warehouse.execute(UNMARK)
    warehouse.check_like_full_refresh()


def test_data_replaced_and_then_emptied(warehouse: Warehouse) -> None:
    generate_warehouse(warehouse.path, Settings(n_users=60, days=90), workers=1)
    warehouse.run()
    warehouse.check_like_full_refresh()
    warehouse.execute("delete from raw.events")
    warehouse.run()
    warehouse.check_like_full_refresh(rows=False)


def test_changed_vars_and_back(warehouse: Warehouse) -> None:
    for given in ("fixed_ends", "defaults"):
        warehouse.run(given=given)
        warehouse.check_like_full_refresh(given)


def test_a_build_of_some_models_leaves_no_gap_in_the_others(warehouse: Warehouse) -> None:
    warehouse.execute(LATE_EVENT)
    warehouse.run("--select", "user_features_daily")
    warehouse.run()
    warehouse.check_like_full_refresh()


@pytest.mark.parametrize("change", ["add column extra integer", "drop column watch_minutes_sum"])
def test_a_mart_with_other_columns_fails_and_says_what_to_do(
    change: str, warehouse: Warehouse
) -> None:
    warehouse.execute(f"alter table user_daily {change}")
    done = warehouse.dbt("run")
    assert done.returncode == 1
    assert "--full-refresh" in done.stdout


def test_a_full_refresh_mends_a_mart_and_gives_the_same_bits(warehouse: Warehouse) -> None:
    warehouse.execute("alter table user_daily add column extra integer")
    warehouse.run("--full-refresh")
    warehouse.check_like_full_refresh()
