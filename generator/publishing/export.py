"""Tables of the warehouse as files, for tools that do not read DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generator.atomic_files import move_into, write_manifest, written_whole
from generator.errors import ElearnError
from generator.publishing.green_build import build_of_content, is_published, read_green_build
from generator.reporter import SILENT, Reporter
from generator.vocabulary import HISTORY_MARTS
from generator.warehouse.file import Connection, last_load, read_warehouse
from generator.warehouse.sql import name_in, one_row, quoted
from generator.warehouse.summary import MARTS, has_changes
from generator.warehouse.tables import BUILD_INFO, LOADS, USER_CHANGES, VERSIONED_TABLES
from generator.warehouse.versions import dataset_version

FIRST = (*(table.name for table in VERSIONED_TABLES), *MARTS)
"""What is exported first; what else is published follows, such as the groups of an experiment."""

LEFT_OUT = {LOADS.name, BUILD_INFO.name, *(f"main.{name}" for name in HISTORY_MARTS)}
"""What is about the published file itself; the manifest says the same of the files."""

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
    """Write what is published as files with a manifest, and return what it says.

    Changes of users are a file where there are any. Models of a person's own are files too.

    Raises
    ------
    ElearnError
        No build passed all tests on what stands there now, or the disk is full; old files stay.
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
            tables = exported_tables(con, warehouse)
            for name in tables:
                rows[name] = _copy(con, name, folder, file_format)
                reporter.advance(1 / len(tables))
            manifest = write_manifest(folder, about | {"rows": rows})
            move_into(folder, output_dir)
        return manifest


def as_lines(output_dir: Path, manifest: dict[str, Any]) -> list[str]:
    """Return what was exported as lines for a terminal."""
    lines = [f"{name:<28}{count:>14,} rows" for name, count in manifest["rows"].items()]
    lines.append(f"{'dataset version':<28}{manifest['dataset_version']}")
    return [*lines, f"{'folder':<28}{output_dir}"]


def exported_tables(con: Connection, warehouse: Path) -> list[str]:
    """Return the tables that readers get, of a warehouse or of a published file."""
    if is_published(con):
        rows = con.execute(
            """
            select schema_name || '.' || table_name from duckdb_tables()
            where database_name = current_database() and schema_name in ('raw', 'main')
            """
        ).fetchall()
        found = {name for (name,) in rows}
    else:
        found = {table.name for table in read_green_build(con, warehouse).tables}
    found -= LEFT_OUT | (set() if has_changes(con) else {USER_CHANGES.name})
    return [name for name in FIRST if name in found] + sorted(found - {*FIRST})


def _copy(con: Connection, name: str, folder: Path, file_format: str) -> int:
    """Write the rows of a table in the order of its primary key, else of all columns."""
    schema, _, table = name.partition(".")
    keys = con.execute(
        """
        select constraint_column_names from duckdb_constraints()
        where database_name = current_database() and schema_name = ? and table_name = ?
            and constraint_type = 'PRIMARY KEY'
        """,
        [schema, table],
    ).fetchall()
    order = ", ".join(map(name_in, keys[0][0])) if keys else "all"
    path = folder / f"{table}.{file_format}"
    if path.exists():
        raise ElearnError(f"{name}: another table of this name is exported; rename one of them")
    [count] = one_row(
        con,
        f"copy (from {name_in(schema)}.{name_in(table)} order by {order})"
        f" to {quoted(str(path))} ({COPY_OPTIONS[file_format]})",
    )
    return int(count)
