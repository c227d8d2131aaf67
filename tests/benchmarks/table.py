"""Every benchmark against its yardstick, in one table.

    python -m tests.benchmarks --users 20000

Each row runs in processes of its own, in turn with its yardstick.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from generator import Settings
from tests.benchmarks.changing import changes_row, erase_row
from tests.benchmarks.comparing import diff_row
from tests.benchmarks.measuring import Row, table
from tests.benchmarks.models import model_rows, new_day_row
from tests.benchmarks.pipeline import build_rows, growth_rows, start_rows
from tests.benchmarks.polars_features import polars_row
from tests.benchmarks.raw_rows import load_rows, simulation_rows
from tests.benchmarks.whole_commands import new_day_rows

CSV_EVENTS_PER_USER = 236  # of a default simulation
DEFAULT_USERS, DEFAULT_CSV_EVENTS = 20_000, 5_000_000


def run(n_users: int, folder: Path) -> list[Row]:
    """Run every benchmark; lines of the table go to stderr as they come."""
    warehouse = folder / "warehouse.duckdb"
    csv_users = DEFAULT_CSV_EVENTS * n_users // (DEFAULT_USERS * CSV_EVENTS_PER_USER)
    rows = said(simulation_rows(Settings(n_users=n_users), folder))
    _, features, _ = models = said(model_rows(warehouse))
    rows += models + said([polars_row(warehouse, features)])
    rows += said([erase_row(warehouse), changes_row(warehouse)])
    warehouse.unlink()
    rows += said(load_rows(Settings(n_users=csv_users), folder))
    rows += said([new_day_row(n_users, 365, folder)])
    rows += said(new_day_rows(n_users, 365, folder / "whole"))
    rows += said(build_rows(folder)) + said(start_rows())
    rows += said(growth_rows(n_users // 4, folder))
    return rows + said([diff_row(folder)])


def said(rows: list[Row]) -> list[Row]:
    for line in table(rows).splitlines()[1:]:
        print(line, file=sys.stderr, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=DEFAULT_USERS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = run(arguments.users, Path(folder))
    print(table(rows))
