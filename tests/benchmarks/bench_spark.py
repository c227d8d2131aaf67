"""The same world on one machine's engines and on Spark, on the same cores and threads, in turn.

    python -m tests.benchmarks.bench_spark --users 1000 10000 --days 180

Simulates into a lake with two workers, builds all models without tests, and builds them again when
one more day has come. Models are timed from the start of the first one to the end of the last one;
what is before them (dbt's imports, parsing and Spark's session, then the hooks) is reported apart.
Beside each row stands the processor time of everything the command started. SPARK_DRIVER_MEMORY
caps Spark. After each build all marts of both engines are held to each other: by the number of rows
and the sum of their hashes, and row by row for every 97th user.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from generator import Settings
from generator.publishing.dbt import DBT
from generator.sinks.spark import ENGINES
from tests.conftest import ROOT, WRITING_RESULTS, dbt_writing_to
from tests.dbt.marts import MARTS
from tests.dbt.sparks import attach_spark, files_below, load_lake, write_lake

WORKERS = 2
TARGETS = ("duckdb", "spark")
BUCKETS = {2_000_000: 4, 20_000_000: 16, 10**9: 64}
"""Up to how many user-days how many buckets, as docs/scale.md says."""


@dataclass(frozen=True)
class Cost:
    """Seconds of a command on the clock, and of processors in all processes that it started."""

    seconds: float
    processor: float


@dataclass(frozen=True)
class Build:
    """A run of dbt: all of it, and the seconds on the clock of its parts."""

    whole: Cost
    start: float
    hooks: float
    models: float


@dataclass(frozen=True)
class Measured:
    """The seconds of the models of a full build of some user-days, by engine."""

    user_days: int
    models: tuple[float, ...]


def cost_of(command: list[str], variables: dict[str, str]) -> Cost:
    """Run a command and wait for all it started, also for Spark's Java, which outlives it."""
    before, started = processor_seconds(), time.monotonic()
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | variables, capture_output=True)
    seconds = time.monotonic() - started
    while subprocess_left():
        pass
    return Cost(seconds, processor_seconds() - before)


def subprocess_left() -> bool:
    """Wait for an orphan; tell whether there was one. It becomes this process's own child."""
    try:
        os.wait()
    except ChildProcessError:
        return False
    return True


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def generate(engine: str, users: int, days: int, lake: Path) -> Cost:
    size = ["--n-users", str(users), "--days", str(days), "--quiet"]
    place = ["--output-dir", str(lake), "--format", "parquet", "--engine", engine]
    workers = ["--workers", str(WORKERS)]
    return cost_of([sys.executable, "-m", "generator", "generate", *size, *place, *workers], {})


def build(target: str, folder: Path, lake: Path, user_days: int) -> Build:
    """Build every model that is out of date."""
    variables = {
        "ELEARN_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "ELEARN_SPARK_WAREHOUSE": str(folder / "spark"),
        "ELEARN_SPARK_BUCKETS": str(
            next(BUCKETS[limit] for limit in BUCKETS if user_days <= limit)
        ),
        "ELEARN_LAKE": str(lake),
        "SPARK_MASTER": f"local[{WORKERS}]",
    }
    variables |= dbt_writing_to(folder) | WRITING_RESULTS
    command = [*DBT, "--quiet", "run", "--threads", str(WORKERS), "--target", target]
    started = time.time()
    whole = cost_of(command, variables)
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    hooks, models = (moments(results, kind) for kind in ("operation", "model"))
    return Build(whole, hooks[0] - started, models[0] - hooks[0], models[-1] - models[0])


def moments(results: list[dict[str, Any]], kind: str) -> list[float]:
    """Return when nodes of a kind started and ended, in order, in seconds since 1970."""
    return sorted(
        datetime.fromisoformat(step[moment]).timestamp()
        for result in results
        if result["unique_id"].startswith(f"{kind}.")
        for step in result["timing"]
        for moment in ("started_at", "completed_at")
    )


def add_day(warehouse: Path, lake: Path, day: date) -> None:
    """Bring a warehouse to what the lake holds, a day later."""
    with duckdb.connect(str(warehouse)) as con:
        found = f"read_parquet('{lake}/events*.parquet') where event_date = '{day}'"
        con.execute(f"insert into raw.events by name from {found}")


def differing_marts(folder: Path) -> list[str]:
    """Return the marts that Spark made otherwise than DuckDB."""
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        attach_spark(con, folder / "spark" / "tables")
        return [mart for mart in MARTS if differs(con, mart)]


def differs(con: duckdb.DuckDBPyConnection, mart: str) -> bool:
    sides = [f"main.{mart}", f"on_spark.main.{mart}"]
    sums = [
        con.execute(f"select count(*), sum(hash(r)) from (from {side}) as r").fetchall()
        for side in sides
    ]
    columns = [row[0] for row in con.execute(f"describe {mart}").fetchall()]
    condition = "user_id % 97 = 1" if "user_id" in columns else "true"
    samples = [f"(from {side} where {condition})" for side in sides]
    return sums[0] != sums[1] or any(
        con.execute(f"{one} except all {other} limit 1").fetchall()
        for one, other in (samples, samples[::-1])
    )


def measure(users: int, days: int, folder: Path) -> Measured:
    last_day = Settings().start_date + timedelta(days=days)
    generated = [generate(engine, users, days + 1, folder / engine) for engine in ENGINES]
    shutil.rmtree(folder / "spark")  # the same lake
    lake, earlier = folder / "local", folder / "earlier"
    write_lake(earlier, lake, {"users": "true", "events": f"event_date < '{last_day}'"})
    load_lake(folder / "warehouse.duckdb", earlier)
    user_days = users * days
    full = [build(target, folder, earlier, user_days) for target in TARGETS]
    found = [("full build", differing_marts(folder), stored(folder))]
    add_day(folder / "warehouse.duckdb", lake, last_day)
    new_day = [build(target, folder, lake, user_days) for target in TARGETS]
    found.append(("new day", differing_marts(folder), stored(folder)))
    size = f"{users:>8,}{days:>5}"
    say(size, "generate", generated)
    for name, builds in (("full build", full), ("new day", new_day)):
        for part in ("start", "hooks", "models"):
            say(size, f"{name}: {part}", [getattr(found, part) for found in builds])
        say(size, f"{name}: all", [found.whole for found in builds])
    shares = [day.models / whole.models for day, whole in zip(new_day, full, strict=True)]
    print(f"{size}  new day: share of the full build's models{shares[0]:>9.2f}{shares[1]:>8.2f}")
    for name, differing, files in found:
        verdict = f"differ: {', '.join(differing)}" if differing else "equal on both engines"
        print(f"{size}  {name}: marts {verdict}; {files}", flush=True)
    return Measured(user_days, tuple(build.models for build in full))


def stored(folder: Path) -> str:
    """Return the number and the size of all files of the marts on Spark."""
    files = [path for mart in MARTS for path in files_below(folder / "spark" / "tables", mart)]
    return f"{len(files)} files, {sum(path.stat().st_size for path in files) / 2**20:,.0f} MB"


def say_difference(smaller: Measured, larger: Measured) -> None:
    """Print what more user-days cost, without what every build costs whatever its size."""
    millions = (larger.user_days - smaller.user_days) / 1e6
    each = [
        (more - less) / millions for less, more in zip(smaller.models, larger.models, strict=True)
    ]
    what = f"{'':>13}  {'models: a million more':<22}"
    print(f"{what}{each[0]:>6.1f}{each[1]:>8.1f}{each[1] / each[0]:>7.1f}", flush=True)


def say(size: str, what: str, found: list[Cost] | list[float]) -> None:
    costs = [cost if isinstance(cost, Cost) else Cost(cost, float("nan")) for cost in found]
    line = f"{size}  {what:<20}"
    for numbers in ([cost.seconds for cost in costs], [cost.processor for cost in costs]):
        line += f"{numbers[0]:>8.1f}{numbers[1]:>8.1f}{numbers[1] / numbers[0]:>7.1f}"
    print(line.replace("nan", "   "), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--days", type=int, default=180)
    arguments = parser.parse_args()
    be_parent_of_orphans()
    clock = f"{'DuckDB':>8}{'Spark':>8}{'ratio':>7}"
    print(f"{'':>35}{'seconds':>23}{'processor seconds':>23}")
    print(f"{'users':>8}{'days':>5}  {'':<20}{clock}{clock}")
    measured: list[Measured] = []
    for users in arguments.users:
        with tempfile.TemporaryDirectory() as name:
            measured.append(measure(users, arguments.days, Path(name)))
        if len(measured) > 1:
            say_difference(*measured[-2:])


def be_parent_of_orphans() -> None:
    set_child_subreaper = 36  # of Linux's prctl
    ctypes.CDLL(None).prctl(set_child_subreaper, 1)


if __name__ == "__main__":
    main()
