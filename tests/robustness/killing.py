"""Processes that are ended at a moment of their run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.publishing.dbt import DBT
from tests.conftest import ROOT

ELEARN = (sys.executable, "-m", "generator")


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    stderr: str
    seconds: float
    """How long it ran."""


def environment(variables: dict[str, str], warehouse: Path) -> dict[str, str]:
    return os.environ | variables | {"ELEARN_WAREHOUSE": str(warehouse)}


def command_line(command: Sequence[object]) -> tuple[list[str], Path | None]:
    """Return what to start and where, for a command of elearn or of dbt."""
    if command[0] == "dbt":
        return [*DBT, *map(str, command[1:])], ROOT
    return [*ELEARN, *map(str, command)], None


def end_after(
    command: Sequence[object],
    folder: Path,
    variables: dict[str, str],
    seconds: float,
    number: signal.Signals = signal.SIGKILL,
) -> Ended:
    """Start a command in a folder and send it a signal after some seconds."""
    arguments, where = command_line(command)
    started = time.monotonic()
    with subprocess.Popen(
        arguments,
        cwd=where or folder,
        env=environment(variables, folder / "warehouse.duckdb"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        _, stderr = process.communicate()
    assert "Traceback" not in stderr, stderr
    return Ended(process.returncode, stderr, time.monotonic() - started)


def run(
    command: Sequence[object], folder: Path, variables: dict[str, str], check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end."""
    arguments, where = command_line(command)
    done = subprocess.run(
        arguments,
        cwd=where or folder,
        env=environment(variables, folder / "warehouse.duckdb"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def seconds_of(action: Callable[[], object]) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started


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
