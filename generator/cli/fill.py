"""Commands that fill the warehouse: a simulation or a real export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from generator.atomic_files import FORMATS
from generator.cli.console import Voice
from generator.cli.options import (
    DEFAULT_WAREHOUSE,
    Json,
    MemoryLimit,
    Profile,
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
from generator.errors import UsageError
from generator.settings import Settings

if TYPE_CHECKING:
    from generator.warehouse.summary import Summary

app = typer.Typer()


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
    profile: Profile = False,
) -> None:
    """Simulate the platform into the warehouse, replacing what was there in one step."""
    from generator.sinks import files, spark
    from generator.warehouse import summary

    voice, limit = Voice(quiet, json, profile), checked_memory_limit(memory_limit)
    on_spark = one_of("engine", engine, spark.ENGINES) == "spark"
    if on_spark and (output_dir is None or file_format != "parquet" or shard is not None):
        raise UsageError("--engine: spark needs --output-dir and --format parquet, without --shard")
    if output_dir is None:
        files_only = {"--format": file_format, "--layout": layout, "--shard": shard}
        for option, value in files_only.items():
            if value is not None:
                raise UsageError(f"{option}: it goes with --output-dir")
        found = simulate(settings, through, replace, warehouse, voice, workers, limit)
        voice.result(summary.as_lines(found), found.as_dict())
    elif through is not None or replace:
        raise UsageError(
            "--output-dir: files hold whole simulations; leave out --through, --replace"
        )
    elif on_spark:
        with voice.step("simulate"):
            report = spark.generate_lake(
                settings,
                output_dir,
                layout=one_of("layout", layout or "flat", files.LAYOUTS),
                parts=None if workers is None else worker_count(workers),
            )
        voice.result(report.as_lines(), report.as_dict())
    else:
        options = (file_format or "csv", layout or "flat", shard or "1/1")
        _write_files(settings, output_dir, *options, workers, voice)


@app.command(epilog="Example: elearn load --users users.csv --events 'logs/*.csv.gz'")
def load(
    users: Annotated[
        list[str] | None,
        typer.Option(help="Files of users: paths, folders or globs; repeatable.", metavar="FILE"),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(help="The same. With --append, either may be left out.", metavar="FILE"),
    ] = None,
    append: Annotated[bool, typer.Option(help="Add to what the warehouse holds.")] = False,
    max_rejects: Annotated[str, typer.Option(help="Rows that may be rejected.", metavar="N")] = "0",
    null: Annotated[
        list[str] | None, typer.Option(help="A text that is null; repeatable.", metavar="TEXT")
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(help="What stands before decimals: . or ,", metavar="MARK")
    ] = None,
    date_format: Annotated[
        str | None,
        typer.Option(help="How dates are written, such as '%d.%m.%Y'.", metavar="PATTERN"),
    ] = None,
    days_in: Annotated[
        str | None,
        typer.Option(help="Zone in which days begin, such as Asia/Kolkata.", metavar="ZONE"),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option(help="How the columns fill ours: a TOML file, or a name.", metavar="FILE"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say what would happen, and write nothing.")
    ] = False,
    show_mapping: Annotated[
        str | None, typer.Option(help="Print a shipped mapping and end.", metavar="NAME")
    ] = None,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
    profile: Profile = False,
) -> None:
    """Load a real export into the warehouse, replacing what was there or adding to it."""
    from generator.loader.check import CheckReport, check_files
    from generator.loader.load import load_files
    from generator.loader.mapping_file import read_mapping
    from generator.loader.mapping_source import shipped_text
    from generator.loader.quarantine import RejectedError
    from generator.loader.text_format import TextFormat

    if show_mapping is not None:
        print(shipped_text(show_mapping), end="")
        return
    voice, found = Voice(quiet, json, profile), None if mapping is None else read_mapping(mapping)
    if not append:
        for option, given in (("--users", users), ("--events", events)):
            if not given and not (option == "--users" and found and found.creates_users):
                raise UsageError(f"{option}: nothing is given; only --append does without")
    try:
        report = (check_files if check else load_files)(
            warehouse,
            users or [],
            events or [],
            append=append,
            max_rejects=whole_number("max_rejects", max_rejects, 0, 10**12),
            text_format=TextFormat.of(found, null or [], decimal, date_format, days_in),
            mapping=found,
            memory_limit=checked_memory_limit(memory_limit),
            reporter=voice,
        )
    except RejectedError as error:
        voice.complain(error.as_lines())
        raise
    voice.result(report.as_lines(), report.as_dict())
    if isinstance(report, CheckReport) and report.refusal:
        voice.complain(report.refusal.as_lines())
        raise report.refusal


@app.command(epilog="Example: elearn erase --user-id 42 --dry-run")
def erase(
    user_id: Annotated[
        list[str] | None, typer.Option(help="The user with this id in raw.users.", metavar="ID")
    ] = None,
    user_key: Annotated[
        list[str] | None,
        typer.Option(help="The user whose id in the export is a text.", metavar="TEXT"),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(help="Users: ids, or texts where ids are texts, one a line.", metavar="FILE"),
    ] = None,
    event_id: Annotated[
        list[str] | None, typer.Option(help="One event, and not its user.", metavar="ID")
    ] = None,
    event_file: Annotated[
        list[str] | None, typer.Option(help="Events: ids, one a line.", metavar="FILE")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and write nothing.")
    ] = False,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    json: Json = False,
    profile: Profile = False,
) -> None:
    """Take users or events out of the warehouse for good; the next build publishes without them."""
    from generator import erasing
    from generator.erasing.wanted import wanted_of

    voice = Voice(quiet, json, profile)
    wanted = wanted_of(
        {
            "user_id": user_id or (),
            "user_key": user_key or (),
            "file": file or (),
            "event_id": event_id or (),
            "event_file": event_file or (),
        }
    )
    report = erasing.erase(
        warehouse,
        wanted,
        dry_run=dry_run,
        memory_limit=checked_memory_limit(memory_limit),
        reporter=voice,
    )
    voice.result(report.as_lines(), report.as_dict())


def simulate(
    settings: Settings,
    through: str | None,
    replace: bool,
    warehouse: Path,
    voice: Voice,
    workers: str | None,
    memory_limit: str | None,
) -> Summary:
    """Simulate into the warehouse, whole or up to a day."""
    from generator.sinks import daily
    from generator.sinks.warehouse import generate_warehouse

    threads = worker_count(workers)
    day = None if through is None else daily.parse_through(through, settings)
    if replace and day is None:
        raise UsageError("--replace: it goes with --through; a plain run always replaces")
    with voice.step("simulate", settings.n_users):
        if day is None:
            return generate_warehouse(
                warehouse, settings, workers=threads, memory_limit=memory_limit, reporter=voice
            )
        return daily.generate_through(
            warehouse,
            settings,
            day,
            replace=replace,
            workers=threads,
            memory_limit=memory_limit,
            reporter=voice,
        )


def _write_files(
    settings: Settings,
    output_dir: Path,
    file_format: str,
    layout: str,
    shard: str,
    workers: str | None,
    voice: Voice,
) -> None:
    from generator.sinks import files

    with voice.step("simulate", settings.n_users):
        report = files.generate_files(
            settings,
            output_dir,
            file_format=one_of("format", file_format, FORMATS),
            layout=one_of("layout", layout, files.LAYOUTS),
            shard=files.Shard.from_text(shard),
            workers=worker_count(workers),
            reporter=voice,
        )
    voice.result(report.as_lines(), report.as_dict())
