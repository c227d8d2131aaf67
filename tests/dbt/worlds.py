"""Small random worlds, drawn where the marts can go wrong.

A user's events come in sessions: a few kinds of events, repeated every so many days. That makes
runs of days and holes between them out of few draws, so that failures shrink to something readable.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random

from hypothesis import strategies as st

from generator.vocabulary import EVENT_TYPES, PAYMENT_TYPES
from tests.dbt.judge import Event, User, UserChange, Vars, World

# The worlds start around the leap day of 2024, so that the vars' fixed days fall before, into and
# after their events.
FIRST_START, LAST_START = date(2024, 1, 5), date(2024, 3, 10)
MOST_DAYS = 95
TIMES = [time(0, 0, 0), time(23, 59, 59, 999999), time(12, 0, 0), time(12, 0, 0, 1)]

VARS = {
    "defaults": Vars(),
    "a_label_window_of_one_day": Vars(label_window_days=1, eligible_within_days=1),
    "fixed_ends": Vars(
        first_day=date(2024, 2, 20), last_day=date(2024, 4, 5), label_window_days=10
    ),
    "labels_ahead": Vars(label_window_days=9, label_gap_days=5, eligible_within_days=45),
    "other_engagement": Vars(
        last_day=date(2024, 3, 31),
        label_window_days=31,
        engagement_event_types=("login", "payment_success"),
        eligible_within_days=1,
        include_inactive_users=True,
    ),
}


def decimals(most: int) -> st.SearchStrategy[float]:
    """Numbers from 0 with at most four decimals, often whole or the smallest or the largest."""
    ends = st.sampled_from([0, 1, 9999, 10_000, most * 10_000])
    return (ends | st.integers(0, most * 10_000)).map(lambda number: number / 10_000)


@st.composite
def kinds(draw: st.DrawFn) -> tuple:
    """One kind of event: a type, a time and measures, on types they do not belong to as well."""
    event_type = draw(st.sampled_from(EVENT_TYPES))
    amounts = decimals(10**9).map(lambda amount: max(amount, 0.0001))
    amount = draw(amounts if event_type in PAYMENT_TYPES else st.none() | amounts)
    return (
        event_type,
        draw(st.sampled_from(TIMES)),
        draw(st.none() | decimals(60) | decimals(10**6)),
        draw(st.none() | decimals(100)),
        amount,
    )


@st.composite
def sessions(draw: st.DrawFn, user_id: int, first: date, last: date) -> list[Event]:
    """Events of one user on every few days of a span, without ids."""
    span = (last - first).days
    start = draw(st.integers(0, span))
    times = draw(st.integers(1, 12))
    step = draw(st.sampled_from([1, 1, 2, 7, 29, 30, 31]))
    days = [first + timedelta(days=start + step * number) for number in range(times)]
    drawn = draw(st.lists(kinds(), min_size=1, max_size=4))
    return [
        Event(0, user_id, datetime.combine(day, clock), event_type, day, None, *numbers)
        for day in days
        if day <= last
        for event_type, clock, *numbers in drawn
    ]


@st.composite
def users(draw: st.DrawFn, user_id: int, start: date, days: int) -> User:
    plan = draw(st.sampled_from(["free", "paid"]))
    signup = start + timedelta(days=draw(st.integers(-40, days + 5)))
    country = draw(st.sampled_from(["IN", "Côte d'Ivoire"]))
    score = draw(st.none() | st.sampled_from([0.0, 0.5, 1.0]))
    return User(user_id, signup, plan, int(plan == "paid"), country, "ads", score)


@st.composite
def changes(draw: st.DrawFn, user: User, days: int) -> list[UserChange]:
    """What becomes of one user, often on two days in a row, in no order."""
    numbers = st.integers(1, 4) | st.integers(1, days + 45)
    drawn = draw(st.lists(numbers, max_size=4, unique=True))
    return [
        UserChange(
            user.user_id,
            user.signup_date + timedelta(days=number),
            plan := draw(st.sampled_from(["free", "paid"])),
            int(plan == "paid"),
            draw(st.sampled_from(["IN", "FR"])),
            draw(st.sampled_from(["ads", "radio"])),
        )
        for number in drawn
    ]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A few users and their events in up to ``MOST_DAYS`` days, in no order."""
    start = draw(st.dates(FIRST_START, LAST_START))
    days = draw(st.integers(1, MOST_DAYS))
    last = start + timedelta(days=days - 1)
    ids = draw(st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=4, unique=True))
    drawn = [draw(users(user_id, start, days)) for user_id in ids]
    events: list[Event] = []
    for user in drawn:
        first = max(user.signup_date, start)
        if first <= last:
            for session in draw(st.lists(sessions(user.user_id, first, last), max_size=4)):
                events += session
    changed = [change for user in drawn for change in draw(changes(user, days))]
    return World(tuple(drawn), numbered(events), tuple(changed))


def numbered(events: list[Event]) -> tuple[Event, ...]:
    """Give the events ids and shuffle them: no mart may depend on either."""
    shuffled = Random(len(events)).sample(events, len(events))
    return tuple(event._replace(event_id=2**40 + number) for number, event in enumerate(shuffled))
