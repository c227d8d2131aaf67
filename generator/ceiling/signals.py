"""How likely the failed payments and tickets are that announce a churn.

A churn on day c may be announced once by each, on a day between ``ahead`` days before c. What has
come cannot come again; what has not come speaks against a churn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from generator.ceiling.billing import Charges
from generator.ceiling.histories import Histories
from generator.simulation import billing, support
from generator.simulation.activity import FADE_DAYS
from generator.simulation.arrays import Bools, Floats, Ints

DAYS_AHEAD = max(FADE_DAYS, billing.SIGNAL_DAYS_AHEAD[1], support.SIGNAL_DAYS_AHEAD[1])
"""Most days before the churn date on which anything may tell of it."""


class SignalLikelihood(NamedTuple):
    """Likelihood of the signals in the first i days; those of all churn days have one scale."""

    near: Floats
    """For a churn on day ``i - 1 + k``, k from 1 on: shape (users, 1 + days, DAYS_AHEAD)."""
    far: Floats
    """For a later churn or none: shape (users, 1 + days)."""


def signal_likelihood(histories: Histories, charges: Charges) -> SignalLikelihood:
    """Return the likelihood of both signals together."""
    parts = [payment_likelihood(charges), ticket_likelihood(histories)]
    return SignalLikelihood(parts[0].near * parts[1].near, parts[0].far * parts[1].far)


def payment_likelihood(charges: Charges) -> SignalLikelihood:
    """Return the likelihood of the failed charges that are not regular ones."""
    nothing = np.zeros_like(charges.signals)
    return one_signal(
        charges.signals,
        nothing,
        charges.is_paid,
        share=billing.SIGNAL_SHARE,
        ahead=billing.SIGNAL_DAYS_AHEAD,
        odds=0.0,
    )


def ticket_likelihood(histories: Histories) -> SignalLikelihood:
    """Return the likelihood of the tickets.

    Anyone may open one on an active day; a second one on that day, or one on a day that is not
    active, must be a signal.
    """
    must = np.maximum(histories.tickets - histories.active, 0)
    may = histories.active & (histories.tickets == 1)
    return one_signal(
        must,
        may,
        np.ones_like(histories.active),
        share=support.SIGNAL_SHARE,
        ahead=support.SIGNAL_DAYS_AHEAD,
        odds=(1 - support.BASE_RATE) / support.BASE_RATE,
    )


def one_signal(
    must: Ints,
    may: Ints | Bools,
    possible: Bools,
    *,
    share: float,
    ahead: tuple[int, int],
    odds: float,
) -> SignalLikelihood:
    """Return the likelihood of a signal that comes at most once.

    Parameters
    ----------
    must, may
        Events of each day that can be nothing but a signal, and those that may be one; shape
        (users, days).
    possible
        Days on which a signal may be.
    share
        Probability that a churn is announced.
    ahead
        First and last day before the churn date on which that may be, uniformly.
    odds
        How much likelier the other events of a day get when one of ``may`` is a signal.
    """
    first, last = ahead
    known = np.arange(must.shape[1] + 1)[:, None]
    churn_day = known - 1 + np.arange(1, DAYS_AHEAD + 1)
    begin = np.clip(churn_day - last, 0, known)
    end = np.maximum(np.minimum(churn_day - first + 1, known), begin)
    must_sum, may_sum, possible_sum = map(_summed, (must, may, possible))
    per_day = share / (last - first + 1)
    announced = must_sum[:, end] - must_sum[:, begin]
    unannounced = 1 + per_day * (
        odds * (may_sum[:, end] - may_sum[:, begin])
        - (possible_sum[:, end] - possible_sum[:, begin])
    )
    seen = must_sum[:, :, None]
    near = np.where(seen == 0, unannounced, np.where(seen == 1, per_day * announced, 0.0))
    return SignalLikelihood(near, np.where(must_sum == 0, 1.0, 0.0))


def _summed(values: Ints | Bools) -> Ints:
    """Return the sums over the first i days, shape (users, 1 + days)."""
    return np.pad(np.cumsum(values, axis=1, dtype=np.int64), ((0, 0), (1, 0)))
