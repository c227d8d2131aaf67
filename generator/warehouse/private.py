"""The private file beside the warehouse holds what no reader may get.

It is never changed in place. A load writes the next one beside it, commits the warehouse, and puts
the next one in place. Whoever comes after a kill between the two finishes or undoes it, as the load
history of the warehouse says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from generator.atomic_files import move_file
from generator.errors import UsageError
from generator.warehouse.anew import anew_path
from generator.warehouse.file import (
    Connection,
    connect,
    remove_database,
)
from generator.warehouse.paths import next_path, private_path
from generator.warehouse.spilled import remove_spilled
from generator.warehouse.sql import has_table, one_row
from generator.warehouse.table import Table
from generator.warehouse.tables import (
    LOADS,
    WRITTEN_BY,
)
from generator.warehouse.versions import BATCH_ROWS

NAME = "private file"


class WrittenBy(NamedTuple):
    """The row of a private file that says which load wrote it."""

    load_id: int
    loaded_at: datetime
    highest_user_number: int | None

    def is_load_of(self, con: Connection) -> bool:
        """Tell whether the load stands in the load history of a warehouse."""
        if not has_table(con, LOADS.name):
            return False
        query = f"select count(*) from {LOADS.name} where load_id = ? and loaded_at = ?"
        return one_row(con, query, [self.load_id, self.loaded_at]) == (1,)


class PrivateFile:
    """The private file of a warehouse for reading; empty where it has none of its own."""

    def __init__(self, con: Connection | None = None) -> None:
        self._con = con

    @property
    def is_there(self) -> bool:
        """Whether the warehouse has a private file of its own."""
        return self._con is not None

    def has(self, table: Table) -> bool:
        """Tell whether the file holds rows of a table."""
        return self._con is not None and has_table(self._con, table.name)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query of tables that the file has finds."""
        assert self._con is not None
        return self._con.execute(query).fetchall()

    def register(self, name: str, rows: pa.Table) -> None:
        """Let queries read rows of the caller under a name."""
        assert self._con is not None
        self._con.register(name, rows)

    def reader(self, table: Table, where: str = "true") -> pa.RecordBatchReader:
        """Return the rows of a table that the file has, piece by piece."""
        assert self._con is not None
        columns = ", ".join(table.column_names)
        return self._con.sql(f"select {columns} from {table.name} where {where}").to_arrow_reader(
            BATCH_ROWS
        )


@contextmanager
def read_private(
    con: Connection, warehouse: Path, memory_limit: str | None = None
) -> Iterator[PrivateFile]:
    """Open the private file of a warehouse that is open; one that cannot be read is not there."""
    path = private_path(warehouse)
    settle(con, warehouse)
    if not path.exists() or not os.access(path, os.R_OK):
        yield PrivateFile()
        return
    with opened(path, memory_limit) as found:
        written_by = written_by_of(found)
        is_ours = written_by is not None and written_by.is_load_of(con)
        yield PrivateFile(found if is_ours else None)


def settle(con: Connection, warehouse: Path) -> None:
    """Finish or undo what a killed command left beside a warehouse.

    Parameters
    ----------
    con
        A connection to the warehouse. While it holds the file, no other command writes it.
    warehouse
        The warehouse.
    """
    path = private_path(warehouse)
    if anew_path(warehouse).exists() and os.access(path.parent, os.W_OK):
        remove_database(anew_path(warehouse))
    waiting = next_path(path)
    if not waiting.exists() or not os.access(waiting, os.R_OK | os.W_OK):
        return
    try:
        with opened(waiting) as found:
            written_by = written_by_of(found)
        is_committed = written_by is not None and written_by.is_load_of(con)
    except UsageError:  # killed before it was a database
        is_committed = False
    with suppress(FileNotFoundError):  # two that only read may do this at once
        if is_committed:
            put_in_place(path)
        else:
            remove_database(waiting)


def put_in_place(path: Path) -> None:
    """Put the next private file in place of the old one."""
    if path.exists():
        with opened(path):  # a log beside it would be taken for the next one's
            pass
    move_file(next_path(path), path)
    remove_spilled(next_path(path))


@contextmanager
def opened(path: Path, memory_limit: str | None = None) -> Iterator[Connection]:
    """Open a private file for reading."""
    con = connect(path, memory_limit, read_only=True, name=NAME)
    try:
        yield con
    finally:
        con.close()


def written_by_of(con: Connection) -> WrittenBy | None:
    """Return which load wrote a private file; None for a file that is no private one."""
    if not has_table(con, WRITTEN_BY.name):
        return None
    rows = con.execute(f"select {', '.join(WRITTEN_BY.column_names)} from {WRITTEN_BY.name}")
    found = rows.fetchall()
    return WrittenBy(*found[0]) if len(found) == 1 else None
