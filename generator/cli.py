"""The command line: arguments to settings to one call."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from generator import (
    arriving,
    building,
    console,
    exporting,
    generating,
    ledger,
    loading,
    spark,
    summary,
    verifying,
    writing,
)
from generator.console import Voice
from generator.errors import UsageError
from generator.files import FORMATS
from generator.options import (
    DEFAULT_WAREHOUSE,
    Format,
    Json,
    MemoryLimit,
    Quiet,
    Replace,
    Through,
    Warehouse,
    Workers,
    checked_memory_limit,
    one_of,
    whole_number,
    with_settings,
    worker_count,
)
from generator.rejecting import RejectedError
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
    through: Through = None,
    replace: Replace = False,
    output_dir: Annotated[
        Path | None, typer.Option(help="Write files into this folder instead.", metavar="DIR")
    ] = None,
    file_format: Annotated[
        str | None,
        typer.Option("--format", help="With --output-dir: csv (default) or parquet."),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(help="With --output-dir: flat (default), version or date."),
    ] = None,
    shard: Annotated[
        str | None, typer.Option(help="With --output-dir: the I-th of N parts.", metavar="I/N")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="local; or spark, with --output-dir and --format parquet.")
    ] = "local",
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    workers: Workers = None,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Simulate the platform into the warehouse, replacing what was there in one step."""
    voice = Voice(quiet, json)
    on_spark = one_of("engine", engine, spark.ENGINES) == "spark"
    if on_spark and (output_dir is None or file_format != "parquet" or shard is not None):
        raise UsageError("--engine: spark needs --output-dir and --format parquet, without --shard")
    if output_dir is None:
        files_only = {"--format": file_format, "--layout": layout, "--shard": shard}
        for option, value in files_only.items():
            if value is not None:
                raise UsageError(f"{option}: it goes with --output-dir")
        _simulate(settings, through, replace, warehouse, voice, workers, memory_limit)
        _print_summary(warehouse, voice)
    elif through is not None or replace:
        raise UsageError("output_dir: files hold whole simulations; leave out --through, --replace")
    elif on_spark:
        report = spark.generate_lake(
            settings,
            output_dir,
            layout=one_of("layout", layout or "flat", writing.LAYOUTS),
            parts=None if workers is None else worker_count(workers),
            memory_limit=checked_memory_limit(memory_limit),
        )
        voice.result(report.as_lines(), report.as_dict())
    else:
        options = (file_format or "csv", layout or "flat", shard or "1/1")
        _write_files(settings, output_dir, *options, workers, memory_limit, voice)


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
    try:
        report = loading.load_files(
            warehouse,
            users or [],
            events,
            append=append,
            max_rejects=whole_number("max_rejects", max_rejects, 0, 10**12),
            memory_limit=checked_memory_limit(memory_limit),
            talk=voice.talk,
        )
    except RejectedError as error:
        voice.complain(error.as_lines())
        raise
    voice.result(report.as_lines(), report.as_dict())


@app.command(epilog="Example: elearn build --n-users 5000 && duckdb -readonly warehouse.duckdb")
@with_settings
def build(
    settings: Settings,
    through: Through = None,
    replace: Replace = False,
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
        _simulate(settings, through, replace, warehouse, voice, workers, memory_limit)
    elif settings != Settings() or through is not None or replace:
        raise UsageError("--no-generate keeps the data; leave out the settings of a simulation")
    check_unlocked(warehouse)
    outcome = building.dbt_build(warehouse, voice.talk, limit)
    _print_summary(warehouse, voice, outcome)


@app.command(epilog="Example: elearn versions --json")
def versions(
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    json: Json = False,
) -> None:
    """Print the ledger: every load with its dataset version."""
    loads = ledger.read_ledger(warehouse)
    Voice(as_json=json).result(ledger.as_lines(loads), {"loads": loads})


@app.command(epilog="Example: elearn verify data/raw")
def verify(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder of files to verify instead of the warehouse.", metavar="DIR"),
    ] = None,
    marts: Annotated[
        bool, typer.Option("--marts", help="Print one hash per mart instead.")
    ] = False,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    memory_limit: MemoryLimit = None,
    json: Json = False,
) -> None:
    """Recompute the dataset version; exit 1 when it is not the recorded one."""
    limit = checked_memory_limit(memory_limit)
    if marts:
        if folder is not None:
            raise UsageError("--marts: marts stand in a warehouse; leave out the folder")
        hashes = verifying.mart_hashes(warehouse, limit)
        lines = [f"{name:<28}{digits}" for name, digits in hashes.items()]
        Voice(as_json=json).result(lines, {"marts": hashes})
        return
    if folder is None:
        verdict = verifying.verify_warehouse(warehouse, limit)
    else:
        verdict = verifying.verify_files(folder, limit)
    Voice(as_json=json).result(verdict.as_lines(), verdict.as_dict())
    if not verdict.matches:
        raise typer.Exit(1)


@app.command(epilog="Example: elearn export --output-dir data/export --format parquet")
def export(
    output_dir: Annotated[Path, typer.Option(help="Folder for the files.", metavar="DIR")],
    file_format: Format = "csv",
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    memory_limit: MemoryLimit = None,
    json: Json = False,
) -> None:
    """Write users, events, user_daily, user_features_daily and training_dataset as files."""
    manifest = exporting.export(
        warehouse,
        output_dir,
        file_format=one_of("format", file_format, FORMATS),
        memory_limit=checked_memory_limit(memory_limit),
    )
    Voice(as_json=json).result(exporting.as_lines(output_dir, manifest), manifest)


def _simulate(
    settings: Settings,
    through: str | None,
    replace: bool,
    warehouse: Path,
    voice: Voice,
    workers: str | None,
    memory_limit: str | None,
) -> None:
    limit, threads = checked_memory_limit(memory_limit), worker_count(workers)
    day = None if through is None else arriving.parse_through(through, settings)
    if replace and day is None:
        raise UsageError("--replace: it goes with --through; a plain run always replaces")
    with voice.progress(settings.n_users) as progress:
        if day is None:
            generating.generate(
                warehouse, settings, workers=threads, memory_limit=limit, progress=progress
            )
        else:
            arriving.generate_through(
                warehouse,
                settings,
                day,
                replace=replace,
                workers=threads,
                memory_limit=limit,
                progress=progress,
            )


def _write_files(
    settings: Settings,
    output_dir: Path,
    file_format: str,
    layout: str,
    shard: str,
    workers: str | None,
    memory_limit: str | None,
    voice: Voice,
) -> None:
    with voice.progress(settings.n_users) as progress:
        report = writing.generate_files(
            settings,
            output_dir,
            file_format=one_of("format", file_format, FORMATS),
            layout=one_of("layout", layout, writing.LAYOUTS),
            shard=writing.Shard.from_text(shard),
            workers=worker_count(workers),
            memory_limit=checked_memory_limit(memory_limit),
            progress=progress,
        )
    voice.result(report.as_lines(), report.as_dict())


def _print_summary(
    warehouse: Path, voice: Voice, outcome: building.DbtOutcome | None = None
) -> None:
    found = summary.summarise(warehouse)
    lines, values = summary.as_lines(found), found.as_dict()
    if outcome is not None:
        warned = f", {outcome.tests_warned} warned" if outcome.tests_warned else ""
        lines.insert(0, f"{'tests':<28}{outcome.tests_passed:>14,} passed{warned}")
        values |= asdict(outcome)
    voice.result(lines, values)


def main() -> NoReturn:
    """Run the command line and exit."""
    console.run(_run_app)


def _run_app() -> int | None:
    try:
        code: int | None = app(standalone_mode=False)  # what a command left with typer.Exit
    except TyperException as error:
        raise UsageError(error.format_message()) from error
    return code
