"""The whole history of one block of users: every decision in turn, then events in order of time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from generator.errors import ElearnError
from generator.settings import Settings
from generator.simulation.account import AccountEvents
from generator.simulation.activity import (
    active_probability,
    draw_active,
    draw_further_counts,
)
from generator.simulation.arrays import Array, Bools, Floats, Ints
from generator.simulation.billing import draw_payments
from generator.simulation.churn import Churn, draw_churn
from generator.simulation.clock import SECONDS_PER_DAY, draw_further_seconds, draw_login_seconds
from generator.simulation.courses import draw_learning
from generator.simulation.event_types import LOGIN
from generator.simulation.streams import BLOCK_USERS, Streams, streams_of
from generator.simulation.support import draw_tickets
from generator.simulation.upgrades import Upgrades, draw_upgrades
from generator.simulation.users import Users, draw_users

IDS_PER_USER = 100_000
"""event_id = user_id * IDS_PER_USER + position in the user's history."""


class Events(NamedTuple):
    """Events of one block, in order of user and time; every array has one entry an event."""

    user: Ints
    """Index of the user in the block."""
    second: Ints
    """Seconds since the start of the window."""
    event_type: Ints
    """Index into EVENT_TYPES."""
    course: Ints
    """Index into COURSES, -1 for none."""
    watch_minutes: Floats
    quiz_score: Floats
    amount: Floats

    def take(self, selected: Ints | Bools) -> Events:
        """Return the selected events."""
        return Events._make(column[selected] for column in self)


class Block(NamedTuple):
    """Everything about one block of users."""

    users: Users
    churn: Churn
    upgrades: Upgrades
    events: Events


def simulate_block(settings: Settings, block: int) -> Block:
    """Simulate one whole block of BLOCK_USERS users, whatever n_users is."""
    return simulate_with(settings, block, streams_of(settings.seed, block))


def simulate_with(settings: Settings, block: int, stream: Streams) -> Block:
    """Simulate one block from the given streams."""
    users = draw_users(settings, block, stream)
    churn = draw_churn(settings, users, stream)
    upgrades = draw_upgrades(settings, users, churn, stream)
    active = draw_active(settings, active_probability(settings, users, churn), stream)
    learning = draw_engagement(settings, users, active, stream)
    payments = draw_payments(settings, users, churn, upgrades, stream)
    account = AccountEvents.concatenate([payments, draw_tickets(active, churn, stream)])
    return Block(users, churn, upgrades, merge(learning, account))


def draw_engagement(settings: Settings, users: Users, active: Bools, stream: Streams) -> Events:
    """Draw the logins and what follows them, in order of user and time.

    A day without activity has none of these, so that all of them end with the churn date.
    """
    further = draw_further_counts(settings, users, active, stream)
    active_user, active_day = np.nonzero(active)
    login_second = draw_login_seconds(further.size, stream)
    per_user = np.bincount(active_user, weights=further, minlength=BLOCK_USERS).astype(np.int64)
    learning = draw_learning(users, per_user, stream)

    per_day = further + 1
    login = np.cumsum(per_day) - per_day  # where each day's login stands among all events
    follows = np.ones(int(per_day.sum()), dtype=bool)
    follows[login] = False
    second = np.empty(follows.size, dtype=np.int64)
    second[login] = login_second
    second[follows] = draw_further_seconds(login_second, further, stream)
    return Events(
        user=np.repeat(active_user, per_day),
        second=np.repeat(active_day, per_day) * SECONDS_PER_DAY + second,
        event_type=_spread(learning.event_type, follows, LOGIN),
        course=_spread(learning.course, follows, -1),
        watch_minutes=_spread(learning.watch_minutes, follows, np.nan),
        quiz_score=_spread(learning.quiz_score, follows, np.nan),
        amount=np.full(follows.size, np.nan),
    )


def merge(learning: Events, account: AccountEvents) -> Events:
    """Join logins and learning with payments and tickets, in order of user and time.

    Of events in the same second, the login or learning stands first, then payments, then tickets.
    """
    size = account.user.size
    none = np.full(size, np.nan)
    no_course = np.full(size, -1, dtype=np.int8)
    added = Events(
        account.user, account.second, account.event_type, no_course, none, none, account.amount
    )
    span = 1 + max(int(part.second.max(initial=0)) for part in (learning, added))
    added = added.take(np.argsort(added.user * span + added.second, kind="stable"))
    # The few are put between the many, which stand in order: much faster than to sort them all.
    place = np.searchsorted(
        learning.user * span + learning.second, added.user * span + added.second, side="right"
    )
    columns = zip(learning, added, strict=True)
    return Events._make(np.insert(many, place, few) for many, few in columns)


def event_ids(user_id: Ints) -> Ints:
    """Return the ids of events in order of user and time.

    Parameters
    ----------
    user_id
        The user of each event; users stand together.

    Raises
    ------
    ElearnError
        Names the user whose history is longer than the ids reserved for it.
    """
    starts = np.flatnonzero(np.diff(user_id, prepend=-1))
    sizes = np.diff(starts, append=user_id.size)
    if sizes.size and sizes.max() > IDS_PER_USER:
        user = int(user_id[starts[sizes.argmax()]])
        raise ElearnError(
            f"user {user} has {sizes.max()} events, more than the {IDS_PER_USER} ids a user has;"
            " simulate fewer days"
        )
    position = np.arange(user_id.size) - np.repeat(starts, sizes)
    return user_id.astype(np.int64) * IDS_PER_USER + position


def _spread(values: Array, where: Bools, otherwise: float) -> Array:
    """Return an array with the values at the marked places and a constant at the others."""
    spread = np.full(where.size, otherwise, dtype=values.dtype)
    spread[where] = values
    return spread
