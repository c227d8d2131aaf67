"""The whole pipeline: its start-up, and how it grows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from generator import Settings
from tests.benchmarks.measuring import Clock, Row, best, measured
from tests.benchmarks.raw_rows import generate_warehouse, write_files
from tests.conftest import dbt_writing_to, run_dbt, run_elearn


def _variables(folder: Path) -> dict[str, str]:
    """Start with nothing parsed; the project is the clone's."""
    shutil.rmtree(folder / "target", ignore_errors=True)
    return dbt_writing_to(folder)


def build(clock: Clock, folder: Path, n_users: int) -> None:
    path = folder / "built.duckdb"
    path.unlink(missing_ok=True)
    with clock.running():
        run_elearn(folder, _variables(folder), "build", "--n-users", n_users, "--warehouse", path)


def start_dbt(clock: Clock, folder: Path) -> None:
    """The yardstick: one process that parses the project and builds one view."""
    with clock.running():
        done = run_dbt(folder / "built.duckdb", _variables(folder), "run", "--select", "stg_users")
    assert done.returncode == 0, done.stdout


def build_again(clock: Clock, folder: Path) -> None:
    with clock.running():
        command = ("build", "--no-generate", "--warehouse", folder / "built.duckdb")
        run_elearn(folder, dbt_writing_to(folder), *command)


def build_rows(folder: Path) -> list[Row]:
    """Return the rows of the default data set: built for the first time, and with nothing new."""
    first = measured(build, folder, Settings().n_users)
    again = measured(build_again, folder)
    yardstick = measured(start_dbt, folder)
    return [
        Row.of("elearn build against dbt's start-up", first, yardstick, 2.0),
        Row.of("elearn build of nothing new, the same", again, yardstick, 1.5),
    ]


def run_python(clock: Clock, *arguments: str) -> None:
    with clock.running():
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def start_rows() -> list[Row]:
    """Return the rows of what a person waits for before a command does anything."""
    rows = []
    for option in ("--version", "--help"):
        turns = [
            (
                measured(run_python, "-m", "generator", option),
                measured(run_python, "-c", "import typer, rich"),
            )
            for _ in range(3)
        ]
        ours, yardstick = (best(list(measures)) for measures in zip(*turns, strict=True))
        what = f"elearn {option} against importing typer, rich"
        rows.append(Row(what, ours.seconds, yardstick.seconds, 2.0, ours.peak_bytes))
    return rows


def growth_rows(n_users: int, folder: Path) -> list[Row]:
    """Return the rows of ten times the users: time of the build, and memory of generate.

    Files are written from a few blocks of users at a time, so small numbers of users say nothing.
    """
    few, many = n_users // 10, n_users
    times = [measured(build, folder, users) for users in (few, many)]
    (folder / "built.duckdb").unlink()
    what, ten_times = f"build, {few:,} to {many:,} users", 10 * times[0].seconds
    return [
        Row(what, times[1].seconds, ten_times, 1.1, times[1].peak_bytes),
        _memory_row("generate", generate_warehouse, many, folder),
        _memory_row("generate to files", write_files, 10 * many, folder),
    ]


def _memory_row(what: str, work: Callable[..., None], n_users: int, folder: Path) -> Row:
    sizes = (n_users // 10, n_users)
    small, large = (
        measured(work, Settings(n_users=size), folder / what).peak_bytes for size in sizes
    )
    what = f"memory of {what}, {sizes[0]:,} to {sizes[1]:,}"
    return Row(what, large / 2**30, small / 2**30, 1.1, large, "GB")
