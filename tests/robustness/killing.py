"""Commands in a folder, run to their end or ended at a moment of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from generator.publishing.dbt import DBT
from tests.conftest import ROOT
from tests.named_moments import Moment, end_at
from tests.preloaded import run_python

ELEARN = (sys.executable, "-m", "generator")


def environment(variables: dict[str, str], warehouse: Path) -> dict[str, str]:
    return os.environ | variables | {"ELEARN_WAREHOUSE": str(warehouse)}


def command_line(command: Sequence[object]) -> tuple[list[str], Path | None]:
    """Return what to start and where, for a command of elearn or of dbt."""
    if command[0] == "dbt":
        return [*DBT, *map(str, command[1:])], ROOT
    return [*ELEARN, *map(str, command)], None


def run(
    command: Sequence[object], folder: Path, variables: dict[str, str], check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end."""
    (_, *arguments), where = command_line(command)
    done = run_python(
        arguments, where or folder, environment(variables, folder / "warehouse.duckdb")
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def run_until(
    moment: Moment,
    command: Sequence[object],
    folder: Path,
    variables: dict[str, str],
    number: signal.Signals = signal.SIGKILL,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder up to a moment at which it gets a signal, if it reaches it."""
    _, where = command_line(command)
    given = environment(variables, folder / "warehouse.duckdb")
    return end_at(moment, where or folder, tuple(command), given, number)


def spread(whole: int, sample: int) -> list[object]:
    """Return shares of a run as parameters: some always, the others with --whole."""
    every = whole // sample
    return [
        pytest.param(
            round((number + 0.5) / whole, 3),
            marks=[] if number % every == every // 2 else [pytest.mark.whole],
        )
        for number in range(whole)
    ]
