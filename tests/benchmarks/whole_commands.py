"""A new day as people have it: whole commands, with dbt's start, the tests and publishing."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path

from generator import Settings
from generator.cli.options import DEFAULT_PUBLISHED
from generator.sinks.daily import generate_through
from generator.warehouse.summary import MARTS
from tests.benchmarks.measuring import WORKERS, Clock, Measure, Row, best, measured
from tests.benchmarks.models import write_once_more
from tests.conftest import dbt_writing_to, run_dbt, run_elearn

BUILD = ("build", "--no-generate", "--quiet", "--json")


def command(clock: Clock, folder: Path, *arguments: str) -> str:
    """Run ``elearn`` in a folder, with what dbt parsed there before; return what it printed."""
    with clock.running():
        return run_elearn(folder, dbt_writing_to(folder), *arguments).stdout


def parse(folder: Path) -> None:
    """Let dbt parse for a folder's warehouse, so that builds there start warm."""
    done = run_dbt(folder / "warehouse.duckdb", dbt_writing_to(folder), "parse")
    assert done.returncode == 0, done.stdout


def copy_and_sync(clock: Clock, folder: Path) -> None:
    """The yardstick: the bytes of the published file, on the disk once more."""
    copy = folder / "copy.duckdb"
    with clock.running():
        subprocess.run(["cp", folder / DEFAULT_PUBLISHED, copy], check=True)
        subprocess.run(["sync", copy], check=True)
    copy.unlink()


def arrive(folder: Path, settings: Settings, days: int) -> None:
    """Load the days of a simulation up to one, counted from 1."""
    through = settings.start_date + timedelta(days=days - 1)
    generate_through(folder / "warehouse.duckdb", settings, through, replace=False, workers=WORKERS)


def publish_rows(what: str, target: float, folder: Path, build: Measure) -> list[Row]:
    """Return the rows of publishing what stands there: in its build, and once more by itself.

    Of the command itself and of its yardstick the fastest of three turns counts.
    """
    turns = [
        (measured(command, folder, "publish"), measured(copy_and_sync, folder)) for _ in range(3)
    ]
    alone, yardstick = (best(list(measures)) for measures in zip(*turns, strict=True))
    in_build = json.loads(build.result)["seconds"]["publish"]
    return [
        Row(
            f"publishing {what} in elearn build, to cp and sync",
            in_build,
            yardstick.seconds,
            target,
            build.peak_bytes,
        ),
        Row.of("elearn publish alone, the same", alone, yardstick, target),
    ]


def new_day_rows(n_users: int, days: int, folder: Path) -> list[Row]:
    """Return the rows of a build of everything, of one new day, and of nothing new."""
    folder.mkdir()
    settings = Settings(n_users=n_users, days=days + 1)
    arrive(folder, settings, days)
    parse(folder)
    everything = measured(command, folder, *BUILD)
    published = publish_rows("all days", 3.0, folder, everything)
    arrive(folder, settings, days + 1)
    new_day = measured(command, folder, *BUILD)
    published += publish_rows("a new day", 2.5, folder, new_day)
    nothing = measured(command, folder, *BUILD)
    warehouse = folder / "warehouse.duckdb"
    once_more = sum_of([measured(write_once_more, warehouse, mart) for mart in MARTS])
    size = f"{n_users:,} users x {days}"
    return [
        Row.of(f"build of one new day, {size}, to all days", new_day, everything, 0.2),
        Row.of("the same against writing the marts", new_day, once_more, 0.7),
        Row.of("build of all days, the same", everything, once_more, 3.0),
        Row.of("build of nothing new, to all days", nothing, everything, 0.2),
        *published,
    ]


def sum_of(measures: list[Measure]) -> Measure:
    return Measure(
        sum(measure.seconds for measure in measures),
        max(measure.peak_bytes for measure in measures),
        processor_seconds=sum(measure.processor_seconds for measure in measures),
    )
