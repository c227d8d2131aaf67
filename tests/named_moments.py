"""Commands that are ended at a named moment: before or after a call of a function."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from tests.preloaded import run_python


class Moment(NamedTuple):
    """A call of a function, and the side of it on which the command ends."""

    side: Literal["before", "after"]
    function: str
    """With its module, and its class if it has one."""
    about: str = ""
    """Stands in a text that is an argument, or in an argument's name; "" takes the first call."""


ENDED = """
import os, pkgutil, sys
number, side, function, about, *command = sys.argv[1:]
place, _, name = function.rpartition(".")
place = pkgutil.resolve_name(place)
whole = getattr(place, name)
def name_of(value):
    return value if isinstance(value, str) else str(getattr(value, "name", ""))
def calling(*given, **named):
    is_it = not about or any(about in name_of(value) for value in given)
    if is_it:
        setattr(place, name, whole)
    if is_it and side == "before":
        os.kill(os.getpid(), int(number))
    result = whole(*given, **named)
    if is_it and side == "after":
        os.kill(os.getpid(), int(number))
    return result
setattr(place, name, calling)
if command[0] == "dbt":
    from dbt.cli.main import cli as main
else:
    from generator.cli.app import main
    command = ["elearn", *command]
sys.argv = command
main()
"""


def end_at(
    moment: Moment,
    folder: Path,
    command: tuple[object, ...],
    environment: Mapping[str, str],
    number: signal.Signals = signal.SIGKILL,
) -> subprocess.CompletedProcess[str]:
    """Run a command of elearn, or of dbt, and send it a signal at a moment, if it reaches it."""
    arguments = ["-c", ENDED, str(int(number)), *moment, *map(str, command)]
    done = run_python(arguments, folder, environment)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def kill_at(moment: Moment, folder: Path, *command: object) -> None:
    """Kill a command of elearn at a moment that it must reach."""
    done = end_at(moment, folder, command, os.environ)
    assert done.returncode == -signal.SIGKILL, done.stderr
