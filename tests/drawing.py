"""Tests that draw what they test: a few examples in every run, many where slow tests run."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

Test = Callable[..., None]


def drawn(
    few: int = 10, many: int = 50, *, shrink: bool = True, **strategies: st.SearchStrategy[Any]
) -> Callable[[Test], Test]:
    """Let a test draw few examples, and many where slow tests run.

    Parameters
    ----------
    few, many
        Numbers of examples.
    shrink
        Whether to look for the smallest example that fails, which takes minutes for a list.
    strategies
        What is drawn for the arguments of these names; the others are fixtures or parameters.
    """
    phases = [Phase.reuse, Phase.generate, *([Phase.shrink] if shrink else [])]

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def of_each(examples: int, **fixtures: Any) -> None:
            drawing = settings(
                max_examples=examples,
                phases=phases,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            )
            drawing(given(**strategies)(test))(**fixtures)

        fixtures = [
            parameter
            for name, parameter in inspect.signature(test).parameters.items()
            if name not in strategies
        ]
        examples = inspect.Parameter("examples", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        of_each.__signature__ = inspect.Signature([examples, *fixtures])  # what pytest reads
        numbers = [
            pytest.param(few, id="few"),
            pytest.param(many, id="many", marks=pytest.mark.slow),
        ]
        return pytest.mark.parametrize("examples", numbers)(of_each)

    return decorate
