"""The command line: arguments to settings to one call."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from generator import building, console, generating, loading, summary
from generator.console import Voice
from generator.errors import UsageError
from generator.options import (
    DEFAULT_WAREHOUSE,
    Json,
    MemoryLimit,
    Quiet,
    Warehouse,
    Workers,
    checked_memory_limit,
    whole_number,
    with_settings,
    worker_count,
)
from generator.settings import Settings
from generator.warehouse import check_unlocked

app = typer.Typer(
    name="elearn",
    help="Simulate or load an e-learning platform, and build its churn warehouse.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def common(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.")
    ] = False,
) -> None:
    """Simulate or load an e-learning platform, and build its churn warehouse."""
    if show_version:
        print(version("elearn-churn-warehouse"))
        raise typer.Exit


@app.command(epilog="Example: elearn generate --n-users 5000 --days 365 --seed 7")
@with_settings
def generate(
    settings: Settings,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    workers: Workers = None,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Simulate the platform into the warehouse, replacing what was there in one step."""
    voice = Voice(quiet, json)
    limit = checked_memory_limit(memory_limit)
    _simulate(settings, warehouse, voice, worker_count(workers), limit)
    _print_summary(warehouse, voice)


@app.command(epilog="Example: elearn load --users users.csv --events 'logs/*.csv.gz'")
def load(
    events: Annotated[
        list[str], typer.Option(help="CSV, CSV.gz or Parquet; file, folder or glob; repeatable.")
    ],
    users: Annotated[
        list[str] | None, typer.Option(help="The same for users; optional with --append.")
    ] = None,
    append: Annotated[bool, typer.Option(help="Add to what the warehouse holds.")] = False,
    max_rejects: Annotated[str, typer.Option(help="Rows that may be rejected.", metavar="N")] = "0",
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Load a real export into the warehouse, replacing what was there or adding to it."""
    voice = Voice(quiet, json)
    if not users and not append:
        raise UsageError("users: nothing is given; a load without --append needs --users")
    report = loading.load_files(
        warehouse,
        users or [],
        events,
        append=append,
        max_rejects=whole_number("max_rejects", max_rejects, 0, 10**12),
        memory_limit=checked_memory_limit(memory_limit),
        talk=voice.talk,
    )
    voice.result(report.as_lines(), report.as_dict())


@app.command(epilog="Example: elearn build --n-users 5000 && duckdb -readonly warehouse.duckdb")
@with_settings
def build(
    settings: Settings,
    generate: Annotated[
        bool, typer.Option("--generate/--no-generate", help="Simulate first, or keep the data.")
    ] = True,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    workers: Workers = None,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Simulate, then build and test every model: the main job."""
    voice = Voice(quiet, json)
    limit = checked_memory_limit(memory_limit)
    building.project_folder()  # no project, nothing to build: say so before simulating
    if generate:
        _simulate(settings, warehouse, voice, worker_count(workers), limit)
    elif settings != Settings():
        raise UsageError("--no-generate keeps the data; leave out the settings of a simulation")
    check_unlocked(warehouse)
    outcome = building.dbt_build(warehouse, voice.talk, limit)
    _print_summary(warehouse, voice, outcome)


def _simulate(
    settings: Settings, warehouse: Path, voice: Voice, workers: int, memory_limit: str | None
) -> None:
    with voice.progress(settings.n_users) as progress:
        generating.generate(
            warehouse, settings, workers=workers, memory_limit=memory_limit, progress=progress
        )


def _print_summary(
    warehouse: Path, voice: Voice, outcome: building.DbtOutcome | None = None
) -> None:
    found = summary.summarise(warehouse)
    lines, values = summary.as_lines(found), found.as_dict()
    if outcome is not None:
        lines.insert(0, f"{'tests':<28}{outcome.tests_passed:>14,} passed")
        values |= {"tests_passed": outcome.tests_passed}
    voice.result(lines, values)


def main() -> NoReturn:
    """Run the command line and exit."""
    console.run(_run_app)


def _run_app() -> None:
    try:
        app(standalone_mode=False)
    except TyperException as error:
        raise UsageError(error.format_message()) from error
