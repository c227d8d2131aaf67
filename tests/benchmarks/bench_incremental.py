"""A full refresh of a year against the build after one new day.

    python -m tests.benchmarks.bench_incremental --users 20000 --days 365

Counts what dbt reports for each model and for the hooks that run before them; the last of those
compares the fingerprints of the raw tables, which takes as long with one new day as without.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import timedelta
from pathlib import Path

from generator import Settings
from generator.arriving import generate_through
from tests.conftest import run_dbt


def seconds_of_nodes(warehouse: Path, *arguments: str) -> dict[str, float]:
    """Run dbt; return the seconds of every hook and model by name."""
    target = warehouse.parent / "target"
    variables = {"DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(warehouse.parent / "logs")}
    done = run_dbt(warehouse, variables, "run", *arguments)
    assert done.returncode == 0, done.stdout
    results = json.loads((target / "run_results.json").read_text())["results"]
    return {
        result["unique_id"].split(".")[2].removeprefix("elearn_churn-"): result["execution_time"]
        for result in results
    }


def report(full: dict[str, float], daily: dict[str, float]) -> None:
    print(f"{'seconds in':<24}{'full refresh':>14}{'one new day':>14}{'ratio':>8}")
    rows = [(name, full[name], daily[name]) for name in full]
    hooks = [row for row in rows if row[0].startswith("on-run-start")]
    models = [row for row in rows if row not in hooks]
    for title, chosen in (("all models", models), ("models and hooks", rows)):
        rows = [*rows, (title, sum(row[1] for row in chosen), sum(row[2] for row in chosen))]
    for name, before, after in rows:
        print(f"{name:<24}{before:>14.2f}{after:>14.2f}{after / before:>8.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=365)
    arguments = parser.parse_args()
    settings = Settings(n_users=arguments.users, days=arguments.days + 1)
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Path(folder) / "warehouse.duckdb"
        measured = []
        for days, options in ((arguments.days, ["--full-refresh"]), (arguments.days + 1, [])):
            through = settings.start_date + timedelta(days=days - 1)
            generate_through(warehouse, settings, through, replace=False, workers=2)
            measured.append(seconds_of_nodes(warehouse, *options))
        report(*measured)


if __name__ == "__main__":
    main()
