"""How likely active and inactive days are, far from a churn and near to one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from generator.settings import Settings
from generator.simulation.activity import FADE_DAYS, fade, is_weekend, usual_probability
from generator.simulation.arrays import Bools, Floats, Ints


class ActivityLikelihood(NamedTuple):
    """Likelihood of one day of each kind; ``kind`` is 1 at weekends and ``active`` 0 or 1."""

    usual: Floats
    """Far from a churn, shape (kind, active, points)."""
    faded: Floats
    """Factor to that so many days before the churn date, from 1 on: shape (kind, active,
    FADE_DAYS, points)."""
    weekend: Ints
    """Kind of each day, shape (days,)."""


def activity_likelihood(settings: Settings, engagement: Floats) -> ActivityLikelihood:
    """Return the likelihoods of active and inactive days for every point of engagement."""
    probability = usual_probability(engagement, np.array([[False], [True]]))
    ahead = fade(np.arange(1, FADE_DAYS + 1))[:, None]
    faded_probability = ahead * probability[:, None, :]
    usual = np.stack([1 - probability, probability], axis=1)
    # An active day is fade times as likely whatever the engagement.
    active = np.broadcast_to(ahead, faded_probability.shape)
    faded = np.stack([(1 - faded_probability) / (1 - probability)[:, None, :], active], axis=1)
    weekend = is_weekend(settings, np.arange(settings.days))
    return ActivityLikelihood(usual, faded, weekend.astype(int))


class Inactivity(NamedTuple):
    """Probability of no active day in the label window, by the weekday of the as_of_date."""

    near: Floats
    """When the churn comes k days after the as_of_date: shape (7, k from 1 on, points)."""
    summed: Floats
    """Sums of these over k, from 0 to so many days: shape (7, 1 + days, points)."""
    never: Floats
    """When no churn comes near: shape (7, points)."""

    def sum_over(self, weekday: int, first: int, last: int) -> Floats:
        """Return the sum over the churns from ``first`` to ``last`` days ahead, shape (points,)."""
        if last < first:
            return np.zeros(self.never.shape[1])
        known = self.near.shape[1]
        near = self.summed[weekday, min(last, known)] - self.summed[weekday, min(first - 1, known)]
        beyond = max(last - max(known, first - 1), 0)
        total: Floats = near + beyond * self.never[weekday]
        return total


def label_inactivity(
    settings: Settings, engagement: Floats, gap: int, window: int, least_days: int
) -> Inactivity:
    """Return how likely each engagement leaves the label window empty.

    Parameters
    ----------
    settings
        What was simulated.
    engagement
        The engagement that acts, shape (points,).
    gap, window
        The label of day D is about the days D + gap + 1 to D + gap + window.
    least_days
        Number of days ahead that ``near`` covers at least.
    """
    ahead = np.arange(1, max(gap + window + FADE_DAYS, least_days) + 1)
    near = np.ones((7, ahead.size, engagement.size))
    never = np.ones((7, engagement.size))
    for weekday in range(7):
        for later in range(gap + 1, gap + window + 1):
            usual = usual_probability(engagement, _weekend(settings, weekday + later))
            near[weekday] *= 1 - fade(ahead - later)[:, None] * usual
            never[weekday] *= 1 - usual
    summed = np.zeros((7, ahead.size + 1, engagement.size))
    np.cumsum(near, axis=1, out=summed[:, 1:])
    return Inactivity(near, summed, never)


def _weekend(settings: Settings, day: int) -> Bools:
    return is_weekend(settings, np.array([day]))
