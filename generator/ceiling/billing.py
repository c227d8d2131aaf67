"""How likely the charges and the upgrade of a day are for a user who has not left yet.

A user who has left is charged nothing and upgrades no more, so these factors are what the silence
of an account tells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from generator.ceiling.histories import Histories
from generator.settings import Settings
from generator.simulation.arrays import Bools, Floats, Ints
from generator.simulation.billing import LONGEST_RETRY_DAYS, renewal_days
from generator.simulation.churn import NEVER


class Charges(NamedTuple):
    """What a block's charges were, shape (users, days)."""

    is_paid: Bools
    """Whether the user is on the paid plan."""
    is_due: Bools
    regular_failed: Bools
    """The charge of that day failed, so that a retry follows."""
    retried: Bools
    signals: Ints
    """Failed charges beside the regular ones: those that announce a churn."""
    impossible: Bools
    """Charges that nobody can have."""


def read_charges(settings: Settings, histories: Histories) -> Charges:
    """Tell regular charges, retries and signals apart."""
    day = np.arange(histories.days)
    is_paid = histories.paid_from[:, None] <= day
    is_due = due_days(settings, histories)
    charges = histories.succeeded + histories.failed
    signals = np.where(is_due, np.maximum(charges - 1, 0), histories.failed)
    return Charges(
        is_paid=is_paid,
        is_due=is_due,
        regular_failed=is_due & (histories.succeeded == 0) & (histories.failed > 0),
        retried=~is_due & (histories.succeeded > 0),
        signals=signals,
        impossible=(histories.succeeded > 1) | ((charges > 0) & ~is_paid),
    )


def due_days(settings: Settings, histories: Histories) -> Bools:
    """Tell on which days a user who has not left is charged, shape (users, days)."""
    is_due = np.zeros(histories.active.shape, dtype=bool)
    billed = np.flatnonzero(histories.paid_from != NEVER)
    day = renewal_days(settings, histories.paid_from[billed])
    within = (day >= 0) & (day < histories.days)
    user = np.broadcast_to(billed[:, None], day.shape)
    is_due[user[within], day[within]] = True
    return is_due


def stay_likelihood(settings: Settings, histories: Histories, charges: Charges) -> Floats:
    """Return the likelihood of each day's account events for a user who stays, (users, days).

    Factors that are the same for everybody who left a trace that day are left out.
    """
    comes = (histories.succeeded + histories.failed) > 0
    possible = ~charges.impossible & ~(charges.is_due & ~comes)
    return possible * retry_likelihood(charges) * upgrade_likelihood(settings, histories)


def retry_likelihood(charges: Charges) -> Floats:
    """Return the likelihood that a retry came or did not, shape (users, days).

    It comes 1 to LONGEST_RETRY_DAYS days after the failed charge, uniformly.
    """
    likelihood = np.where(charges.retried, 0.0, 1.0)  # a retry of nothing is impossible
    pending = charges.regular_failed
    for wait in range(1, LONGEST_RETRY_DAYS + 1):
        pending = np.pad(pending, ((0, 0), (1, 0)))[:, :-1]
        hazard = 1 / (LONGEST_RETRY_DAYS + 1 - wait)
        of_pending = np.where(charges.retried, hazard, 1 - hazard)
        likelihood = np.where(pending, of_pending, likelihood)
        pending = pending & ~charges.retried
    return likelihood


def upgrade_likelihood(settings: Settings, histories: Histories) -> Floats:
    """Return the likelihood that an upgrade came or did not, shape (users, days)."""
    day = np.arange(histories.days)
    per_day = settings.upgrade_rate / max(settings.days - 1, 1)
    # Of those who did not upgrade before; day 0 has no upgrade.
    left = 1 - per_day * np.maximum(day - 1, 0)
    hazard = np.where(day > 0, per_day / left, 0.0)
    upgrade_day = histories.upgrade_day[:, None]
    likelihood = np.where(upgrade_day == day, hazard, np.where(upgrade_day > day, 1 - hazard, 1.0))
    # Who pays from the start cannot upgrade.
    return np.where(histories.is_paid[:, None], upgrade_day != day, likelihood)
