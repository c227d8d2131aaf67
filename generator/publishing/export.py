"""Tables of the warehouse as files, for tools that do not read DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generator.atomic_files import move_into, write_manifest, written_whole
from generator.publishing.green_build import build_of_content
from generator.reporter import SILENT, Reporter
from generator.warehouse.file import Connection, last_load, read_warehouse
from generator.warehouse.sql import one_row, quoted
from generator.warehouse.summary import MARTS, has_changes
from generator.warehouse.tables import USER_CHANGES, VERSIONED_TABLES
from generator.warehouse.versions import dataset_version

TABLES = {table.name: table.key for table in VERSIONED_TABLES} | {
    name: "as_of_date" if name == "main.training_splits" else "user_id, as_of_date"
    for name in MARTS
}
"""What is exported, and the key that orders its rows."""

COPY_OPTIONS = {
    "csv": "format csv, header",
    "parquet": "format parquet, compression zstd",
}


def export_files(
    warehouse: Path,
    output_dir: Path,
    *,
    file_format: str,
    memory_limit: str | None = None,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Write the raw tables and the marts as files with a manifest, and return what it says.

    Changes of users are a file where there are any.

    Raises
    ------
    ElearnError
        No green build tested what stands there now, or the disk is full; old files stay.
    """
    with read_warehouse(warehouse, memory_limit) as con:
        build_of_content(con, warehouse)
        last = last_load(con)
        assert last is not None
        about = {
            "dataset_version": dataset_version(con),
            "generator_version": last["generator_version"],
        }
        with written_whole(output_dir) as folder:
            rows = {}
            for name in TABLES:
                if name != USER_CHANGES.name or has_changes(con):
                    rows[name] = _copy(con, name, folder, file_format)
                reporter.advance(1)
            manifest = write_manifest(folder, about | {"rows": rows})
            move_into(folder, output_dir)
        return manifest


def as_lines(output_dir: Path, manifest: dict[str, Any]) -> list[str]:
    """Return what was exported as lines for a terminal."""
    lines = [f"{name:<28}{count:>14,} rows" for name, count in manifest["rows"].items()]
    lines.append(f"{'dataset version':<28}{manifest['dataset_version']}")
    return [*lines, f"{'folder':<28}{output_dir}"]


def _copy(con: Connection, name: str, folder: Path, file_format: str) -> int:
    path = folder / f"{name.split('.')[1]}.{file_format}"
    [count] = one_row(
        con,
        f"copy (from {name} order by {TABLES[name]}) to {quoted(str(path))}"
        f" ({COPY_OPTIONS[file_format]})",
    )
    return int(count)
