"""A churn warehouse for e-learning platforms: the simulator, the loader and their command line."""

from generator.settings import Settings
from generator.simulation import simulate

__all__ = ["Settings", "simulate"]
