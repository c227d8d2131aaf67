"""The private file beside a warehouse, for tests that look into both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from generator.warehouse.paths import private_path
from generator.warehouse.tables import PRIVATE_TABLES


@contextmanager
def with_private(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a warehouse for reading, with what its private file holds as ``private``.

    Tables that the file does not have, and those of a file that is not there, are empty.
    """
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as private; create schema private.truth; use private")
        for table in PRIVATE_TABLES:
            con.execute(table.ddl)
        for name in {table.name for table in PRIVATE_TABLES} & _attach_private(con, warehouse):
            con.execute(f"insert into {name} from file.{name}")
        con.execute(f"attach '{warehouse}' as warehouse (read_only); use warehouse")
        yield con


def private_tables(warehouse: Path) -> set[str]:
    """Return the names of the tables in the private file of a warehouse; none without a file."""
    with duckdb.connect() as con:
        return _attach_private(con, warehouse)


def _attach_private(con: duckdb.DuckDBPyConnection, warehouse: Path) -> set[str]:
    """Attach the private file of a warehouse as ``file`` if it is there; return its tables."""
    if not private_path(warehouse).exists():
        return set()
    con.execute(f"attach '{private_path(warehouse)}' as file (read_only)")
    names = con.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'file'"
    )
    return {name for (name,) in names.fetchall()}


def query_private(warehouse: Path, sql: str) -> list[tuple]:
    """Return what a query of a warehouse and its private file finds."""
    with with_private(warehouse) as con:
        return con.execute(sql).fetchall()
