"""What lies after a day leaves its features alone, what lies before leaves its labels alone.

Only the engagement of the days before decides who is eligible, so the labels are compared in
churn_labels, where every observed user-day stands.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from hypothesis import assume
from hypothesis import strategies as st

from generator.vocabulary import EVENT_TYPES
from tests.dbt.judge import Event, UserChange, World
from tests.dbt.marts import Marts
from tests.dbt.worlds import VARS, worlds
from tests.drawing import drawn

Change = Callable[[Random, list[Event]], list[Event]]


def delete_all(random: Random, events: list[Event]) -> list[Event]:
    return []


def delete_some(random: Random, events: list[Event]) -> list[Event]:
    return random.sample(events, len(events) // 2)


def scramble(random: Random, events: list[Event]) -> list[Event]:
    """Give every event another type and other measures."""
    return [
        event._replace(
            event_type=random.choice(EVENT_TYPES),
            watch_minutes=random.randrange(10**7) / 10**4,
            quiz_score=None if random.random() < 0.5 else random.randrange(10**6) / 10**4,
            amount=random.randrange(1, 10**13) / 10**4,
        )
        for event in events
    ]


def add(random: Random, events: list[Event]) -> list[Event]:
    """Put a login and a paid invoice beside every event."""
    logins = [event._replace(event_type="login") for event in events]
    invoices = [event._replace(event_type="payment_success", amount=0.5) for event in events]
    added = enumerate(logins + invoices)
    return events + [event._replace(event_id=2**50 + number) for number, event in added]


def gather(random: Random, events: list[Event]) -> list[Event]:
    """Move all events of a user to the moment of one of them."""
    moments = {
        event.user_id: {"event_time": event.event_time, "event_date": event.event_date}
        for event in events
    }
    return [event._replace(**moments[event.user_id]) for event in events]


CHANGES = st.sampled_from([delete_all, delete_some, scramble, add, gather])
UPGRADES = st.lists(
    st.sampled_from([(1, "paid", 1), (2, "free", 0), (40, "paid", 1)]), max_size=2, unique=True
)


@drawn(world=worlds(), change=CHANGES, data=st.data())
def test_nothing_after_a_day_moves_its_features(
    world: World, change: Change, data: st.DataObject, marts: dict[str, Marts]
) -> None:
    day = draw_day(world, data)
    changed = with_changed(world, change, data, lambda event: event.event_date > day)
    by_day = ("user_daily", "user_features_daily")
    rows = dict.fromkeys(by_day, f"as_of_date <= date '{day}'")
    check_same_rows(marts["defaults"], world, changed, rows)


@drawn(world=worlds(), data=st.data())
def test_what_becomes_of_a_user_after_a_day_moves_nothing_at_that_day(
    world: World, data: st.DataObject, marts: dict[str, Marts]
) -> None:
    day = draw_day(world, data)
    known = [change for change in world.changes if change.valid_from <= day]
    later = [
        UserChange(
            user.user_id, max(day, user.signup_date) + timedelta(days=ahead), plan, paid, "X", "y"
        )
        for user in world.users
        for ahead, plan, paid in data.draw(UPGRADES, label="later changes")
    ]
    assume({*known, *later} != {*world.changes})
    changed = world._replace(changes=(*known, *later))
    by_day = ("user_daily", "user_features_daily", "training_dataset")
    rows = dict.fromkeys(by_day, f"as_of_date <= date '{day}'")
    rows |= {"activity_periods": f"period_start <= date '{day}'"}
    check_same_rows(marts["defaults"], world, changed, rows)


@drawn(world=worlds(), change=CHANGES, data=st.data())
def test_nothing_up_to_a_day_moves_its_labels(
    world: World, change: Change, data: st.DataObject, marts: dict[str, Marts]
) -> None:
    day = draw_day(world, data)
    changed = with_changed(world, change, data, lambda event: event.event_date <= day)
    rows = {"churn_labels": f"as_of_date >= date '{day}'"}
    check_same_rows(marts["defaults"], world, changed, rows)


@drawn(world=worlds(), change=CHANGES, data=st.data())
def test_nothing_after_the_label_window_moves_a_label(
    world: World, change: Change, data: st.DataObject, marts: dict[str, Marts]
) -> None:
    day = draw_day(world, data)
    changed = with_changed(world, change, data, lambda event: event.event_date > day)
    rows = {"churn_labels": f"as_of_date + 30 <= date '{day}'"}
    check_same_rows(marts["defaults"], world, changed, rows)


@drawn(world=worlds(), change=CHANGES, data=st.data())
def test_nothing_in_the_gap_moves_a_label(
    world: World, change: Change, data: st.DataObject, marts: dict[str, Marts]
) -> None:
    day = draw_day(world, data)
    end = day + timedelta(days=VARS["labels_ahead"].label_gap_days)
    changed = with_changed(world, change, data, lambda event: day < event.event_date <= end)
    rows = {"churn_labels": f"as_of_date = date '{day}'"}
    check_same_rows(marts["labels_ahead"], world, changed, rows)


def draw_day(world: World, data: st.DataObject) -> date:
    """Draw a day of the observation window but its last."""
    dates = [event.event_date for event in world.events]
    assume(len(set(dates)) > 1)
    return data.draw(st.dates(min(dates), max(dates) - timedelta(days=1)), label="day")


def with_changed(
    world: World, change: Change, data: st.DataObject, is_changed: Callable[[Event], bool]
) -> World:
    """Change the chosen events, but for one on either end of the observation window."""
    by_day = sorted(world.events, key=lambda event: event.event_date)
    anchors = {by_day[0], by_day[-1]}
    chosen = [event for event in world.events if is_changed(event) and event not in anchors]
    assume(chosen)
    seed = data.draw(st.integers(0, 2**32), label="seed of the change")
    kept = [event for event in world.events if event not in chosen]
    return world._replace(events=(*kept, *change(Random(seed), chosen)))


def check_same_rows(marts: Marts, world: World, changed: World, rows: dict[str, str]) -> None:
    """Hold two worlds to the same rows: those of each mart for which a condition holds."""
    found = []
    for each in (world, changed):
        with marts.build(each, 1, *rows) as con:
            queries = [f"from {mart} where {rows[mart]} order by all" for mart in rows]
            found.append([list(map(repr, con.execute(query).fetchall())) for query in queries])
    before, after = found
    assert after == before
