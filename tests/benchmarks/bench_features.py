"""user_features_daily against writing the finished table, primary key included, once more.

    python -m tests.benchmarks.bench_features --users 20000

One dbt run makes the table; then the same rows are written under the same constraints. The target
is a ratio of 2.0 at the most.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import duckdb

from generator import Settings
from generator.generating import generate
from tests.conftest import run_dbt

TABLE = "main.user_features_daily"


def model_seconds(warehouse: Path, folder: Path) -> float:
    """Build the marts up to the features and return what the model took."""
    variables = {"DBT_TARGET_PATH": str(folder / "target"), "DBT_LOG_PATH": str(folder / "logs")}
    done = run_dbt(
        warehouse, variables, "run", "--full-refresh", "--select", "+user_features_daily"
    )
    assert done.returncode == 0, done.stdout
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    [found] = [r for r in results if r["unique_id"].endswith(".user_features_daily")]
    return float(found["execution_time"])


def rewrite_seconds(warehouse: Path) -> float:
    """Write the finished table once more, with its columns, checks and primary key."""
    with duckdb.connect(str(warehouse)) as con:
        [(ddl,)] = con.execute(
            "select sql from duckdb_tables() where table_name = 'user_features_daily'"
        ).fetchall()
        started = time.perf_counter()
        con.execute(ddl.replace("user_features_daily", "once_more", 1))
        con.execute(f"insert into once_more from {TABLE}")
        seconds = time.perf_counter() - started
        con.execute("drop table once_more")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        warehouse = Path(name) / "warehouse.duckdb"
        generate(warehouse, Settings(n_users=arguments.users), workers=2)
        ratios = []
        for _ in range(arguments.rounds):
            model, rewrite = model_seconds(warehouse, Path(name)), rewrite_seconds(warehouse)
            ratios.append(model / rewrite)
            print(f"model {model:.2f} s, once more {rewrite:.2f} s, ratio {ratios[-1]:.2f}")
        print(f"median ratio {sorted(ratios)[len(ratios) // 2]:.2f}, target at most 2.00")


if __name__ == "__main__":
    main()
