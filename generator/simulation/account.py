"""Events around the account, payments and tickets: at any hour of opening, and without a course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from generator.simulation.arrays import Bools, Floats, Ints
from generator.simulation.clock import SECONDS_PER_DAY, draw_account_seconds


class AccountEvents(NamedTuple):
    """Payments or tickets of one block; every array has one entry an event."""

    user: Ints
    """Index of the user in the block."""
    second: Ints
    """Seconds since the start of the window."""
    event_type: Ints
    amount: Floats
    """NaN unless a payment."""

    @classmethod
    def concatenate(cls, parts: Sequence[AccountEvents]) -> AccountEvents:
        """Join several sets of events, in the order given."""
        return cls._make(map(np.concatenate, zip(*parts, strict=True)))


def account_events(
    happens: Bools,
    day: Ints,
    event_type: Ints | int,
    time_stream: np.random.Generator,
    amount: float = np.nan,
) -> AccountEvents:
    """Return the events of those cells where something happens, each at a time of its own.

    Parameters
    ----------
    happens
        Where there is an event; the first axis is the user.
    day, event_type
        Days from start_date and codes of the events, broadcast to the shape of ``happens``.
    time_stream
        Draws the time of day.
    amount
        Amount of every event, NaN for none.
    """
    user = np.nonzero(happens)[0]
    days = np.broadcast_to(day, happens.shape)[happens].astype(np.int64)
    return AccountEvents(
        user=user,
        second=days * SECONDS_PER_DAY + draw_account_seconds(user.size, time_stream),
        event_type=np.broadcast_to(event_type, happens.shape)[happens].astype(np.int8),
        amount=np.full(user.size, amount),
    )
