"""The private file beside the warehouse holds what no reader may get.

It is never changed in place. A load writes the next one beside it, commits the warehouse, and puts
the next one in place. Whoever comes after a kill between the two finishes or undoes it, as the load
history of the warehouse says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from generator.atomic_files import move_file, sync
from generator.errors import UsageError, not_allowed
from generator.reporter import SILENT, Reporter
from generator.warehouse.anew import anew_path
from generator.warehouse.file import (
    Connection,
    connect,
    create_table,
    insert_row,
    last_load,
    remove_database,
)
from generator.warehouse.paths import private_path
from generator.warehouse.sql import has_table, one_row
from generator.warehouse.tables import (
    LOADS,
    PRIVATE_TABLES,
    REJECTED_ROWS,
    TRUTH,
    USER_KEYS,
    WRITTEN_BY,
    Table,
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
    with _opened(path, memory_limit) as found:
        written_by = _written_by(found)
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
    waiting = _next(path)
    if not waiting.exists() or not os.access(waiting, os.R_OK | os.W_OK):
        return
    try:
        with _opened(waiting) as found:
            written_by = _written_by(found)
        is_committed = written_by is not None and written_by.is_load_of(con)
    except UsageError:  # killed before it was a database
        is_committed = False
    with suppress(FileNotFoundError):  # two that only read may do this at once
        if is_committed:
            _put_in_place(path)
        else:
            remove_database(waiting)


@contextmanager
def load_transaction(
    con: Connection,
    warehouse: Path,
    memory_limit: str | None = None,
    reporter: Reporter = SILENT,
) -> Iterator[NextPrivateFile]:
    """Run a load: all that it changes in the warehouse and in the private file, or nothing.

    The body writes the load into the load history when it changed anything. After an error the
    connection is closed, which rolls back.
    """
    with read_private(con, warehouse, memory_limit) as old:
        private = NextPrivateFile(con, private_path(warehouse), old, memory_limit, reporter)
        con.begin()
        try:
            yield private
            private.seal()
        except BaseException:
            private.discard()
            raise
    con.commit()
    private.put_in_place()


class NextPrivateFile(PrivateFile):
    """What a load reads of the private file, and the next one that it may write.

    Nothing is written unless the load has something to keep, or takes something away.
    """

    def __init__(
        self,
        warehouse: Connection,
        path: Path,
        old: PrivateFile,
        memory_limit: str | None,
        reporter: Reporter,
    ) -> None:
        super().__init__(old._con)
        self._warehouse = warehouse
        self._path = path
        self._old = old
        self._memory_limit = memory_limit
        self._reporter = reporter
        self._kept: tuple[Table, ...] = PRIVATE_TABLES
        self._next: Connection | None = None
        self.highest_user_number: int | None = None
        """Highest number that was ever given to a user whose id is a text."""
        if old.has(WRITTEN_BY):
            [(self.highest_user_number,)] = old.rows(
                f"select highest_user_number from {WRITTEN_BY.name}"
            )

    def replace(self) -> None:
        """Take away what a load that replaces does not keep: all but the quarantine."""
        self._kept = (REJECTED_ROWS,)
        self.highest_user_number = None
        if self._old.has(TRUTH) or self._old.has(USER_KEYS):
            self._begin()

    def leave_out(self, *tables: Table) -> None:
        """Take some tables away from what the next file keeps of the old one."""
        self._kept = tuple(table for table in self._kept if table not in tables)

    def insert(self, table: Table, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Add rows with the columns of a table to those that the next file keeps."""
        con = self._begin()
        if not has_table(con, table.name):
            create_table(con, table)
        con.from_arrow(rows).project(", ".join(table.column_names)).insert_into(table.name)

    def _begin(self) -> Connection:
        """Begin the next file with what it keeps of the old one, unless it is begun."""
        if self._next is not None:
            return self._next
        self._check_replaceable()
        waiting = _next(self._path)
        remove_database(waiting)
        mask = os.umask(0o077)  # its owner alone may ever open it
        try:
            con = self._next = self._con = connect(waiting, self._memory_limit, name=NAME)
        finally:
            os.umask(mask)
        con.begin()
        con.execute("create schema truth")
        for table in self._kept:
            if self._old.has(table):
                self.insert(table, self._old.reader(table))
        return con

    def _check_replaceable(self) -> None:
        """Raise when another's file stands where the next one goes and must not be lost."""
        if not self._path.exists() or self._old._con is not None:
            return
        if not os.access(self._path, os.R_OK):
            raise not_allowed(NAME, self._path, "a file that can be read")
        with _opened(self._path, self._memory_limit) as found:
            if _written_by(found) is None:
                raise not_allowed(NAME, self._path, "a private file or a new name; move it away")
            if has_table(found, USER_KEYS.name):
                raise not_allowed(
                    NAME,
                    self._path,
                    "one of this warehouse; it holds the text keys of another one, move it away",
                )
        self._reporter.say(f"{self._path}: replaced, as it belonged to another warehouse")

    def seal(self) -> None:
        """Write the next file whole, for the load that was recorded last."""
        if self._next is None:
            return
        con, load = self._next, last_load(self._warehouse)
        assert load is not None
        for table in PRIVATE_TABLES:
            if (
                has_table(con, table.name)
                and not con.execute(f"from {table.name} limit 1").fetchall()
            ):
                con.execute(f"drop table {table.name}")
        create_table(con, WRITTEN_BY)
        row = WrittenBy(load["load_id"], load["loaded_at"], self.highest_user_number)
        insert_row(con, WRITTEN_BY, row._asdict())
        con.commit()
        con.close()
        sync(_next(self._path))

    def copy(self, stay: Mapping[Table, str]) -> None:
        """Make the next file of the old one's rows for which the given conditions hold."""
        self.leave_out(*stay)
        for table, condition in stay.items():
            if self._old.has(table):
                self.insert(table, self._old.reader(table, condition))

    def close(self) -> None:
        """Leave the next file to :func:`settle`."""
        if self._next is not None:
            self._next.close()

    def put_in_place(self) -> None:
        """Put the next file in place of the old one, once the warehouse is committed."""
        if self._next is not None:
            _put_in_place(self._path)

    def discard(self) -> None:
        """Remove the next file of a load that failed."""
        if self._next is not None:
            self._next.close()
            remove_database(_next(self._path))


def _next(path: Path) -> Path:
    return path.with_name(path.name + ".next")


def _put_in_place(path: Path) -> None:
    if path.exists():
        with _opened(path):  # a log beside it would be taken for the next one's
            pass
    move_file(_next(path), path)


@contextmanager
def _opened(path: Path, memory_limit: str | None = None) -> Iterator[Connection]:
    con = connect(path, memory_limit, read_only=True, name=NAME)
    try:
        yield con
    finally:
        con.close()


def _written_by(con: Connection) -> WrittenBy | None:
    if not has_table(con, WRITTEN_BY.name):
        return None
    rows = con.execute(f"select {', '.join(WRITTEN_BY.column_names)} from {WRITTEN_BY.name}")
    found = rows.fetchall()
    return WrittenBy(*found[0]) if len(found) == 1 else None
