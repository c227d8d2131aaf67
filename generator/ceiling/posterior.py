"""The probability of a label, filtered forward day by day (Bayes).

A user is described by engagement and by the churn day, where there is one. After each day the
filter holds, for every point of engagement, three weights: of those who left already; of those
who leave within DAYS_AHEAD days, one by one, because fading and signals tell them apart; and of
the others, who look all alike. Weights have no absolute scale.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import numpy as np

from generator.ceiling.activity import (
    ActivityLikelihood,
    Inactivity,
    activity_likelihood,
    label_inactivity,
)
from generator.ceiling.billing import read_charges, stay_likelihood
from generator.ceiling.counts import count_likelihood
from generator.ceiling.grid import GRID_POINTS, Grid, engagement_grid
from generator.ceiling.histories import Histories
from generator.ceiling.quizzes import multiply_by_scores, score_probability
from generator.ceiling.signals import DAYS_AHEAD, signal_likelihood
from generator.errors import ElearnError
from generator.settings import Settings
from generator.simulation.activity import FADE_DAYS
from generator.simulation.arrays import Bools, Floats, Ints
from generator.simulation.churn import churn_day_range, churn_probability


class Label(NamedTuple):
    """What the label of day D asks: no active day from D + gap + 1 to D + gap + window."""

    gap: int
    window: int


class Group(NamedTuple):
    """What is the same for all users of one group: treated, or not."""

    settings: Settings
    grid: Grid
    activity: ActivityLikelihood
    inactivity: Inactivity
    log_scores: Floats


def read_group(
    settings: Settings, label: Label, *, is_treated: bool, points: int = GRID_POINTS
) -> Group:
    """Compute what the users of one group share."""
    grid = engagement_grid(settings, is_treated=is_treated, points=points)
    return Group(
        settings,
        grid,
        activity_likelihood(settings, grid.engagement),
        label_inactivity(settings, grid.engagement, label.gap, label.window, DAYS_AHEAD),
        np.log(score_probability(grid.engagement)),
    )


def label_probability(group: Group, histories: Histories) -> Floats:
    """Return the probability of churn_label = 1 as of every loaded day, shape (users, days).

    Parameters
    ----------
    group
        The group of all the users.
    histories
        What is visible of them; the probability of a day rests on that day and those before.

    Raises
    ------
    ElearnError
        Names a user and the first day on which the history has probability 0.
    """
    charges = read_charges(group.settings, histories)
    near_signals, far_signals = signal_likelihood(histories, charges)
    near_signals = near_signals * _can_churn(group.settings, histories.days)
    likelihood = count_likelihood(histories, group.grid.engagement)
    multiply_by_scores(likelihood, histories.quizzes, group.log_scores)
    likelihood *= stay_likelihood(group.settings, histories, charges)[:, :, None]
    beliefs = _Beliefs(group, histories.is_paid)
    probability = np.empty(histories.active.shape)
    quiet = histories.quiet
    for day in range(histories.days):
        beliefs.leave(near_signals[:, day, 0], quiet[:, day])
        beliefs.stay(day, histories.active[:, day], likelihood[:, day])
        likely = beliefs.label(day, near_signals[:, day + 1], far_signals[:, day + 1])
        if np.isnan(likely).any():
            raise _impossible(group.settings, histories.user_id[np.isnan(likely)][0], day)
        probability[:, day] = likely
    return probability


def _can_churn(settings: Settings, days: int) -> Bools:
    """Tell which days are a churn day, as SignalLikelihood.near counts them."""
    first, end = churn_day_range(settings.days)
    churn_day = np.arange(days + 1)[:, None] + np.arange(DAYS_AHEAD)
    return (first <= churn_day) & (churn_day < end)


def _impossible(settings: Settings, user_id: Ints, day: int) -> ElearnError:
    date = settings.start_date + timedelta(days=day)
    return ElearnError(
        f"user {user_id}: the history up to {date} has probability 0 under the settings of the"
        " load history; the simulator, the marts or the ceiling is wrong"
    )


class _Beliefs:
    """Weights of one block of users after some day; arrays have shape (users, points)."""

    def __init__(self, group: Group, is_paid: Bools) -> None:
        settings, grid = group.settings, group.grid
        self.group = group
        self.first_churn, self.end_churn = churn_day_range(settings.days)
        churns = churn_probability(settings, grid.engagement, is_paid[:, None])
        self.remains = 1 - churns
        self.churns_each_day = churns / (self.end_churn - self.first_churn)
        self.left = np.zeros_like(churns)
        self.present = np.broadcast_to(grid.prior, churns.shape).copy()
        """Of every churn day that lies too far ahead to show, before its own probability."""
        # How much likelier the days so far are when the churn comes 1 to FADE_DAYS days later.
        self.fading = np.ones((is_paid.size, FADE_DAYS, grid.prior.size))

    def leave(self, signals: Floats, quiet: Bools) -> None:
        """Let those leave whose churn day begins; any trace of a user refutes all departures."""
        leaving = self.present * self.fading[:, 0] * self.churns_each_day
        self.left += leaving * signals[:, None]
        self.left *= quiet[:, None]

    def stay(self, day: int, active: Bools, likelihood: Floats) -> None:
        """Take in one day of those who have not left."""
        activity = self.group.activity
        kind = activity.weekend[day]
        self.present *= activity.usual[kind][active.astype(int)]
        self.present *= likelihood
        factor = activity.faded[kind][active.astype(int)]
        factor[:, :-1] *= self.fading[:, 1:]  # the churn is one day nearer now
        self.fading = factor

    def label(self, day: int, near: Floats, far: Floats) -> Floats:
        """Return the probability of the label, NaN where no weight is left; scale the weights."""
        group = self.group
        weekday = day % 7
        inactivity = group.inactivity
        far_ahead = max(self.first_churn - day, DAYS_AHEAD + 1), self.end_churn - 1 - day
        far_days = max(far_ahead[1] - far_ahead[0] + 1, 0)
        far_empty = inactivity.sum_over(weekday, *far_ahead)
        fading = self.fading * near[:, :FADE_DAYS, None]
        unfaded = near[:, FADE_DAYS:]
        soon = fading.sum(axis=1) + (unfaded.sum(axis=1) + far * far_days)[:, None]
        staying = self.present * (self.remains * far[:, None] + self.churns_each_day * soon)
        fading *= inactivity.near[weekday, :FADE_DAYS]
        soon = fading.sum(axis=1) + unfaded @ inactivity.near[weekday, FADE_DAYS:DAYS_AHEAD]
        soon += far[:, None] * far_empty
        never = far[:, None] * inactivity.never[weekday]
        empty = self.present * (self.remains * never + self.churns_each_day * soon)
        left = self.left.sum(axis=1)
        total = staying.sum(axis=1) + left
        possible = np.where(total > 0, total, np.nan)
        scale = 1 / possible[:, None]
        self.present *= scale
        self.left *= scale
        chance: Floats = np.minimum((empty.sum(axis=1) + left) / possible, 1.0)
        return chance
