"""The whole pipeline: its start-up, and how it grows."""

from __future__ import annotations

import shutil
from pathlib import Path

from generator import Settings
from tests.benchmarks.measuring import Clock, Row, best, measured
from tests.benchmarks.raw_rows import generate_warehouse, write_files
from tests.conftest import run_dbt, run_elearn


def _variables(folder: Path) -> dict[str, str]:
    """Start with nothing parsed; the project is the clone's."""
    shutil.rmtree(folder / "target", ignore_errors=True)
    return {"DBT_TARGET_PATH": str(folder / "target"), "DBT_LOG_PATH": str(folder / "logs")}


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


def build_row(folder: Path, rounds: int) -> Row:
    ours, yardstick = [], []
    for _ in range(rounds):
        ours.append(measured(build, folder, Settings().n_users))
        yardstick.append(measured(start_dbt, folder))
    what = "elearn build against dbt's start-up"
    return Row(what, best(ours).seconds, best(yardstick).seconds, 3.0, best(ours).peak_bytes)


def growth_rows(n_users: int, folder: Path) -> list[Row]:
    """Return the rows of ten times the users: time of the build, and memory of generate."""
    few, many = n_users // 10, n_users
    times = [measured(build, folder, users) for users in (few, many)]
    (folder / "built.duckdb").unlink()
    grown = f"{few:,} to {many:,} users"
    ten_times = 10 * times[0].seconds
    rows = [Row(f"build, {grown}", times[1].seconds, ten_times, 1.1, times[1].peak_bytes)]
    for what, work in (("generate", generate_warehouse), ("generate to files", write_files)):
        peaks = [
            measured(work, Settings(n_users=users), folder / what).peak_bytes
            for users in (few, many)
        ]
        memory = [peak / 2**30 for peak in reversed(peaks)]
        rows.append(Row(f"memory of {what}, {grown}", *memory, 1.1, peaks[1], "GB"))
    return rows
