"""How good predictions are: areas, log loss and calibration, with standard errors by user.

Rows of one user are no independent draws: the next day says almost the same. So errors come from
leaving out whole users (a jackknife over groups of users), and calibration adds up each user's
surprises first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from generator.simulation.arrays import Array, Bools, Floats, Ints

USER_GROUPS = 20
"""Groups of users of which the jackknife leaves one out at a time."""
BIN_EDGES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9, 1.0)
"""Edges of the bins of calibration; a bin holds its lower edge, the last one both."""
FEWEST_USERS = 30
"""Users of either outcome from which on surprises are told in standard errors."""
SMALLEST = 1e-15
"""Log loss takes no probability as closer to 0 or 1 than this."""


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error; None where the rows do not tell it."""

    value: float | None
    standard_error: float | None


@dataclass(frozen=True)
class Calibration:
    """Expected and realised positives of the rows whose probability lies in one bin."""

    low: float
    high: float
    rows: int
    expected: float
    positives: int
    z: float | None
    """Realised less expected positives, in standard errors by user; None for a few users."""
    users_with_a_positive: int
    users_with_a_negative: int


@dataclass(frozen=True)
class Metrics:
    """How good the probabilities of some rows are."""

    rows: int
    positives: int
    users_with_a_positive: int
    roc_auc: Estimate
    pr_auc: Estimate
    log_loss: Estimate
    calibration: Calibration
    bins: tuple[Calibration, ...]


class Scored:
    """Probabilities and labels of rows in ascending order of probability.

    Parameters
    ----------
    user
        Index of each row's user.
    """

    def __init__(self, probability: Floats, label: Bools, user: Ints) -> None:
        order = np.argsort(probability, kind="stable")
        self.probability = probability[order]
        self.label = label[order]
        self.user = user[order]
        starts = np.append(True, self.probability[1:] != self.probability[:-1])[: label.size]
        self.tie = np.cumsum(starts, dtype=np.int32) - 1
        """Number of each row's probability among the different ones."""


def metrics(scored: Scored) -> Metrics:
    """Return all metrics of some rows."""
    bins = np.clip(np.digitize(scored.probability, BIN_EDGES) - 1, 0, len(BIN_EDGES) - 2)
    everything = np.ones(scored.label.shape, dtype=bool)
    return Metrics(
        rows=scored.label.size,
        positives=int(scored.label.sum()),
        users_with_a_positive=_distinct(scored.user[scored.label]),
        roc_auc=_estimate(scored, roc_auc),
        pr_auc=_estimate(scored, pr_auc),
        log_loss=_estimate(scored, log_loss),
        calibration=calibrate(scored, everything, 0.0, 1.0),
        bins=tuple(
            calibrate(scored, bins == number, low, high)
            for number, (low, high) in enumerate(pairwise(BIN_EDGES))
        ),
    )


def roc_auc(scored: Scored, kept: Bools) -> float | None:
    """Return the probability that a positive stands above a negative, ties counting half."""
    positives, negatives = _by_tie(scored, kept)
    if not positives.sum() or not negatives.sum():
        return None
    below = np.cumsum(negatives) - negatives / 2
    return float((positives * below).sum() / positives.sum() / negatives.sum())


def pr_auc(scored: Scored, kept: Bools) -> float | None:
    """Return the average precision: that at every threshold, weighted by the recall it adds."""
    positives, negatives = (counts[::-1] for counts in _by_tie(scored, kept))
    if not positives.sum():
        return None
    above = np.cumsum(positives)
    rows = np.maximum(above + np.cumsum(negatives), 1)
    return float((positives * above / rows).sum() / positives.sum())


def log_loss(scored: Scored, kept: Bools) -> float | None:
    """Return the mean of minus the logarithm of what the realised label was given."""
    if not kept.any():
        return None
    probability, label = scored.probability[kept], scored.label[kept]
    given = np.where(label, probability, 1 - probability)
    return float(-np.log(np.maximum(given, SMALLEST)).mean())


def calibrate(scored: Scored, selected: Bools, low: float, high: float) -> Calibration:
    """Compare expected and realised positives of the selected rows."""
    probability, label = scored.probability[selected], scored.label[selected]
    user = scored.user[selected]
    surprise = np.bincount(user, weights=label - probability) if user.size else np.zeros(0)
    error = float(np.sqrt((surprise**2).sum()))
    users = _distinct(user[label]), _distinct(user[~label])
    return Calibration(
        low=low,
        high=high,
        rows=label.size,
        expected=float(probability.sum()),
        positives=int(label.sum()),
        z=float(surprise.sum()) / error if min(users) >= FEWEST_USERS else None,
        users_with_a_positive=users[0],
        users_with_a_negative=users[1],
    )


def _by_tie(scored: Scored, kept: Bools) -> tuple[Array, Array]:
    """Return the positives and the negatives of each different probability, ascending."""
    size = int(scored.tie[-1]) + 1 if scored.tie.size else 0
    positives = np.bincount(scored.tie[kept & scored.label], minlength=size)
    return positives, np.bincount(scored.tie[kept & ~scored.label], minlength=size)


def _estimate(scored: Scored, metric: Callable[[Scored, Bools], float | None]) -> Estimate:
    """Return a metric with the error that leaving out groups of users in turn tells."""
    everything = np.ones(scored.label.shape, dtype=bool)
    value = metric(scored, everything)
    group = scored.user % USER_GROUPS
    left_out = [metric(scored, group != number) for number in range(USER_GROUPS)]
    known = np.array([each for each in left_out if each is not None])
    if value is None or known.size < USER_GROUPS:
        return Estimate(value, None)
    spread = ((known - known.mean()) ** 2).sum()
    return Estimate(value, float(np.sqrt(spread * (USER_GROUPS - 1) / USER_GROUPS)))


def _distinct(users: Ints) -> int:
    return int(np.count_nonzero(np.bincount(users)))  # needs no sort
