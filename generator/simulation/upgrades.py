"""Where upgrades are decided: which free users become paid, and on which day."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from generator.settings import Settings
from generator.simulation.arrays import Bools, Ints
from generator.simulation.churn import NEVER, Churn
from generator.simulation.streams import BLOCK_USERS, Streams
from generator.simulation.users import Users


class Upgrades(NamedTuple):
    """Upgrades of one block of users; every array has shape (BLOCK_USERS,)."""

    happens: Bools
    day: Ints
    """Days from start_date to the first day on the paid plan; NEVER without an upgrade."""


def draw_upgrades(settings: Settings, users: Users, churn: Churn, stream: Streams) -> Upgrades:
    """Decide which free users become paid within the window, and when.

    The day is uniform from the second day of the window to its last; one on or after the churn
    date does not happen. A window of one day has no such day.
    """
    draws = stream("upgrade").random(BLOCK_USERS) < settings.upgrade_rate
    day = stream("upgrade_day").integers(1, max(settings.days, 2), size=BLOCK_USERS)
    happens = draws & ~users.is_paid & (day < np.minimum(churn.churn_day, settings.days))
    return Upgrades(happens, np.where(happens, day, NEVER))
