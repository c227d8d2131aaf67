"""Verifying the dataset version against inserting the same rows under their keys once more.

    python -m tests.benchmarks.bench_verify --users 20000

Both run on one file in one process, in turn; the target is a ratio of 0.5 at the most.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from generator import Settings
from generator.generating import generate
from generator.schema import EVENTS, USERS
from generator.verifying import verify_warehouse
from generator.warehouse import open_warehouse


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def insert_once_more(source: Path, target: Path) -> None:
    """Copy users and events into a new file with the same keys and checks."""
    with open_warehouse(target) as con:
        con.execute("create schema raw")
        con.execute(USERS.ddl)
        con.execute(EVENTS.ddl)
        con.execute(f"insert into {USERS.name} from read_parquet('{source}/users.parquet')")
        con.execute(f"insert into {EVENTS.name} from read_parquet('{source}/events.parquet')")
        con.execute(EVENTS.key_ddl)


def export_parquet(warehouse: Path, folder: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        for table in (USERS, EVENTS):
            path = folder / f"{table.name.split('.')[1]}.parquet"
            con.execute(f"copy {table.name} to '{path}' (format parquet)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warehouse, copy = folder / "warehouse.duckdb", folder / "copy.duckdb"
        generate(warehouse, Settings(n_users=arguments.users), workers=2)
        export_parquet(warehouse, folder)
        ratios = []
        for _ in range(arguments.rounds):
            insert = seconds(lambda: insert_once_more(folder, copy))
            copy.unlink()
            verify = seconds(lambda: verify_warehouse(warehouse))
            ratios.append(verify / insert)
            print(f"verify {verify:.2f} s, keyed insert {insert:.2f} s, ratio {ratios[-1]:.2f}")
        print(f"median ratio {sorted(ratios)[len(ratios) // 2]:.2f}, target at most 0.50")


if __name__ == "__main__":
    main()
