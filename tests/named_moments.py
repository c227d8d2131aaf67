"""Commands that are killed at a named moment: before or after a function is called first."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Literal, NamedTuple

from tests.preloaded import run_python


class Moment(NamedTuple):
    """A call of a function, and the side of it on which the kill falls."""

    side: Literal["before", "after"]
    function: str
    """With its module, and its class if it has one."""


KILLED = """
import os, pkgutil, signal, sys
from generator.cli.app import main
side, function, *arguments = sys.argv[1:]
place, _, name = function.rpartition(".")
place = pkgutil.resolve_name(place)
whole = getattr(place, name)
def kill(*given, **named):
    if side == "after":
        whole(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(place, name, kill)
sys.argv = ["elearn", *arguments]
main()
"""


def kill_at(moment: Moment, folder: Path, *command: object) -> None:
    """Run a command of elearn in a folder, and kill it at a moment that it must reach."""
    done = run_python(["-c", KILLED, *moment, *map(str, command)], folder, os.environ)
    assert done.returncode == -signal.SIGKILL, done.stderr
