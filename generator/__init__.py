"""A churn warehouse for e-learning platforms: the simulator, the loader and their command line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from generator.settings import Settings
    from generator.simulation import simulate

__all__ = ["Settings", "simulate"]

_HOMES = {"Settings": "generator.settings", "simulate": "generator.simulation"}


def __getattr__(name: str) -> Any:
    # Imported on use, so that the command line answers signals before NumPy and pandas are there.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
