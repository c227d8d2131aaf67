"""How likely the quiz scores of a day are."""

from __future__ import annotations

import math

import numpy as np

from generator.ceiling.histories import Quizzes
from generator.simulation.arrays import Floats
from generator.simulation.courses import QUIZ_DEVIATION, quiz_mean

TENTHS = 10
"""Scores have one decimal: a stored one stands for all that are rounded to it."""
HIGHEST = 100 * TENTHS


def multiply_by_scores(likelihood: Floats, quizzes: Quizzes, log_scores: Floats) -> None:
    """Multiply the likelihood of each day, shape (users, days, points), by that of its scores.

    ``log_scores`` are the logarithms of :func:`score_probability`.
    """
    if not quizzes.user.size:
        return
    logs = log_scores[np.rint(quizzes.score * TENTHS).astype(int)]
    cell = quizzes.user * likelihood.shape[1] + quizzes.day
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    of_day = np.add.reduceat(logs, starts)
    user, day = quizzes.user[starts], quizzes.day[starts]
    likelihood[user, day] *= np.exp(of_day - of_day.max(axis=1, keepdims=True))


def score_probability(engagement: Floats) -> Floats:
    """Return the probability of every score in tenths from 0 to 100 %, shape (1001, points).

    What the simulator clips has a probability of its own at either end.
    """
    upper = (np.arange(HIGHEST)[:, None] + 0.5) / TENTHS
    standard = (upper - quiz_mean(engagement)) / QUIZ_DEVIATION
    below = np.array([[math.erfc(-z / math.sqrt(2)) / 2 for z in row] for row in standard])
    ends = np.zeros((1, engagement.size))
    return np.diff(np.vstack([ends, below, ends + 1]), axis=0)
