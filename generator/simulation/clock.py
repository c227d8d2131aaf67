"""At which time of day an event falls; times are whole seconds after midnight."""

from __future__ import annotations

import numpy as np

from generator.simulation.arrays import Ints
from generator.simulation.streams import Streams

SECONDS_PER_DAY = 86_400
OPENING = 7 * 3600
"""Nothing happens before 07:00."""
LAST_LOGIN = 23 * 3600
"""Logins end at 23:00, so that an hour is left for what follows."""
LAST_SECOND = SECONDS_PER_DAY - 1
SHORTEST_GAP, LONGEST_GAP = 60, 2400
"""Seconds between the events of a day: one minute to forty, where the day has room."""


def draw_login_seconds(active_days: int, stream: Streams) -> Ints:
    """Draw the login time of each active day, uniform over 07:00 to 23:00."""
    return stream("login_time").integers(OPENING, LAST_LOGIN, size=active_days)


def draw_further_seconds(login_second: Ints, further: Ints, stream: Streams) -> Ints:
    """Draw the times of the events after each login, strictly increasing, before midnight.

    Parameters
    ----------
    login_second, further
        Per active day: the second of its login and how many events follow; shape (active days,).

    Returns
    -------
    Ints
        Seconds after midnight in order of day and event, shape (further.sum(),).

    Notes
    -----
    Gaps are uniform between a minute and forty. Where they would pass midnight, what each has
    over one second shrinks by the same factor.
    """
    gaps = stream("event_gap").integers(SHORTEST_GAP, LONGEST_GAP + 1, size=int(further.sum()))
    day = np.repeat(np.arange(further.size), further)
    offset, position = grouped_cumsum(gaps, further)
    total = np.bincount(day, weights=gaps, minlength=further.size)
    room = LAST_SECOND - login_second
    shrink = np.where(total > room, (room - further) / np.maximum(total - further, 1), 1.0)
    spare = np.floor((offset - position) * shrink[day]).astype(np.int64)
    seconds: Ints = login_second[day] + position + spare
    return seconds


def draw_account_seconds(size: int, time_stream: np.random.Generator) -> Ints:
    """Draw times of payments or tickets, uniform over 07:00:00 to 23:59:59."""
    return time_stream.integers(OPENING, SECONDS_PER_DAY, size=size)


def grouped_cumsum(values: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """Return the running sum within groups of consecutive values, and each position from 1."""
    ends = np.cumsum(sizes)
    first = np.repeat(ends - sizes, sizes)
    cumulated = np.cumsum(values)
    before = np.concatenate(([0], cumulated))[first]
    return cumulated - before, np.arange(1, values.size + 1) - first
