"""The marts of one lake on DuckDB and on Spark, both on the cores of this machine, in turn.

    python -m tests.benchmarks.bench_spark --users 1000 10000 --days 180

Counts the seconds that dbt reports for all models of a full build, hooks and tests left out, and
those of the simulation into the lake, here and on Spark. SPARK_DRIVER_MEMORY caps Spark.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generator.publishing.dbt import DBT
from generator.sinks.spark import ENGINES
from tests.conftest import ROOT, dbt_writing_to
from tests.dbt.sparks import load_lake


def seconds_of_generate(engine: str, users: int, days: int, lake: Path) -> float:
    """Simulate into Parquet files; return the seconds of the whole command."""
    size = ["--n-users", str(users), "--days", str(days), "--quiet"]
    place = ["--output-dir", str(lake), "--format", "parquet", "--engine", engine]
    started = time.monotonic()
    command = [sys.executable, "-m", "generator", "generate", *size, *place]
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - started


def seconds_of_build(target: str, folder: Path, lake: Path) -> float:
    """Build every model from nothing; return their seconds as dbt counts them."""
    variables = dbt_writing_to(folder) | {
        "ELEARN_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "ELEARN_SPARK_WAREHOUSE": str(folder / "spark"),
        "ELEARN_LAKE": str(lake),
    }
    command = [*DBT, "--quiet", "run", "--full-refresh", "--threads", "1", "--target", target]
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | variables, capture_output=True)
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    models = [result for result in results if result["unique_id"].startswith("model.")]
    return float(sum(result["execution_time"] for result in models))


def measure(users: int, days: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generated = [seconds_of_generate(e, users, days, folder / e) for e in ENGINES]
        load_lake(folder / "warehouse.duckdb", folder / "local")
        built = [seconds_of_build(t, folder, folder / "local") for t in ("duckdb", "spark")]
    for what, (here, spark) in (("generate", generated), ("models", built)):
        print(f"{users:>10,}{days:>6}  {what:<10}{here:>10.1f}{spark:>10.1f}{spark / here:>8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--days", type=int, default=180)
    arguments = parser.parse_args()
    print(f"{'users':>10}{'days':>6}  {'seconds of':<10}{'DuckDB':>10}{'Spark':>10}{'ratio':>8}")
    for users in arguments.users:
        measure(users, arguments.days)


if __name__ == "__main__":
    main()
