"""What stands in a Parquet file: its columns, their types, and how the engine reads it."""

from __future__ import annotations

import glob
from pathlib import Path

import duckdb

from generator.errors import ElearnError, first_line
from generator.warehouse.file import Connection
from generator.warehouse.sql import quoted


def engine_path(path: Path) -> str:
    """Return a path as the engine's functions take it: absolute, and never read as a pattern."""
    return glob.escape(str(path.absolute()))


def parquet_header(con: Connection, path: Path) -> tuple[list[str], list[str]]:
    """Return the names and the types of the columns."""
    try:
        query = f"describe select * from {parquet_relation(path)}"
        columns = con.execute(query).fetchall()
    except duckdb.Error as error:
        raise ElearnError(f"{path}: not a Parquet file: {first_line(error)}") from error
    return [str(column[0]) for column in columns], [str(column[1]) for column in columns]


def check_types(con: Connection, path: Path, types: dict[str, str]) -> None:
    """Raise for columns of a Parquet file that hold no single value, or one that is misread."""
    for column, kind in types.items():
        if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
            raise ElearnError(f"{path}: {column} holds lists or structs; give one value a row")
    if "DOUBLE" in types.values():
        query = f"select name from parquet_schema({quoted(engine_path(path))}) where precision > 38"
        for (name,) in con.execute(query).fetchall():
            if name.strip().lower() in types:
                raise ElearnError(f"{path}: {name} is a DECIMAL of over 38 digits; give DOUBLE")


def parquet_relation(path: Path) -> str:
    """Return the table function that reads a Parquet file."""
    options = "binary_as_string = true, hive_partitioning = false, file_row_number = false"
    return f"read_parquet({quoted(engine_path(path))}, {options})"


def type_in_parquet(con: Connection, path: Path, sql: str) -> str | None:
    """Return the type of an expression over a file, None where it leads nowhere."""
    try:
        described = con.execute(f"describe select {sql} from {parquet_relation(path)}").fetchall()
    except duckdb.BinderException:  # a struct without such a field
        return None
    return str(described[0][1])
