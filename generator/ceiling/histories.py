"""What is visible of a block of users, as arrays over users and simulated days."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from generator.simulation.arrays import Bools, Floats, Ints


class Quizzes(NamedTuple):
    """Scores of one block, in order of user and day; every array has one entry an attempt."""

    user: Ints
    """Index of the user in the block."""
    day: Ints
    score: Floats


class Histories(NamedTuple):
    """All that is visible of one block of users.

    Arrays by user have shape (users,), arrays by day (users, loaded days); days count from
    start_date.
    """

    user_id: Ints
    signup_day: Ints
    is_paid: Bools
    """Plan at signup."""
    is_treated: Bools
    upgrade_day: Ints
    """Day on which a free user became paid, NEVER for none."""
    active: Bools
    further: Ints
    """Events that follow the login of an active day."""
    succeeded: Ints
    """Charges that succeeded."""
    failed: Ints
    """Charges that failed."""
    tickets: Ints
    quizzes: Quizzes

    @property
    def days(self) -> int:
        """Number of days that are loaded."""
        return int(self.active.shape[1])

    @property
    def quiet(self) -> Bools:
        """Days on which the user leaves no trace at all."""
        account = (self.succeeded + self.failed + self.tickets) > 0
        upgrades = self.upgrade_day[:, None] == np.arange(self.days)
        quiet: Bools = ~(self.active | account | upgrades)
        return quiet

    @property
    def paid_from(self) -> Ints:
        """The day that charges count from: of the signup or of the upgrade; NEVER for none."""
        return np.where(self.is_paid, self.signup_day, self.upgrade_day)

    def take(self, users: Ints) -> Histories:
        """Return the histories of some users, given by their indices in ascending order."""
        place = np.full(self.user_id.size, -1)
        place[users] = np.arange(users.size)
        wanted = place[self.quizzes.user] >= 0
        quizzes = Quizzes._make(column[wanted] for column in self.quizzes)
        by_user = {name: getattr(self, name)[users] for name in self._fields if name != "quizzes"}
        return Histories(**by_user, quizzes=quizzes._replace(user=place[quizzes.user]))
