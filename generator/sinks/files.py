"""A simulation straight into files, block by block, without a warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from generator.atomic_files import move_into, write_manifest, written_whole
from generator.errors import not_allowed
from generator.reporter import SILENT, Reporter
from generator.settings import Settings
from generator.simulation import simulate_blocks
from generator.simulation.rows import Rows
from generator.sinks.tally import Tally
from generator.sinks.warehouse import advance, batches, simulated_tables
from generator.warehouse.table import Table
from generator.warehouse.tables import EVENTS, USER_CHANGES, USERS
from generator.warehouse.versions import ContentSum, version_of

LAYOUTS = ("flat", "version", "date")


@dataclass(frozen=True)
class Shard:
    """One of several parts of the users, each with all of their events."""

    number: int = 1
    of: int = 1

    @classmethod
    def from_text(cls, text: str) -> Shard:
        """Return the shard that a text such as 2/8 names."""
        number, slash, of = text.partition("/")
        is_shard = slash and number.isascii() and number.isdigit() and of.isascii() and of.isdigit()
        if not is_shard or len(of) > 9 or not 1 <= int(number) <= int(of):
            raise not_allowed("shard", text, "I/N with I from 1 to N, such as 2/8")
        return cls(int(number), int(of))

    def users(self, n_users: int) -> range:
        """Return the ids of the shard's users."""
        before = n_users * (self.number - 1) // self.of
        return range(before + 1, n_users * self.number // self.of + 1)


@dataclass(frozen=True)
class FilesReport:
    """What was written where."""

    folder: Path
    manifest: dict[str, Any]

    def as_lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        named = {"users": "user_rows", "events": "event_rows", "user_changes": "change_rows"}
        values = {
            name: f"{self.manifest[rows]:>14,} rows"
            for name, rows in named.items()
            if rows in self.manifest
        }
        values |= {
            "dataset version": self.manifest["dataset_version"],
            "folder": str(self.folder),
        }
        return [f"{name:<28}{value}" for name, value in values.items()]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return self.manifest | {"folder": str(self.folder)}


def generate_files(
    settings: Settings,
    output_dir: Path,
    *,
    file_format: str,
    layout: str,
    shard: Shard,
    workers: int,
    reporter: Reporter = SILENT,
) -> FilesReport:
    """Simulate into files of users and events, and a manifest beside them.

    Parameters
    ----------
    settings
        What to simulate.
    output_dir
        Folder for the files; made when missing.
    file_format
        "csv" or "parquet".
    layout
        "flat" writes into the folder itself, "version" into a subfolder named after the dataset
        version, "date" into one named after today (UTC).
    shard
        Which part of the users to write.
    workers
        Threads that simulate; the files do not depend on it.
    reporter
        Told how far it is.
    """
    with written_whole(output_dir) as folder:
        content = Tally()
        blocks = simulate_blocks(settings, workers, shard.users(settings.n_users), content.add)
        write_batches(batches(blocks), folder, file_format, tables_of(settings), reporter)
        about = about_files(settings, content.sums, shard)
        manifest = write_manifest(folder, about)
        return FilesReport(move_to_layout(folder, output_dir, layout, manifest), manifest)


def about_files(
    settings: Settings, content: Mapping[str, ContentSum], shard: Shard = Shard()
) -> dict[str, Any]:
    """Return what a manifest says besides the names and hashes of the files."""
    return {
        "dataset_version": version_of(content),
        "generator_version": version("elearn-churn-warehouse"),
        "settings": settings.as_dict(),
        "shard": f"{shard.number}/{shard.of}",
        "user_rows": content[USERS.name].rows,
        "event_rows": content[EVENTS.name].rows,
    } | ({"change_rows": content[USER_CHANGES.name].rows} if settings.has_upgrades else {})


def move_to_layout(folder: Path, output_dir: Path, layout: str, manifest: dict[str, Any]) -> Path:
    """Move a folder's files to where the layout wants them, and return that folder."""
    subfolders: dict[str, str] = {
        "flat": "",
        "version": manifest["dataset_version"],
        "date": str(datetime.now(UTC).date()),
    }
    destination = output_dir / subfolders[layout]
    move_into(folder, destination)
    return destination


def write_batches(
    rows: Iterator[Rows],
    folder: Path,
    file_format: str,
    tables: tuple[Table, ...],
    reporter: Reporter = SILENT,
) -> None:
    """Write every batch."""
    with ExitStack() as stack:
        writers = {
            table: stack.enter_context(_writer(folder, table, file_format)) for table in tables
        }
        for batch in rows:
            for table, writer in writers.items():
                writer.write_table(batch[table.name].cast(arrow_schema(table, file_format)))
            advance(reporter, batch)


def arrow_schema(table: Table, file_format: str) -> pa.Schema:
    """Return the Arrow types of a table's columns; simulated times are whole seconds."""
    types = {
        "INTEGER": pa.int32(),
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("s" if file_format == "csv" else "us"),
        "VARCHAR": pa.string(),
    }
    return pa.schema([(column.name, types[column.type]) for column in table.columns])


def tables_of(settings: Settings) -> tuple[Table, ...]:
    """Return the tables that are written as files."""
    return tuple(
        table
        for table in simulated_tables(settings)
        if table is not USER_CHANGES or settings.has_upgrades
    )


def _writer(folder: Path, table: Table, file_format: str) -> Any:
    path = folder / f"{table.name.split('.')[1]}.{file_format}"
    schema = arrow_schema(table, file_format)
    if file_format == "parquet":
        return pyarrow.parquet.ParquetWriter(path, schema, compression="zstd")
    # no simulated text needs quotes
    options = pyarrow.csv.WriteOptions(quoting_style="none", quoting_header="none")
    return pyarrow.csv.CSVWriter(path, schema, write_options=options)
