"""On which days a user is active, and how many events an active day has."""

from __future__ import annotations

import numpy as np

from generator.settings import Settings
from generator.simulation.arrays import Bools, Floats, Ints
from generator.simulation.churn import Churn
from generator.simulation.streams import BLOCK_USERS, Streams
from generator.simulation.users import Users

WEEKDAY_FACTOR = 1.2
"""Active days are that much more frequent Monday to Friday."""
FADE_DAYS = 14
"""Days before the churn date on which activity fades."""
FADED_SHARE = 0.25
"""What is left of the activity on the day before the churn."""


def active_probability(settings: Settings, users: Users, churn: Churn) -> Floats:
    """Return the probability of an active day, shape (BLOCK_USERS, days).

    ``0.5 + 0.3 * engagement``, times 1.2 Monday to Friday, at most 1; fading before the churn
    date and 0 from it on.
    """
    day = np.arange(settings.days)
    probability = usual_probability(users.treated_engagement[:, None], is_weekend(settings, day))
    churns = np.flatnonzero(churn.churns)
    probability[churns] *= fade(churn.churn_day[churns, None] - day)
    return probability


def usual_probability(treated_engagement: Floats, weekend: Bools) -> Floats:
    """Return the probability of an active day that no churn is near to, of any broadcast shape."""
    factor = np.where(weekend, 1.0, WEEKDAY_FACTOR)
    return np.minimum((0.5 + 0.3 * treated_engagement) * factor, 1.0)


def is_weekend(settings: Settings, day: Ints) -> Bools:
    """Tell which days, counted from start_date, are a Saturday or a Sunday."""
    return (settings.start_date.weekday() + day) % 7 >= 5


def fade(days_to_churn: Ints) -> Floats:
    """Return the share of the usual activity so many days before the churn date.

    1 until 15 days ahead, then linear down to a quarter one day ahead; 0 from the churn date on.
    """
    left = FADED_SHARE + (1 - FADED_SHARE) * (days_to_churn - 1) / FADE_DAYS
    return np.where(days_to_churn < 1, 0.0, np.minimum(left, 1.0))


def draw_active(settings: Settings, probability: Floats, stream: Streams) -> Bools:
    """Draw the active days, shape (BLOCK_USERS, days)."""
    return stream("active_day").random((BLOCK_USERS, settings.days)) < probability


def draw_further_counts(settings: Settings, users: Users, active: Bools, stream: Streams) -> Ints:
    """Draw how many events follow the login of each active day: Poisson(2 * engagement).

    Returns the counts of the active days in user and day order, shape (active days,). Every cell
    of the grid owns one uniform number, turned into a count by inverting the distribution: a
    user's counts then do not depend on anybody else's engagement.
    """
    uniform = stream("further_events").random((BLOCK_USERS, settings.days))[active]
    rate = np.repeat(further_rate(users.treated_engagement), active.sum(axis=1))
    return poisson_quantile(uniform, rate)


def further_rate(treated_engagement: Floats) -> Floats:
    """Return the mean number of events that follow the login of an active day."""
    return 2 * treated_engagement


def poisson_quantile(uniform: Floats, rate: Floats) -> Ints:
    """Return the Poisson quantiles of uniform numbers in [0, 1), shape and order as given."""
    counts = np.zeros(uniform.shape, dtype=np.int64)
    open_index = np.arange(uniform.size)  # cells whose count is not settled yet
    mass = np.exp(-rate)
    cumulated = mass.copy()
    k = 0
    while True:
        # mass > 0 ends the search where rounding leaves the sum below a uniform close to 1
        still_open = (uniform >= cumulated) & (mass > 1e-18)
        if not still_open.any():
            return counts
        k += 1
        open_index, uniform, rate = open_index[still_open], uniform[still_open], rate[still_open]
        mass = mass[still_open] * rate / k
        cumulated = cumulated[still_open] + mass
        counts[open_index] = k
