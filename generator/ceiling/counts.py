"""How likely the number of further events of an active day is."""

from __future__ import annotations

import math

import numpy as np

from generator.ceiling.histories import Histories
from generator.simulation.activity import further_rate
from generator.simulation.arrays import Floats


def count_likelihood(histories: Histories, engagement: Floats) -> Floats:
    """Return the likelihood of every day's count, shape (users, days, points).

    It is 1 on a day that is not active, and Poisson on one that is.
    """
    count = np.arange(int(histories.further.max(initial=0)) + 1)[:, None]
    factorial = np.array([[math.lgamma(n + 1)] for n in range(count.size)])
    rate = further_rate(engagement)
    # Powers, not logarithms: no engagement has rate 0, where a count of 0 is certain.
    poisson = np.exp(-rate - factorial) * rate**count
    table = np.vstack([poisson, np.ones_like(rate)])
    likelihood: Floats = table[np.where(histories.active, histories.further, count.size)]
    return likelihood
