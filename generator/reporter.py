"""Whom a job tells what it does: what is said, its steps, and how far they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Reporter:
    """Is told all that people may want to know of a job, and keeps it to itself.

    The command line's own prints it, in :mod:`generator.cli.console`.
    """

    def say(self, line: str) -> None:
        """Take a line on what goes on."""

    def complain(self, lines: list[str]) -> None:
        """Take the lines that an error which follows is about."""

    @contextmanager
    def step(self, name: str, total: float | None = None) -> Iterator[None]:
        """Take one step of the job: it lasts as long as the body.

        Parameters
        ----------
        name
            What is done, such as "simulate".
        total
            Amount of work; None when nobody knows.
        """
        yield

    def advance(self, amount: float, **done: int) -> None:
        """Take how far the step has come since the last call.

        Parameters
        ----------
        amount
            Part of the step's total.
        done
            Numbers of the things that were done meanwhile, such as users and events.
        """


SILENT = Reporter()
