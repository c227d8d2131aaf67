"""Commands that only read the warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from generator.atomic_files import FORMATS
from generator.cli.console import Voice
from generator.cli.options import (
    DEFAULT_REPORT,
    DEFAULT_WAREHOUSE,
    Format,
    Json,
    MemoryLimit,
    Profile,
    Quiet,
    Warehouse,
    checked_memory_limit,
    one_of,
)
from generator.errors import UsageError

app = typer.Typer()


@app.command(epilog="Example: elearn versions --json")
def versions(
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    json: Json = False,
) -> None:
    """Print the load history: every load with its dataset version."""
    from generator.warehouse import history

    loads = history.read_history(warehouse)
    Voice(as_json=json).result(history.as_lines(loads), {"loads": loads})


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
    quiet: Quiet = False,
    json: Json = False,
    profile: Profile = False,
) -> None:
    """Recompute the dataset version; exit 1 when it is not the recorded one."""
    from generator.warehouse.verify import mart_hashes, verify_files, verify_warehouse

    voice, limit = Voice(quiet, json, profile), checked_memory_limit(memory_limit)
    if marts:
        if folder is not None:
            raise UsageError("--marts: marts stand in a warehouse; leave out the folder")
        with voice.step("hash"):
            hashes = mart_hashes(warehouse, limit)
        lines = [f"{name:<28}{digits}" for name, digits in hashes.items()]
        voice.result(lines, {"marts": hashes})
        return
    with voice.step("verify"):
        if folder is None:
            verdict = verify_warehouse(warehouse, limit)
        else:
            verdict = verify_files(folder, limit)
    voice.result(verdict.as_lines(), verdict.as_dict())
    if not verdict.matches:
        raise typer.Exit(1)


@app.command(epilog="Example: elearn diff monday.duckdb published/elearn.duckdb")
def diff(
    a: Annotated[Path, typer.Argument(help="A warehouse or a published file.", metavar="A")],
    b: Annotated[Path, typer.Argument(help="Another one.", metavar="B")],
    output: Annotated[
        Path | None,
        typer.Option(help="Write the differing rows into this folder, as Parquet.", metavar="DIR"),
    ] = None,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
    profile: Profile = False,
) -> None:
    """Compare raw and the marts of two files; exit 1 when they are not equal to the bit."""
    from generator.comparing import compare_files

    voice = Voice(quiet, json, profile)
    limit = checked_memory_limit(memory_limit)
    found = compare_files(a, b, output, memory_limit=limit, reporter=voice)
    voice.result(found.as_lines(), found.as_dict())
    if not found.is_equal:
        raise typer.Exit(1)


@app.command(epilog="Example: elearn export --output-dir data/export --format parquet")
def export(
    output_dir: Annotated[Path, typer.Option(help="Folder for the files.", metavar="DIR")],
    file_format: Format = "csv",
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
    profile: Profile = False,
) -> None:
    """Write users, events, changes of users and the marts as files."""
    from generator.publishing.export import as_lines, export_files

    voice = Voice(quiet, json, profile)
    with voice.step("export", total=1):
        manifest = export_files(
            warehouse,
            output_dir,
            file_format=one_of("format", file_format, FORMATS),
            memory_limit=checked_memory_limit(memory_limit),
            reporter=voice,
        )
    voice.result(as_lines(output_dir, manifest), manifest)


@app.command(epilog="Example: elearn report --warehouse published/elearn.duckdb --png plots")
def report(
    output: Annotated[
        Path, typer.Option(help="The HTML file to write.", metavar="FILE")
    ] = DEFAULT_REPORT,
    png: Annotated[
        Path | None, typer.Option(help="Write the plots into this folder too.", metavar="DIR")
    ] = None,
    ceiling: Annotated[
        Path | None,
        typer.Option(
            help="Draw the line of this file, which `elearn ceiling --output` wrote.",
            metavar="FILE",
        ),
    ] = None,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
    profile: Profile = False,
) -> None:
    """Write one HTML page with plots of the warehouse or of a published copy."""
    from generator.report import write_report

    voice = Voice(quiet, json, profile)
    with voice.step("report"):
        limit = checked_memory_limit(memory_limit)
        written = write_report(warehouse, output, png, limit, ceiling)
    voice.result(written.as_lines(), written.as_dict())


@app.command(epilog="Example: elearn ceiling --output ceiling.parquet")
def ceiling(
    output: Annotated[
        Path | None,
        typer.Option(help="Write each row's probability into this Parquet file.", metavar="FILE"),
    ] = None,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
    profile: Profile = False,
) -> None:
    """Compute how well churn can be predicted at all, from the simulator's own probabilities."""
    from generator.ceiling import compute_ceiling

    voice = Voice(quiet, json, profile)
    limit = checked_memory_limit(memory_limit)
    found = compute_ceiling(warehouse, output, memory_limit=limit, reporter=voice)
    voice.result(found.as_lines(), found.as_dict())
