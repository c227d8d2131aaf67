"""Where churn is decided: who churns, with which probability, and on which day."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from generator.settings import Settings
from generator.simulation.arrays import Bools, Floats, Ints
from generator.simulation.streams import BLOCK_USERS, Streams
from generator.simulation.users import Users

PAID_FACTOR = 0.9
"""Users who pay churn a tenth less often."""

NEVER = 2**31 - 1
"""The churn_day of a user who does not churn: later than any window."""


class Churn(NamedTuple):
    """Churn of one block of users; every array has shape (BLOCK_USERS,)."""

    probability: Floats
    churns: Bools
    churn_day: Ints
    """Days from start_date to the first day without the user; NEVER for those who stay."""


def churn_day_range(days: int) -> tuple[int, int]:
    """Return the half-open range ``[first, end)`` of churn days in a window of so many days.

    A churn before day 7 would leave no history, one in the last 30 days could not be told from
    a pause; a window too short for both keeps the first rule as far as it can.
    """
    first, end = 7, days - 30
    return (first, end) if first < end else (min(7, days - 1), days)


def churn_probability(settings: Settings, treated_engagement: Floats, is_paid: Bools) -> Floats:
    """Return the probability of a churn within the window, of any broadcast shape."""
    probability = settings.churn_base_rate * (1 - treated_engagement)
    return probability * np.where(is_paid, PAID_FACTOR, 1.0)


def draw_churn(settings: Settings, users: Users, stream: Streams) -> Churn:
    """Decide who churns and when."""
    probability = churn_probability(settings, users.treated_engagement, users.is_paid)
    churns = stream("churn").random(BLOCK_USERS) < probability
    churn_day = stream("churn_date").integers(*churn_day_range(settings.days), size=BLOCK_USERS)
    return Churn(probability, churns, np.where(churns, churn_day, NEVER))
