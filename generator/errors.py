"""Errors a user meets: one line each, with the exit code the command line gives it."""

from __future__ import annotations

import signal


class ElearnError(Exception):
    """Base of every error this package raises on purpose; the data or the build is at fault."""

    exit_code = 1


class UsageError(ElearnError):
    """The call is at fault: a setting, an option or a path that cannot be used.

    Parameters
    ----------
    message
        What is wrong with it.
    field
        The parameter at fault by its name in Python, which begins the line then. The command line
        says the option in its place.
    """

    exit_code = 2

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message if field is None else f"{field}: {message}")
        self.message = message
        self.field = field


class LockedError(ElearnError):
    """Another process has the warehouse open."""

    exit_code = 3


def not_allowed(field: str, value: object, allowed: str) -> UsageError:
    """Return the one-line error for a value outside what its field allows."""
    return UsageError(f"{str(value)[:200]!r} is not allowed; give {allowed}", field)


def first_line(error: BaseException) -> str:
    """Return what an error says, without an engine's hints below it."""
    return str(error).split("\n", maxsplit=1)[0]


def stopped_by(number: int) -> str:
    """Return what a process says that a signal ended."""
    return f"stopped by {signal.Signals(number).name}; what was not finished is undone"
