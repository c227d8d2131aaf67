"""Recompute the dataset version of a warehouse or of a folder of files, and compare."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from generator.atomic_files import read_manifest
from generator.errors import ElearnError, first_line
from generator.warehouse.file import last_load, read_warehouse
from generator.warehouse.sql import connect_memory, one_row, quoted
from generator.warehouse.summary import MARTS, check_built
from generator.warehouse.table import Table
from generator.warehouse.tables import USER_CHANGES, VERSIONED_TABLES
from generator.warehouse.versions import (
    ContentSum,
    content_sum,
    dataset_version,
    hex_digits,
    version_of,
)


@dataclass(frozen=True)
class Verdict:
    """What was recorded and what was found."""

    place: str
    recorded: str
    found: str

    @property
    def matches(self) -> bool:
        """Whether the content is the one that was recorded."""
        return self.recorded == self.found

    def as_lines(self) -> list[str]:
        """Return the verdict as lines for a terminal."""
        word = "match" if self.matches else "mismatch"
        return [f"{word}: {self.place} holds {self.found}, recorded is {self.recorded}"]

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-ready values."""
        return asdict(self) | {"matches": self.matches}


def verify_warehouse(warehouse: Path, memory_limit: str | None = None) -> Verdict:
    """Compare a warehouse with the last row of its load history."""
    with read_warehouse(warehouse, memory_limit) as con:
        recorded = last_load(con)
        assert recorded is not None
        return Verdict(str(warehouse), recorded["dataset_version"], dataset_version(con))


def mart_hashes(warehouse: Path, memory_limit: str | None = None) -> dict[str, str]:
    """Return 16 hex digits for each mart, equal when every row is, to the last bit.

    Raises
    ------
    ElearnError
        A mart has not been built yet.
    """
    with read_warehouse(warehouse, memory_limit) as con:
        check_built(con, warehouse)
        return {name: _mart_hash(con, name) for name in MARTS}


def _mart_hash(con: duckdb.DuckDBPyConnection, name: str) -> str:
    schema, table = name.split(".")
    columns = con.execute(
        """
        select column_name from duckdb_columns()
        where database_name = current_database() and schema_name = ? and table_name = ?
        order by column_index
        """,
        [schema, table],
    ).fetchall()
    # The shortest text of a DOUBLE that reads back as the same bits stands for it.
    texts = [f"cast({column} as varchar)" for (column,) in columns]
    row = ", ".join(f"coalesce(length({text}) || ':' || {text}, '')" for text in texts)
    query = f"select count(*), sum(md5_number_lower(concat_ws('|', {row}))) from {name}"
    return hex_digits(f"{name}:{columns}:{one_row(con, query)}")


def verify_files(folder: Path, memory_limit: str | None = None) -> Verdict:
    """Compare a folder of files that this package wrote with its manifest."""
    manifest = read_manifest(folder)
    recorded = manifest["dataset_version"]
    with connect_memory(memory_limit) as con:
        try:
            sums = {
                table.name: _file_sum(con, table, folder, manifest["files"])
                for table in VERSIONED_TABLES
            }
            found = version_of(sums)
        except duckdb.Error as error:
            raise ElearnError(f"{folder}: {first_line(error)}") from error
    return Verdict(str(folder), recorded, found)


def _file_sum(
    con: duckdb.DuckDBPyConnection, table: Table, folder: Path, names: Iterable[str]
) -> ContentSum:
    stem = table.name.split(".")[1]
    parts = [name for name in names if re.fullmatch(rf"{stem}(-\d+)?\.parquet", name)]
    if table is USER_CHANGES and not parts and f"{stem}.csv" not in names:
        return ContentSum()
    if parts:
        paths = ", ".join(quoted(str(folder / name)) for name in parts)
        scan = f"read_parquet([{paths}], hive_partitioning = false)"
    else:
        csv = folder / f"{stem}.csv"
        columns = ", ".join(f"{quoted(c.name)}: {quoted(c.type)}" for c in table.columns)
        options = f"header = true, hive_partitioning = false, columns = {{{columns}}}"
        scan = f"read_csv({quoted(str(csv))}, {options})"
    return content_sum(con, table, scan)
