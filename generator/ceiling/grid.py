"""The grid of engagement that probabilities are summed over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from generator.settings import Settings
from generator.simulation.arrays import Floats
from generator.simulation.users import ENGAGEMENT_SHAPE, lifted

GRID_POINTS = 100


class Grid(NamedTuple):
    """Points of engagement of one group of users; every array has shape (points,)."""

    engagement: Floats
    """The engagement that acts: treated where the group is."""
    prior: Floats
    """Probability of each point before anything is seen."""


def engagement_grid(settings: Settings, *, is_treated: bool, points: int = GRID_POINTS) -> Grid:
    """Return the Gauss-Legendre points of the Beta distribution of engagement.

    The simulator rounds engagement to four decimals, which is far finer than what any history
    tells of it.
    """
    nodes, weights = np.polynomial.legendre.leggauss(points)
    engagement = (nodes + 1) / 2
    alpha, beta = ENGAGEMENT_SHAPE
    density = engagement ** (alpha - 1) * (1 - engagement) ** (beta - 1)
    prior = weights * density / (weights * density).sum()
    return Grid(lifted(settings, engagement) if is_treated else engagement, prior)
